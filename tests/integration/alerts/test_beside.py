"""A rule's evaluation beside people who act on the same alarms in the same moment."""

from typing import Any

import pytest
from sqlalchemy import select

from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.kinds.offline import Offline
from muster_platform.alerts.models import Alarm
from tests.services.database import ADMIN, TestPlatform


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("act", ["resolve", "acknowledge"])
def test_what_a_person_does_while_an_alarm_is_being_cleared_stays(
    platform: TestPlatform, fleet: Any, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    fleet.add("cam-1")
    fleet.rule("device_offline", params={"for_s": 60})
    fleet.offline("cam-1")
    fleet.after(120)
    real = Offline.over

    def over(self: Offline, look: Any, params: Any, limit: int) -> Any:
        found = real(self, look, params, limit)
        monkeypatch.setattr(Offline, "over", real)
        for alarm, _words in found:
            with platform.unit(ADMIN) as unit:
                getattr(AlarmService(unit), act)(alarm.id, "seen to")
        return found

    monkeypatch.setattr(Offline, "over", over)
    fleet.online("cam-1")
    fleet.after(10)
    with platform.unit(ADMIN, write=False) as unit:
        alarm = unit.session.scalars(select(Alarm)).one()
        assert (alarm.state, alarm.open_key) == ("CLEARED_ACK", None)
