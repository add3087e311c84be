"""Cancels executions: at once where nothing was handed over, by asking the device elsewhere."""

from sqlalchemy import select

from muster_platform.jobs import rules
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.due import due_now
from muster_platform.jobs.facts import DeviceFacts, load_facts, standing_of, surroundings_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.moves import store
from muster_platform.outbox import WAKE_DISPATCH, Wake
from muster_platform.unit import Unit

AT_ONCE = 2_000
"""Most executions canceled in one pass over a job; the next pass goes on."""


def cancel_one(unit: Unit, execution: Execution, device: DeviceFacts, actor: str) -> None:
    """Ask for the end of one; its row is locked by the caller."""
    decision = rules.cancel(standing_of(execution, execution.job), unit.now())
    if not decision.changes:
        return
    standing = store(unit, execution, decision, device, actor=actor)
    if not standing.ended:
        around = surroundings_of(device, execution.job, unit.now(), unit.settings)
        execution.due_at = due_now(standing, around)
        unit.outbox.add(Wake(WAKE_DISPATCH))


def cancel_some(unit: Unit, job: Job) -> int:
    """Cancel open executions of a job whose cancel was asked for.

    Rows that somebody else holds at this moment are left to the next pass.

    Returns:
        How many were looked at.
    """
    query = (
        select(Execution)
        .where(
            Execution.job_id == job.id,
            Execution.state.not_in(ENDED),
            Execution.cancel_requested_at.is_(None),
        )
        .order_by(Execution.id)
        .limit(AT_ONCE)
        .with_for_update(of=Execution, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    executions = list(unit.session.scalars(query))
    facts = load_facts(unit.session, [one.device_key for one in executions])
    for execution in executions:
        cancel_one(unit, execution, facts[execution.device_key], job.author_name)
    return len(executions)
