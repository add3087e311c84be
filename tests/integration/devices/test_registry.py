"""Devices registered, found, changed, disabled, deleted."""

import msgspec
import pytest
from sqlalchemy import func, select

from muster_platform.access.models import AuditEntry
from muster_platform.db.base import Base
from muster_platform.devices.credentials import CredentialService, verify
from muster_platform.devices.filters import SORTS, DeviceFilter
from muster_platform.devices.hooks import NoHooks
from muster_platform.devices.ingest import registry
from muster_platform.devices.models import Device, DeviceEvent, Outbound
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.outbox import Wake
from muster_platform.paging import PageRequest
from muster_platform.worker.registry import purge_deleted
from muster_protocol.messages import AgentVersion, Component, Hello
from muster_protocol.states import PresenceState
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN


def _ids(platform, page=None, **wanted):
    with platform.unit(ADMIN, write=False) as unit:
        found = DeviceService(unit).list(DeviceFilter(**wanted), page or PageRequest())
    return [device.device_id for device in found.items]


def _hello(session=1, install="i1"):
    return Hello(
        session=session,
        install_id=install,
        agent=AgentVersion(name="muster", version="1"),
        profile="camera",
        inventory=[Component(component="app", version="1.0")],
        boot="b1",
        seq=1,
    )


def _say_hello(platform, device_id, **given):
    with platform.unit(ADMIN) as unit:
        device = DeviceService(unit).get(device_id)
        registry.apply_hello(unit, device, _hello(**given), unit.now(), NoHooks())


def test_a_new_device_is_unknown_and_has_all_its_rows(platform, fleet):
    device = load(platform, "cam-1")
    assert device.presence.state == PresenceState.UNKNOWN
    assert (device.display_name, tags_of(device), device.plain) == (
        "Door",
        {"site": "berlin"},
        True,
    )
    assert (device.profile.name, device.group.name) == ("camera", "Hall")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("no id!", "camera"), "device_id"),
        (("_dispatch", "camera"), "device_id"),
        (("x", "camera", None, "n" * 129), "display_name"),
        (("x", "camera", None, "", {"bad name": ""}), "tags.bad name"),
        (("x", "camera", None, "", {"name": "v" * 129}), "tags.name"),
    ],
)
def test_what_does_not_fit_names_the_field(platform, fleet, arguments, where):
    with platform.unit(ADMIN) as unit, pytest.raises(InvalidInput) as caught:
        DeviceService(unit).register(*arguments)
    assert caught.value.where == where


def test_a_taken_id_leaves_the_transaction_usable(platform, fleet):
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict):
            DeviceService(unit).register("cam-1", "camera")
        DeviceService(unit).register("cam-9", "camera")
    assert "cam-9" in _ids(platform)


def test_filters_select(platform, fleet):
    assert _ids(platform, search="doOR") == ["cam-1"]
    assert _ids(platform, search="cam gate") == ["cam-2"]
    assert _ids(platform, search="am-") == ["cam-1", "cam-2"]
    assert _ids(platform, search="%") == []
    assert _ids(platform, tag="site") == ["cam-1", "cam-2"]
    assert _ids(platform, tag=("site", "rome")) == ["cam-2"]
    assert _ids(platform, group_id=fleet.berlin.id) == ["cam-1"]
    assert _ids(platform, profile="phone") == []
    assert _ids(platform, disabled=True) == []
    _say_hello(platform, "cam-2")
    assert _ids(platform, presence=frozenset({PresenceState.ONLINE})) == ["cam-2"]
    with pytest.raises(NotFound):
        _ids(platform, group_id=999)
    with pytest.raises(InvalidInput):
        _ids(platform, sort="colour")


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_pages_without_gap_or_double(platform, fleet, sort, descending):
    with platform.unit(ADMIN) as unit:
        for number in range(5):
            DeviceService(unit).register(f"d-{number}", "camera", display_name="same")
    _say_hello(platform, "d-3")
    seen, cursor = [], None
    while True:
        with platform.unit(ADMIN, write=False) as unit:
            wanted = DeviceFilter(sort=sort, descending=descending)
            page = DeviceService(unit).list(wanted, PageRequest(2, cursor))
        seen += [device.device_id for device in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    if sort == "device_id":
        assert seen == sorted(seen, reverse=descending)
    if sort == "last_seen":
        assert seen[0 if descending else -1] == "d-3"


def test_a_cursor_of_another_list_is_refused(platform, fleet):
    with platform.unit(ADMIN, write=False) as unit:
        devices = DeviceService(unit)
        cursor = devices.list(DeviceFilter(), PageRequest(1)).next_cursor
        for wanted, text in (
            (DeviceFilter(sort="created"), cursor),
            (DeviceFilter(), "!!"),
            (DeviceFilter(), "é"),
            (DeviceFilter(), "W10"),
        ):
            with pytest.raises(InvalidInput) as caught:
                devices.list(wanted, PageRequest(1, text))
            assert caught.value.where == "cursor"


def test_an_update_is_audited_with_what_changed_only(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).update("cam-1", display_name="Back door")
        DeviceService(unit).update("cam-1", display_name="Back door")
        DeviceService(unit).tag("cam-1", {"floor": "2"}, frozenset({"site"}))
    assert tags_of(load(platform, "cam-1")) == {"floor": "2"}
    assert _ids(platform, search="back") == ["cam-1"]
    with platform.unit(ADMIN, write=False) as unit:
        entries = unit.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "device.update").order_by(AuditEntry.id)
        ).all()
    assert [(entry.before, entry.after) for entry in entries] == [
        ({"display_name": "Door"}, {"display_name": "Back door"}),
        ({"tags": {"site": "berlin"}}, {"tags": {"floor": "2"}}),
    ]


def test_a_profile_in_use_stays(platform, fleet):
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict, match="2 devices use"):
            ProfileService(unit).delete("camera")
        ProfileService(unit).delete("phone")
        for bad in ({"contact": "never"}, {"expect_every_s": 1}, {"qos_down": 3}, {"title": ""}):
            with pytest.raises(InvalidInput) as caught:
                ProfileService(unit).update("camera", **bad)
            assert caught.value.where == next(iter(bad))
        with pytest.raises(Conflict):
            ProfileService(unit).create("camera")


def test_disabling_kicks_and_shows_at_once(platform, fleet):
    _say_hello(platform, "cam-1")
    platform.recorded.sent.clear()
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).disable("cam-1", hooks=NoHooks(), reason="stolen")
    device = load(platform, "cam-1")
    assert (device.presence.state, device.presence.reason) == ("OFFLINE", "disabled")
    assert Wake("dispatch") in platform.recorded.sent
    with platform.unit(ADMIN) as unit:
        order = unit.session.scalars(select(Outbound)).one()
        assert order.topic == "$muster/disconnect"
        assert msgspec.json.decode(order.payload) == {"device_id": "cam-1", "forget": False}
        with pytest.raises(Conflict) as caught:
            registry.apply_hello(unit, device, _hello(2), unit.now(), NoHooks())
        assert caught.value.code == "refused"
        DeviceService(unit).enable("cam-1")
    _say_hello(platform, "cam-1", session=3)
    assert load(platform, "cam-1").presence.state == "ONLINE"


class Removed(NoHooks):
    def __init__(self):
        self.keys = []

    def on_removed(self, unit, device_key):
        self.keys.append(device_key)


def test_deleting_and_purging_leave_nothing_and_the_same_id_begins_anew(platform, fleet):
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
    _say_hello(platform, "cam-1")
    old = load(platform, "cam-1")
    hooks = Removed()
    with platform.unit(ADMIN) as unit:
        unit.session.query(Outbound).delete()
        DeviceService(unit).delete("cam-1", hooks=hooks, purge=True)
    assert hooks.keys == [old.id]
    assert purge_deleted(platform) > 0
    with platform.unit(ADMIN, write=False) as unit:
        sent = [
            (row.topic, row.payload, row.retain) for row in unit.session.scalars(select(Outbound))
        ]
        assert sent == [
            ("$muster/disconnect", '{"device_id":"cam-1","forget":true}', False),
            ("muster/1/cam-1/up/presence", "", True),
            ("muster/1/cam-1/down/settings", "", True),
        ]
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
        for table in Base.metadata.tables.values():
            if "device_key" in table.c and table.name != "audit_entries":
                rows = select(func.count()).where(table.c.device_key == old.id)
                assert unit.session.scalar(rows) == 0, table.name
        with pytest.raises(NotFound):
            DeviceService(unit).get("cam-1")
    assert _ids(platform) == ["cam-2"]
    with platform.unit(ADMIN) as unit:
        new = DeviceService(unit).register("cam-1", "camera")
        assert new.id != old.id
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
    fresh = load(platform, "cam-1")
    assert (fresh.install_id, fresh.presence.session, fresh.tags) == (None, 0, [])


def test_a_gateway_with_children_is_not_deleted(platform, fleet):
    with platform.unit(ADMIN) as unit:
        devices = DeviceService(unit)
        devices.register("kid", "camera", gateway="cam-1")
        with pytest.raises(InvalidInput):
            devices.register("grandkid", "camera", gateway="kid")
        with pytest.raises(Conflict, match="speaks for 1 children"):
            devices.delete("cam-1", hooks=NoHooks())
        devices.delete("kid", hooks=NoHooks())
        topics = [row.topic for row in unit.session.scalars(select(Outbound))]
        assert topics == ["muster/1/cam-1/up/presence/kid", "muster/1/cam-1/down/settings/kid"]
        devices.delete("cam-1", hooks=NoHooks())


def test_a_group_that_held_only_deleted_devices_can_go(platform, fleet):
    from muster_platform.access.groups import GroupService

    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict, match=r"devices \(1\)"):
            GroupService(unit).delete(fleet.rome.id)
        DeviceService(unit).delete("cam-2", hooks=NoHooks())
        GroupService(unit).delete(fleet.rome.id)
        unit.session.flush()
        assert unit.session.scalar(select(Device.group_id).where(Device.device_id == "cam-2")) == 1


def test_hostile_text_is_stored_cleaned(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).update("cam-1", display_name="a\x00b\ud800c")
    assert load(platform, "cam-1").display_name == "a\ufffdb\ufffdc"
    with platform.unit(ADMIN, write=False) as unit:
        events = unit.session.scalars(select(DeviceEvent)).all()
        assert [event.kind for event in events] == ["enrolment", "enrolment"]
