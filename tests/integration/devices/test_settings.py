"""Desired settings: versions, the retained message, the limits."""

import msgspec
import pytest
from sqlalchemy import select

from muster_platform.devices.models import Outbound
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied, PreconditionFailed
from tests.services.database import ADMIN, NOBODY, actor


def _set(platform, desired, if_version=None, device_id="cam-1"):
    with platform.unit(ADMIN) as unit:
        return SettingsService(unit).set_desired(device_id, desired, if_version)


def _published(platform):
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.scalars(select(Outbound).order_by(Outbound.id)).all()
    return [(row.topic, msgspec.json.decode(row.payload), row.retain) for row in rows]


def test_what_is_desired_counts_up_and_is_kept_by_the_broker(platform, fleet):
    assert _set(platform, {"rate": 5}).version == 1
    assert _set(platform, {"rate": 6, "deep": {"a": [1, None]}}).version == 2
    topic = "muster/1/cam-1/down/settings"
    assert _published(platform) == [
        (topic, {"version": 1, "desired": {"rate": 5}}, True),
        (topic, {"version": 2, "desired": {"rate": 6, "deep": {"a": [1, None]}}}, True),
    ]


def test_the_same_again_changes_nothing(platform, fleet):
    _set(platform, {"rate": 5})
    assert _set(platform, {"rate": 5}).version == 1
    assert len(_published(platform)) == 1


def test_a_child_hears_through_its_gateway(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("kid", "camera", gateway="cam-1")
    _set(platform, {"a": 1}, device_id="kid")
    assert _published(platform)[0][0] == "muster/1/cam-1/down/settings/kid"


def test_a_change_made_meanwhile_is_not_overwritten(platform, fleet):
    _set(platform, {"a": 1}, if_version=0)
    with pytest.raises(PreconditionFailed) as caught:
        _set(platform, {"a": 2}, if_version=0)
    assert caught.value.extra["version"] == 1
    assert _set(platform, {"a": 2}, if_version=1).version == 2


@pytest.mark.parametrize("desired", [[1], "text", None, {"k": "x" * 65_536}])
def test_what_no_message_can_carry_is_refused_and_nothing_is_stored(platform, fleet, desired):
    with pytest.raises(InvalidInput) as caught:
        _set(platform, desired)
    assert caught.value.where == "desired"
    assert _published(platform) == []
    with platform.unit(ADMIN, write=False) as unit:
        assert SettingsService(unit).get("cam-1").version == 0


def test_reading_and_writing_need_their_rights(platform, fleet):
    def write(unit):
        SettingsService(unit).set_desired("cam-1", {"a": 1})

    def read(unit):
        SettingsService(unit).get("cam-1")

    for who in (actor("administrator", fleet.rome.path), NOBODY):
        for act in (read, write):
            with platform.unit(who) as unit, pytest.raises(NotFound):
                act(unit)
    viewer = actor("viewer", fleet.berlin.path)
    with platform.unit(viewer) as unit, pytest.raises(PermissionDenied) as caught:
        write(unit)
    assert (caught.value.permission, caught.value.group) == ("settings:write", "Hall")
    with platform.unit(viewer, write=False) as unit:
        read(unit)
    with platform.unit(actor("operator", fleet.berlin.path)) as unit:
        write(unit)
