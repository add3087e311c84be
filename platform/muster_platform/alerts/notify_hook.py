"""What follows from a change of an alarm, in the transaction that changes it."""

from muster_platform.alerts.models import Alarm
from muster_platform.alerts.states import Change
from muster_platform.outbox import Live
from muster_platform.unit import Unit


def on_change(unit: Unit, alarm: Alarm, change: Change) -> None:
    """Act on a change: browsers that look at alarms are told.

    Called after the change was written (and flushed), once for each, hidden alarms included.
    """
    unit.outbox.add(
        Live(
            topic="fleet",
            kind="alarm",
            group_path=alarm.group_path,
            data={
                "id": alarm.id,
                "change": str(change),
                "state": alarm.state,
                "severity": alarm.severity,
                "hidden": alarm.hidden_by is not None,
            },
        )
    )
