"""What becomes of alarms when devices go for good, or groups move."""

from typing import Any

from sqlalchemy import delete, func, literal, select, update

from muster_platform.alerts.models import Alarm, AlarmEvent, Rule, RuleHold
from muster_platform.alerts.raising import move
from muster_platform.alerts.states import Change
from muster_platform.devices.hooks import NoHooks
from muster_platform.unit import Unit

REMOVED = "The device was deleted"


class AlarmHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """Close its alarms; what is kept of them is hidden with the device."""
        unit.session.flush()
        alarms = unit.session.scalars(
            select(Alarm)
            .where(Alarm.device_key == device_key, Alarm.open_key.is_not(None))
            .with_for_update(of=Alarm)
        ).all()
        for alarm in alarms:
            alarm.resolved_at, alarm.resolved_reason = unit.now(), REMOVED
            move(unit, alarm, Change.RESOLVED, REMOVED)
        holds = delete(RuleHold).where(RuleHold.device_key == device_key)
        unit.session.execute(holds, execution_options={"synchronize_session": False})

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:
        """Delete a batch of the history of its alarms, then of them: their evidence is its data."""
        tables: tuple[Any, ...] = (AlarmEvent, Alarm)
        for table in tables:
            chosen = select(table.id).where(table.device_key == device_key).limit(limit)
            found = unit.session.scalars(chosen).all()
            if found:
                statement = delete(table).where(table.id.in_(found))
                unit.session.execute(statement, execution_options={"synchronize_session": False})
                return len(found)
        return 0


class AlarmGroupHooks:
    """Implements access.groups.GroupHooks: rules and alarms follow their group."""

    def on_group_moved(self, unit: Unit, old_path: str, new_path: str) -> None:
        """Rewrite the paths of rules and alarms inside the group."""
        for table in (Rule, Alarm):
            path: Any = table.group_path
            unit.session.execute(
                update(table)
                .where(path.startswith(old_path, autoescape=True))
                .values(group_path=literal(new_path) + func.substr(path, len(old_path) + 1))
                .execution_options(synchronize_session=False)
            )
