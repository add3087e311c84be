"""What rules that look at a fleet see, and what tests ask of the alarms that came of it."""

from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.states import OPEN
from muster_platform.alerts.views import AlarmFilter, AlarmView
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform

HOT = {"metric": "temp", "comparison": ">", "value": 80.0}


def alarms(platform: TestPlatform, **wanted: object) -> dict[str, str]:
    """Give the open alarms as {subject: state}."""
    with platform.unit(ADMIN, write=False) as unit:
        chosen = AlarmFilter(states=OPEN, **wanted)
        found = AlarmQuery(unit).search(chosen, PageRequest(200)).items
        return {alarm.subject_id: str(alarm.state) for alarm in found}


def only(platform: TestPlatform) -> AlarmView:
    """Give the one alarm there is, open or not."""
    with platform.unit(ADMIN, write=False) as unit:
        [alarm] = AlarmQuery(unit).search(AlarmFilter(hidden=True), PageRequest(9)).items
        return alarm
