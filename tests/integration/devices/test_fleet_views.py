"""What the fleet has and what happened to it, over all devices that the actor may read."""

from muster_platform.access.groups import GroupService
from muster_platform.devices.changes import ChangeService
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.inventories import InventoryService
from muster_platform.devices.models import InventoryItem
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.rows import add_event
from muster_platform.devices.service import DeviceService
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor

VERSIONS = {"a": "1.9.0", "b": "1.10.0", "c": "1.10.0", "d": "1.2.0"}
"""Device -> version of its firmware; d is in another group."""


def fill(platform: TestPlatform) -> str:
    """Make the devices; give the path of the group of a, b and c."""
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).create("sensor")
        here, there = (GroupService(unit).create(name) for name in ("Here", "There"))
        for name, version in VERSIONS.items():
            group = there if name == "d" else here
            device = DeviceService(unit).register(name, "sensor", group.id)
            unit.session.add(
                InventoryItem(
                    device_key=device.id, component="firmware", version=version, since=unit.now()
                )
            )
            add_event(unit, device, "presence", f"{name} came")
        return here.path


def test_versions_are_counted_newest_first(platform: TestPlatform) -> None:
    fill(platform)
    with platform.unit(ADMIN, write=False) as unit:
        (firmware,) = InventoryService(unit).versions()
    assert [(one.version, one.devices, one.newest) for one in firmware.versions] == [
        ("1.10.0", 2, True),
        ("1.9.0", 1, False),
        ("1.2.0", 1, False),
    ]
    assert (firmware.devices, firmware.behind) == (4, 2)


def test_of_foreign_groups_nothing_is_counted_listed_or_told(platform: TestPlatform) -> None:
    viewer = actor("viewer", fill(platform))
    with platform.unit(viewer, write=False) as unit:
        (firmware,) = InventoryService(unit).versions()
        behind = InventoryService(unit).behind(10)
        changes = ChangeService(unit).recent(0, ("presence",), 10)
    assert firmware.devices == 3
    assert [(one.device_id, one.newest) for one in behind] == [("a", "1.10.0")]
    assert [one.device_id for one in changes] == ["c", "b", "a"]


def test_changes_are_those_of_the_time_and_kind_asked_for(platform: TestPlatform) -> None:
    fill(platform)
    platform.time.advance(ms=1_000)
    with platform.unit(ADMIN, write=False) as unit:
        service = ChangeService(unit)
        assert service.recent(unit.now(), ("presence",), 10) == []
        assert service.recent(0, ("settings",), 10) == []
        assert len(service.recent(0, ("presence", "enrolment"), 3)) == 3


def test_devices_are_found_by_what_they_have(platform: TestPlatform) -> None:
    fill(platform)
    with platform.unit(ADMIN, write=False) as unit:
        service = DeviceService(unit)
        for component, ids in (
            ("firmware", ["a", "b", "c", "d"]),
            (("firmware", "1.10.0"), ["b", "c"]),
            (("firmware", "7"), []),
        ):
            found = service.list(DeviceFilter(component=component), PageRequest()).items
            assert [device.device_id for device in found] == ids
