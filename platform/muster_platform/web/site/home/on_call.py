"""Panels for whoever is on call: open alarms, who else is on call, what was mailed."""

from dataclasses import dataclass

from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.oncall_views import Duty, duties
from muster_platform.alerts.states import UNACKNOWLEDGED, AlarmState, Severity
from muster_platform.alerts.told import ToldMail, last_mails
from muster_platform.alerts.views import AlarmFilter, AlarmView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site.alarm_words import ALARM, SEVERITY
from muster_platform.web.site.home.panel import ROWS, Panel
from muster_platform.web.site.words import Look

ORDER = (AlarmState.ACTIVE_UNACK, AlarmState.CLEARED_UNACK, AlarmState.ACTIVE_ACK)
"""What waits for somebody comes first."""

MAILS: dict[str, Look] = {
    "queued": Look("On its way", "clock", "busy"),
    "sent": Look("Sent", "circle-check", "ok"),
    "failed": Look("Not delivered", "alert-triangle", "bad"),
    "withdrawn": Look("Not needed any more", "circle-dashed", "mute"),
    "": Look("Sent long ago", "circle-dashed", "mute"),
}


@dataclass(frozen=True, slots=True)
class OpenAlarms:
    """The alarms to look at first, and how many there are.

    Attributes:
        mine: ids of those that the person may acknowledge.
        total: all open ones.
    """

    alarms: list[AlarmView]
    mine: frozenset[str]
    total: int
    severities: dict[str, Look]
    states: dict[str, Look]


@dataclass(frozen=True, slots=True)
class Mails:
    """The last mails about alarms, and how their states are drawn."""

    mails: list[ToldMail]
    looks: dict[str, Look]


def open_alarms(unit: Unit) -> OpenAlarms:
    """Give open alarms: those nobody has acknowledged first, the worst of them first."""
    query, found = AlarmQuery(unit), list[AlarmView]()
    for state in ORDER:
        for severity in Severity:
            if len(found) < ROWS:
                wanted = AlarmFilter(states=frozenset({state}), severities=frozenset({severity}))
                found += query.search(wanted, PageRequest(ROWS - len(found))).items
    total = sum(query.open_by_severity().values())
    return OpenAlarms(found, _mine(query, found), total, SEVERITY, ALARM)


def _mine(query: AlarmQuery, alarms: list[AlarmView]) -> frozenset[str]:
    waiting = [one.id for one in alarms if one.state in UNACKNOWLEDGED]
    found = query.mine(waiting, Permission.ALARMS_ACKNOWLEDGE)
    return frozenset(alarm.id for alarm in found)


def on_duty(unit: Unit) -> list[Duty]:
    """Give who is on call, group by group."""
    return duties(unit)[:ROWS]


def alarm_mails(unit: Unit) -> Mails:
    """Give the last mails about alarms."""
    return Mails(last_mails(unit, ROWS), MAILS)


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    return [
        Panel(
            name="open_alarms",
            title="Open alarms",
            permissions=(Permission.ALARMS_READ,),
            read=open_alarms,
            topics="fleet:alarm",
            more=("All alarms", "alarms.index"),
        ),
        Panel(
            name="on_duty",
            title="Who is on call",
            permissions=(Permission.ALARMS_READ, Permission.RULES_READ),
            read=on_duty,
            every_s=60,
            more=("On-call lists", "on_call.index"),
        ),
        Panel(
            name="alarm_mails",
            title="Mails about alarms",
            permissions=(Permission.ALARMS_READ,),
            read=alarm_mails,
            topics="fleet:alarm",
            every_s=60,
        ),
    ]
