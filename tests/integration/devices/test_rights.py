"""Every service method on devices: own group, foreign group (404), readable only (403)."""

from collections.abc import Callable
from typing import Any

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import BUILTIN_ROLES, Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.bulk.service import BulkService
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.hooks import NoHooks
from muster_platform.devices.import_plan import Options
from muster_platform.devices.importing import ImportService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.selection import Selection
from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, NOBODY, actor

P = Permission
Act = Callable[[Unit], Any]

READS: dict[str, tuple[Act, Permission]] = {
    "get": (lambda unit: DeviceService(unit).get("cam-1"), P.DEVICES_READ),
    "credentials": (lambda unit: CredentialService(unit).list("cam-1"), P.DEVICES_READ),
}
WRITES: dict[str, tuple[Act, Permission]] = {
    "update": (
        lambda unit: DeviceService(unit).update("cam-1", display_name="X"),
        P.DEVICES_WRITE,
    ),
    "tag": (lambda unit: DeviceService(unit).tag("cam-1", {"a": "b"}), P.DEVICES_WRITE),
    "disable": (
        lambda unit: DeviceService(unit).disable("cam-1", hooks=NoHooks()),
        P.DEVICES_WRITE,
    ),
    "enable": (lambda unit: DeviceService(unit).enable("cam-1"), P.DEVICES_WRITE),
    "delete": (
        lambda unit: DeviceService(unit).delete("cam-1", hooks=NoHooks()),
        P.DEVICES_DELETE,
    ),
    "rotate": (lambda unit: CredentialService(unit).rotate("cam-1"), P.DEVICES_ENROL),
    "revoke_all": (lambda unit: CredentialService(unit).revoke_all("cam-1"), P.DEVICES_ENROL),
}
ALL = READS | WRITES


@pytest.mark.parametrize("name", ALL)
def test_own_group_may(platform, fleet, name):
    with platform.unit(actor("administrator", fleet.berlin.path)) as unit:
        ALL[name][0](unit)


@pytest.mark.parametrize("name", ALL)
def test_a_foreign_device_is_not_there(platform, fleet, name):
    for who in (actor("administrator", fleet.rome.path), NOBODY):
        with platform.unit(who) as unit, pytest.raises(NotFound, match="cam-1"):
            ALL[name][0](unit)


@pytest.mark.parametrize("name", WRITES)
def test_a_readable_device_is_denied_with_permission_and_group(platform, fleet, name):
    act, permission = WRITES[name]
    viewer = actor("viewer", fleet.berlin.path)
    with platform.unit(viewer) as unit, pytest.raises(PermissionDenied) as caught:
        act(unit)
    assert (caught.value.permission, caught.value.group) == (permission, "Hall")


def test_lists_and_counts_hold_what_the_actor_may_read(platform, fleet):
    for path, ids in (
        (None, ["cam-1", "cam-2"]),
        (fleet.berlin.path, ["cam-1"]),
        (fleet.rome.path, ["cam-2"]),
    ):
        with platform.unit(actor("viewer", path), write=False) as unit:
            service = DeviceService(unit)
            page = service.list(DeviceFilter(), PageRequest())
            assert [device.device_id for device in page.items] == ids
            assert sum(service.count_by_presence().values()) == len(ids)
    with platform.unit(NOBODY, write=False) as unit:
        with pytest.raises(PermissionDenied):
            DeviceService(unit).list(DeviceFilter(), PageRequest())
        with pytest.raises(PermissionDenied):
            DeviceService(unit).count_by_presence()


def test_registering_needs_the_right_on_the_group(platform, fleet):
    operator = actor("operator", fleet.berlin.path)
    with platform.unit(operator) as unit:
        DeviceService(unit).register("cam-3", "camera", fleet.hall.id)
    with platform.unit(operator) as unit, pytest.raises(NotFound):
        DeviceService(unit).register("cam-4", "camera", fleet.rome.id)
    viewer = actor("viewer", fleet.berlin.path)
    with platform.unit(viewer) as unit, pytest.raises(PermissionDenied):
        DeviceService(unit).register("cam-4", "camera", fleet.hall.id)


def test_moving_a_device_needs_the_right_at_both_ends(platform, fleet):
    with platform.unit(actor("operator", fleet.berlin.path)) as unit:
        with pytest.raises(NotFound):
            DeviceService(unit).update("cam-1", group_id=fleet.rome.id)
        DeviceService(unit).update("cam-1", group_id=fleet.berlin.id)


def _mover(fleet) -> Actor:
    """Make a person who may change devices in both groups, and command those in Rome."""
    writes = BUILTIN_ROLES["viewer"] | {Permission.DEVICES_WRITE, Permission.DEVICES_ENROL}
    runs = writes | {Permission.COMMANDS_RUN}
    grants = (Grant(writes, fleet.berlin.path), Grant(runs, fleet.rome.path))
    return Actor("user", "mover", "mover@example.org", grants)


def test_nobody_gains_rights_on_a_device_by_moving_it(platform, fleet):
    with platform.unit(_mover(fleet)) as unit:
        with pytest.raises(PermissionDenied) as caught:
            DeviceService(unit).update("cam-1", group_id=fleet.rome.id)
        DeviceService(unit).update("cam-2", group_id=fleet.berlin.id)
    assert (caught.value.permission, caught.value.group) == ("commands:run", "Hall")
    assert load(platform, "cam-1").group_id == fleet.hall.id


def test_nobody_gains_rights_on_devices_by_moving_many(platform, fleet):
    with platform.unit(_mover(fleet), write=False) as unit:
        args = {"group": fleet.rome.id}
        found = BulkService(unit).plan(Selection(devices=("cam-1",)), "move", args)
    assert [(one.device_id, one.code) for one in found.excluded] == [("cam-1", "would_gain")]


def test_nobody_gains_rights_on_a_device_by_importing_it_elsewhere(platform, fleet):
    with platform.unit(_mover(fleet)) as unit:
        service = ImportService(unit, DEVICE_HOOKS)
        text = "device_id,profile,group\ncam-1,camera,Rome\n"
        report = service.apply(text, Options(update_existing=True))
    assert [(row.status, row.column) for row in report.rows] == [("invalid", "group")]
    assert load(platform, "cam-1").group_id == fleet.hall.id


def test_enrolment_tokens_belong_to_their_group(platform, fleet):
    with platform.unit(ADMIN) as unit:
        token, _ = EnrolmentService(unit).create_token("t", "camera", fleet.hall.id)
    with platform.unit(actor("operator", fleet.berlin.path)) as unit:
        service = EnrolmentService(unit)
        service.create_token("mine", "camera", fleet.berlin.id)
        assert {item.name for item in service.list()} == {"t", "mine"}
    with platform.unit(actor("operator", fleet.rome.path)) as unit:
        service = EnrolmentService(unit)
        assert service.list() == []
        with pytest.raises(NotFound):
            service.revoke(token.id)
        with pytest.raises(NotFound):
            service.create_token("theirs", "camera", fleet.hall.id)
    with platform.unit(actor("viewer", fleet.berlin.path)) as unit:
        service = EnrolmentService(unit)
        for act in (
            service.list,
            lambda: service.revoke(token.id),
            lambda: service.create_token("x", "camera", fleet.hall.id),
        ):
            with pytest.raises(PermissionDenied):
                act()


@pytest.mark.parametrize(
    "act",
    [
        lambda profiles: profiles.create("x"),
        lambda profiles: profiles.get("camera"),
        lambda profiles: profiles.list(),
        lambda profiles: profiles.update("camera", title="x"),
        lambda profiles: profiles.delete("camera"),
    ],
)
def test_profiles_need_a_binding_everywhere(platform, fleet, act):
    local = actor("administrator", "1/")
    with platform.unit(local) as unit, pytest.raises(PermissionDenied) as caught:
        act(ProfileService(unit))
    assert caught.value.group == "everywhere"
