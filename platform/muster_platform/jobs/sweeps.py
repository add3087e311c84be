"""Periodic passes: limits that have passed, jobs to move on, devices that nobody told us about.

Each takes a bounded number of rows, skips those that somebody else holds, and may be lost, doubled
or run at the same time elsewhere: that makes things late, never wrong.
"""

from sqlalchemy import select, update

from muster_platform.devices.models import Device, Presence
from muster_platform.jobs import advance as passes
from muster_platform.jobs.authors import Authors
from muster_platform.jobs.facts import load_facts, standing_of
from muster_platform.jobs.limits import overdue
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.moves import store
from muster_platform.jobs.rows import lock_job, settle
from muster_platform.outbox import WAKE_DISPATCH, Wake
from muster_platform.unit import Unit
from muster_protocol.states import JOB_TERMINAL, REACHABLE, ExecutionState

ACTOR = "limits"
_REACHABLE = tuple(map(str, REACHABLE))
_ENDED_JOBS = tuple(map(str, JOB_TERMINAL))


def sweep_limits(unit: Unit, limit: int = 500) -> int:
    """End what has passed one of its limits.

    Returns:
        How many rows were looked at; as many as `limit` means that there may be more.
    """
    query = (
        select(Execution)
        .where(Execution.limit_at <= unit.now())
        .order_by(Execution.limit_at)
        .limit(limit)
        .with_for_update(of=Execution, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    executions = list(unit.session.scalars(query))
    facts = load_facts(unit.session, [one.device_key for one in executions])
    for execution in sorted(executions, key=lambda one: one.job_id):
        device = facts[execution.device_key]
        decision = overdue(standing_of(execution, execution.job), unit.now(), plain=device.plain)
        if decision is None:
            continue
        store(unit, execution, decision, device, actor=ACTOR)
        if job := settle(unit.session, execution):
            passes.advance(unit, job)
    return len(executions)


def active_jobs(unit: Unit, after: str = "", limit: int = 200) -> list[str]:
    """List ids of jobs that have not ended, in the order of ids, behind the one given."""
    query = (
        select(Job.id)
        .where(Job.state.not_in(_ENDED_JOBS), Job.id > after)
        .order_by(Job.id)
        .limit(limit)
    )
    return list(unit.session.scalars(query))


def advance_jobs(unit: Unit, job_ids: list[str]) -> int:
    """Take one step for each of these jobs; those that somebody else holds are left out.

    Returns:
        How many changed.
    """
    authors, changed = Authors(unit.session), 0
    for job_id in sorted(job_ids):
        job = lock_job(unit.session, job_id, skip_locked=True)
        if job is not None:
            changed += passes.advance(unit, job, authors)
    return changed


def find_forgotten(unit: Unit, limit: int = 500) -> int:
    """Make due what waits for a device that is reachable.

    A hello that was stored in the same moment as a new execution cannot see it; neither can the
    re-enabling of a plain device. This finds such.

    Returns:
        How many were made due.
    """
    awaited = (str(ExecutionState.QUEUED), str(ExecutionState.SENT))
    first_send = Execution.handed_at.is_(None)
    query = (
        select(Execution.id)
        .join(Device, Device.id == Execution.device_key)
        .join(Presence, Presence.device_key == Execution.device_key)
        .join(Job, Job.id == Execution.job_id)
        .where(
            Execution.limit_at.is_not(None),
            Execution.due_at.is_(None),
            Execution.state.in_(awaited),
            Device.disabled_at.is_(None),
            Job.state.not_in((*_ENDED_JOBS, "PAUSED")),
            (Device.plain & first_send) | (~Device.plain & Presence.state.in_(_REACHABLE)),
        )
        .limit(limit)
        .with_for_update(of=Execution, skip_locked=True)
    )
    found = list(unit.session.scalars(query))
    if found:
        unit.session.execute(
            update(Execution).where(Execution.id.in_(found)).values(due_at=unit.now()),
            execution_options={"synchronize_session": False},
        )
        unit.outbox.add(Wake(WAKE_DISPATCH))
    return len(found)
