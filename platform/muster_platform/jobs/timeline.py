"""What jobs did with a device, as lines of its timeline."""

from collections.abc import Iterable

from sqlalchemy import select

from muster_platform.devices.models import Device
from muster_platform.devices.timeline import Before, TimelineLine
from muster_platform.jobs.kinds import KINDS
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.unit import Unit


class JobTimeline:
    """Implements devices.timeline.TimelineProvider: every transition of every execution."""

    name = "execution"

    def lines(
        self, unit: Unit, device: Device, before: Before | None, limit: int
    ) -> Iterable[TimelineLine]:
        """Give lines, newest first; none of kinds that the actor may not read there."""
        path = device.group.path
        kinds = [kind.name for kind in KINDS.values() if unit.actor.may(kind.read, path)]
        if not kinds:
            return []
        table = ExecutionEvent.__table__.c
        statement = (
            select(ExecutionEvent, Execution.attempt, Job.id, Job.title)
            .join(Execution, Execution.id == ExecutionEvent.execution_id)
            .join(Job, Job.id == Execution.job_id)
            .where(ExecutionEvent.device_key == device.id, Job.kind.in_(kinds))
        )
        if before is not None:
            statement = statement.where(before.condition(self.name, table.at, table.id))
        statement = statement.order_by(table.at.desc(), table.id.desc()).limit(limit)
        return [
            _line(self.name, event, attempt, job_id, title)
            for event, attempt, job_id, title in unit.session.execute(statement)
        ]


def _line(
    source: str, event: ExecutionEvent, attempt: int, job_id: str, title: str
) -> TimelineLine:
    state, step = (_words(name) for name in (event.to_state, event.data.get("step")))
    said = ", ".join(part for part in (step, event.message) if part)
    text = f"{title}: {state}" + (f" ({said})" if said else "")
    return TimelineLine(
        at=event.at,
        source=source,
        id=event.id,
        kind=event.to_state,
        summary=text,
        actor=event.actor,
        data={
            "job_id": job_id,
            "execution_id": event.execution_id,
            "attempt": attempt,
            "from_state": event.from_state,
        },
    )


def _words(name: object) -> str:
    return str(name or "").replace("_", " ").lower()
