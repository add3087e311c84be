"""The alarms about a device, as lines of its timeline."""

from collections.abc import Iterable

from sqlalchemy import select

from muster_platform.access.permissions import Permission
from muster_platform.alerts.models import Alarm, AlarmEvent
from muster_platform.devices.models import Device
from muster_platform.devices.timeline import Before, TimelineLine
from muster_platform.unit import Unit


class AlarmTimeline:
    """Implements devices.timeline.TimelineProvider."""

    name = "alarm"

    def lines(
        self, unit: Unit, device: Device, before: Before | None, limit: int
    ) -> Iterable[TimelineLine]:
        """Give lines, newest first; none without alarms:read on the device's group."""
        if not unit.actor.may(Permission.ALARMS_READ, device.group.path):
            return []
        table = AlarmEvent.__table__.c
        statement = (
            select(AlarmEvent, Alarm.id, Alarm.title, Alarm.severity)
            .join(Alarm, Alarm.id == AlarmEvent.alarm_id)
            .where(AlarmEvent.device_key == device.id)
        )
        if before is not None:
            statement = statement.where(before.condition(self.name, table.at, table.id))
        statement = statement.order_by(table.at.desc(), table.id.desc()).limit(limit)
        return [
            TimelineLine(
                at=event.at,
                source=self.name,
                id=event.id,
                kind=event.change,
                summary=_summary(event, title),
                actor=event.actor_name,
                data={"alarm_id": alarm_id, "severity": severity},
            )
            for event, alarm_id, title, severity in unit.session.execute(statement)
        ]


def _summary(event: AlarmEvent, title: str) -> str:
    text = f"Alarm {event.change.replace('_', ' ')}: {title}"
    return text if not event.text or event.text == title else f"{text} ({event.text})"
