"""The passes over the record of tasks itself: what people asked for, what is lost, what is old."""

from collections.abc import Callable, Mapping

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.outbox import WAKE_TASKS, Wake
from muster_platform.parts.beating import instance_name
from muster_platform.parts.service import PartService
from muster_platform.tasks import recording
from muster_platform.tasks.models import FAILED
from muster_platform.tasks.recording import Beginning
from muster_platform.worker.recorded import recorded

BATCH = 500
BATCHES = 50
_ACTOR = system_actor("worker")

Task = Callable[[Platform], int]


def run_requested(platform: Platform, tasks: Mapping[str, Task]) -> int:
    """Run what a person asked for: one run, and the next one by a task of its own.

    Args:
        tasks: every task of the schedule, by name.
    """
    with platform.unit(_ACTOR) as unit:
        row = recording.requested(unit)
        if row is None:
            return 0
        beginning = Beginning(
            id=row.id,
            name=row.name,
            trigger=row.trigger,
            actor_name=row.actor_name,
            worker=instance_name(),
            queued_at=row.queued_at,
        )
        known = row.name in tasks
        # Claimed in the transaction that found it, so that two workers never share one.
        recording.begin(unit, beginning)
        if not known:
            recording.end(unit, row.id, FAILED, 0, "this worker has no such task", ())
        unit.outbox.add(Wake(WAKE_TASKS))
    if known:
        recorded(platform, tasks[row.name], beginning, begun=True)
    return 1


def note_lost(platform: Platform) -> int:
    """Mark runs whose worker stopped in the middle."""
    with platform.unit(_ACTOR) as unit:
        living = {part.instance for part in PartService(unit).list() if part.state != "bad"}
        return recording.note_lost(unit, living | {instance_name()})


def clean_tasks(platform: Platform) -> int:
    """Forget old runs."""
    total = 0
    for _ in range(BATCHES):
        with platform.unit(_ACTOR) as unit:
            number = recording.clean_old(unit, BATCH)
        total += number
        if number < BATCH:
            break
    return total
