"""Loads and locks rows of the job engine.

Whoever holds an execution takes its job only where nobody else holds it, and a pass over a job
takes executions only so: nothing waits in a circle. What is passed over is taken by the next pass.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.db.chunks import chunks
from muster_platform.jobs.models import Execution, Job

_LOCKED = "locked_executions"


def lock_job(session: Session, job_id: str, *, skip_locked: bool = False) -> Job | None:
    """Load a job and lock its row; None: no such job (or held by another, when skipping)."""
    query = (
        select(Job)
        .where(Job.id == job_id)
        .with_for_update(skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one_or_none()


def preload_executions(session: Session, ids: Collection[str]) -> None:
    """Load and lock executions of a batch in one statement, in the order of their ids.

    `lock_execution` finds them in the session until its transaction ends.
    """
    known: dict[str, Execution | None] = session.info.setdefault(_LOCKED, {})
    for part in chunks(sorted(set(ids) - known.keys())):
        query = (
            select(Execution)
            .where(Execution.id.in_(part))
            .order_by(Execution.id)
            .with_for_update(of=Execution)
            .execution_options(populate_existing=True)
        )
        known |= dict.fromkeys(part)
        known |= {execution.id: execution for execution in session.scalars(query)}


def lock_execution(session: Session, execution_id: str) -> Execution | None:
    """Load an execution with its job and lock the execution's row."""
    known: dict[str, Execution | None] = session.info.get(_LOCKED, {})
    if execution_id in known:
        return known[execution_id]
    query = (
        select(Execution)
        .where(Execution.id == execution_id)
        .with_for_update(of=Execution)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one_or_none()


def settle(session: Session, execution: Execution) -> Job | None:
    """Lock the job of a single device, so that it can be moved on with its only execution.

    A job of many is left to the pass over jobs: its row would be everybody's bottleneck. So is
    one that somebody holds: whoever holds an execution waits for no job.
    """
    if execution.job.device_count != 1:
        return None
    session.flush()
    return lock_job(session, execution.job_id, skip_locked=True)
