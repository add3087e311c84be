"""A small fleet: two groups, a profile, and a device in each group."""

from dataclasses import dataclass

import pytest

from muster_platform.access.groups import GroupService
from muster_platform.access.models import Group
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from tests.services.database import ADMIN, TestPlatform


@dataclass(frozen=True)
class Fleet:
    """What the tests start from."""

    berlin: Group
    hall: Group
    rome: Group


@pytest.fixture
def fleet(platform: TestPlatform) -> Fleet:
    """Fleet / Berlin / Hall and Fleet / Rome; cam-1 in Hall, cam-2 in Rome, profile camera."""
    with platform.unit(ADMIN) as unit:
        groups = GroupService(unit)
        berlin = groups.create("Berlin")
        made = Fleet(berlin, groups.create("Hall", berlin.id), groups.create("Rome"))
        ProfileService(unit).create("camera", "Camera", expect_every_s=60)
        ProfileService(unit).create("phone", "Phone", contact="periodic", expect_every_s=600)
        devices = DeviceService(unit)
        devices.register("cam-1", "camera", made.hall.id, "Door", {"site": "berlin"})
        devices.register("cam-2", "camera", made.rome.id, "Gate", {"site": "rome"})
    return made


def load(platform: TestPlatform, device_id: str) -> Device:
    """Read a device anew."""
    with platform.unit(ADMIN, write=False) as unit:
        return DeviceService(unit).get(device_id)
