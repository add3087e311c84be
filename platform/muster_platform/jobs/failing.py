"""Which devices fail: those on which commands ended badly lately."""

from dataclasses import dataclass

from sqlalchemy import func, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device
from muster_platform.jobs.models import Execution
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7
from muster_protocol.states import ExecutionState

LONGEST_MS = 7 * 24 * 3600 * 1000
"""An execution that was made longer before than this is not looked for: ids begin with a time."""

FAILED = tuple(
    str(state)
    for state in (
        ExecutionState.FAILED,
        ExecutionState.REJECTED,
        ExecutionState.TIMED_OUT,
        ExecutionState.EXPIRED,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingDevice:
    """A device with how many commands failed on it, and the time and words of the last one."""

    device_id: str
    device_name: str
    group_name: str
    failures: int
    last_at: int
    last_error: str


class FailureService:
    """Counts what ended badly on the devices whose commands the actor may see."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def devices(self, since: int, size: int) -> list[FailingDevice]:
        """Give the devices with failed commands since then, the most failures first.

        Args:
            since: ms since the epoch.
            size: most rows.

        Raises:
            PermissionDenied: without commands:read on any group.
        """
        self._unit.actor.require_somewhere(Permission.COMMANDS_READ)
        count, last = func.count(), func.max(Execution.ended_at)
        rows = self._unit.session.execute(
            select(Device.id, count, last, func.max(Execution.id))
            .join(Execution, Execution.device_key == Device.id)
            .where(
                Execution.id >= uuid7(since - LONGEST_MS, bytes),
                Execution.state.in_(FAILED),
                Execution.ended_at >= since,
                visible(self._unit.actor, Permission.COMMANDS_READ),
            )
            .group_by(Device.id)
            .order_by(count.desc(), last.desc(), Device.id)
            .limit(size)
        ).all()
        return [self._failing(key, number, at or since, newest) for key, number, at, newest in rows]

    def _failing(self, key: int, failures: int, last_at: int, newest: str) -> FailingDevice:
        device = self._unit.session.get_one(Device, key)
        last = self._unit.session.get_one(Execution, newest)
        words = (last.job.title, last.error_code or last.state.lower(), last.error_message)
        return FailingDevice(
            device_id=device.device_id,
            device_name=device.display_name or device.device_id,
            group_name=device.group.name,
            failures=failures,
            last_at=last_at,
            last_error=": ".join(word for word in words if word),
        )
