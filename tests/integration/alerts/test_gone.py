"""What is left of a device's alarms when the device is gone for good."""

from typing import Any

from sqlalchemy import func, select

from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.hooks import AlarmHooks
from muster_platform.alerts.models import Alarm, AlarmEvent
from muster_platform.alerts.oncall_models import AlarmCall
from muster_platform.devices.models import Device
from tests.services.database import ADMIN, TestPlatform


def left(platform: TestPlatform) -> list[Any]:
    with platform.unit(ADMIN, write=False) as unit:
        tables = (Alarm, AlarmEvent, AlarmCall)
        return [unit.session.scalar(select(func.count()).select_from(one)) for one in tables]


def purge(platform: TestPlatform, key: int, limit: int) -> list[int]:
    steps = []
    while not steps or steps[-1]:
        with platform.unit(ADMIN) as unit:
            steps.append(AlarmHooks().on_purge(unit, key, limit))
    return steps


def test_purging_a_device_takes_its_alarms_and_their_evidence_away(
    platform: TestPlatform, fleet: Any
) -> None:
    fleet.add("cam-1", "cam-2")
    fleet.rule("device_offline", params={"for_s": 60})
    fleet.offline("cam-1", "cam-2")
    fleet.after(120)
    with platform.unit(ADMIN) as unit:
        (alarm,) = unit.session.scalars(
            select(Alarm).where(Alarm.device_key == fleet.keys["cam-1"])
        )
        AlarmService(unit).comment(alarm.id, "seen")
    with platform.unit(ADMIN) as unit:
        AlarmHooks().on_removed(unit, fleet.keys["cam-1"])
    assert purge(platform, fleet.keys["cam-1"], 2) == [2, 1, 1, 0]
    assert left(platform) == [1, 1, 1]


def test_a_child_is_shown_when_the_alarm_that_explained_it_is_purged(
    platform: TestPlatform, fleet: Any
) -> None:
    fleet.add("gate", "child")
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Device, fleet.keys["child"]).gateway_id = fleet.keys["gate"]
    fleet.rule("device_offline", params={"for_s": 60})
    fleet.offline("gate", "child")
    fleet.after(120)
    fleet.after(10)
    own = select(Alarm.hidden_by).where(Alarm.device_key == fleet.keys["child"])
    with platform.unit(ADMIN) as unit:
        assert unit.session.scalar(own) is not None
        AlarmHooks().on_removed(unit, fleet.keys["gate"])
        unit.session.get_one(Device, fleet.keys["gate"]).deleted_at = unit.now()
    purge(platform, fleet.keys["gate"], 10)
    fleet.after(10)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(own) is None
