"""What follows from a change of an alarm, in the transaction that changes it."""

from muster_platform.alerts.calling import follow
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.states import Change
from muster_platform.outbox import Live
from muster_platform.unit import Unit


def on_change(unit: Unit, alarm: Alarm, change: Change) -> None:
    """Act on a change: browsers are told, and people on call.

    Called after the change was written (and flushed), once for each, hidden alarms included.
    """
    follow(unit, alarm, change)
    told = {
        "id": alarm.id,
        "change": str(change),
        "state": alarm.state,
        "severity": alarm.severity,
        "hidden": alarm.hidden_by is not None,
    }
    topics = ["fleet"] if alarm.device_key is None else ["fleet", f"device:{alarm.device_key}"]
    for topic in topics:
        unit.outbox.add(Live(topic, "alarm", alarm.group_path, told))
