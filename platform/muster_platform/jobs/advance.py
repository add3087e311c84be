"""Moves a job on: read the stored state, take one step, save. Doing it twice changes nothing."""

from typing import Any

from sqlalchemy import func, select, update

from muster_platform.jobs.authors import Authors
from muster_platform.jobs.cancels import cancel_some
from muster_platform.jobs.counting import ENDED, counts_of, open_in
from muster_platform.jobs.kinds import kind_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.outbox import WAKE_DISPATCH, Live, Touched, Wake
from muster_platform.unit import Unit
from muster_protocol.states import JOB_TERMINAL, JOB_TRANSITIONS, ExecutionState, JobState

J = JobState


def advance(unit: Unit, job: Job, authors: Authors | None = None) -> bool:
    """Take one step. The caller holds the job's row.

    Returns:
        Whether anything changed.
    """
    if job.state in JOB_TERMINAL:
        return False
    if job.cancel_requested_at is not None:
        cancel_some(unit, job)
    before = _shown(job)
    more = _kinds_step(unit, job)
    unit.session.flush()
    job.counts = counts_of(unit.session, [job.id])[job.id]
    if open_in(job.counts) == 0 and not more:
        _finish(unit, job)
    elif job.state == J.IN_PROGRESS and job.cancel_requested_at is None:
        lost = (authors or Authors(unit.session)).lost(job)
        if lost is not None:
            pause(unit, job, lost)
    _name_block(unit, job)
    changed = _shown(job) != before
    if changed:
        tell(unit, job)
    return changed


def _kinds_step(unit: Unit, job: Job) -> bool:
    """Let the kind take its step, which may make executions; say if more is to come."""
    if job.cancel_requested_at is not None:
        return False
    kind = kind_of(job)
    if job.state == J.IN_PROGRESS and (why := kind.held(unit, job)) is not None:
        pause(unit, job, why)
    return kind.step(unit, job)


def move(job: Job, to: JobState, reason: str) -> None:
    """Change the state of a job, with a reason.

    Raises:
        ValueError: the table of the protocol has no such way (a defect of the caller).
    """
    if to not in JOB_TRANSITIONS[JobState(job.state)]:
        raise ValueError(f"a job cannot go from {job.state} to {to}")
    job.state, job.reason = str(to), reason


def reopen(job: Job) -> None:
    """Open a completed job again for a retry.

    COMPLETED says that every newest attempt has ended; a person who adds an attempt makes that
    untrue. This is the one way that the table of job states does not have (docs/adr/0046).
    """
    job.state, job.reason, job.ended_at = str(J.IN_PROGRESS), "tried again", None


def pause(unit: Unit, job: Job, reason: str) -> None:
    """Stop handing anything more over; what the devices have already, they go on with."""
    move(job, J.PAUSED, reason)
    job.blocked_by, job.blocked_subject, job.blocked_since = "job_paused", job.title, unit.now()
    unit.session.execute(
        _not_handed(job).values(
            due_at=None,
            blocked_by="job_paused",
            blocked_subject=job.title,
            blocked_since=unit.now(),
        )
    )


def resume(unit: Unit, job: Job, reason: str) -> None:
    """Go on; dispatch finds out by itself which devices can be reached.

    Raises:
        Conflict: its kind says that it cannot go on.
    """
    kind_of(job).resumed(unit, job)
    move(job, J.IN_PROGRESS, reason)
    job.blocked_by, job.blocked_subject, job.blocked_since = None, "", None
    unit.session.execute(
        _not_handed(job).values(
            due_at=unit.now(), blocked_by="waiting_for_dispatch", blocked_since=unit.now()
        )
    )
    unit.outbox.add(Wake(WAKE_DISPATCH))


def tell(unit: Unit, job: Job) -> None:
    """Tell browsers on the job's page."""
    data = {"job": job.id, "title": job.title, "at": unit.now(), **_shown(job)}
    unit.outbox.add(Live(f"job:{job.id}", "job", job.group_path, data))
    unit.outbox.touched.append(Touched("job", job.id, job.title, job.author_name))


def _finish(unit: Unit, job: Job) -> None:
    canceled = job.cancel_requested_at is not None
    reason = job.reason if canceled else "every device's execution has ended"
    move(job, J.CANCELED if canceled else J.COMPLETED, reason)
    job.ended_at = unit.now()


def _name_block(unit: Unit, job: Job) -> None:
    """Name what holds the job back: paused, or what holds most of its open executions."""
    if job.state == J.PAUSED:
        return
    own = None if job.state in JOB_TERMINAL else kind_of(job).block(unit, job)
    if own is not None:
        job.blocked_by, job.blocked_subject, job.blocked_since = own
        return
    found: Any = None
    if job.state not in JOB_TERMINAL:
        found = unit.session.execute(
            select(
                Execution.blocked_by,
                func.count().label("number"),
                func.min(Execution.blocked_subject).label("subject"),
                func.min(Execution.blocked_since).label("since"),
            )
            .where(
                Execution.job_id == job.id,
                Execution.state.not_in(ENDED),
                Execution.blocked_by.is_not(None),
            )
            .group_by(Execution.blocked_by)
            .order_by(func.count().desc(), Execution.blocked_by)
            .limit(1)
        ).first()
    if found is None:
        job.blocked_by, job.blocked_subject, job.blocked_since = None, "", None
        return
    others = f" and {found.number - 1} more" if found.number > 1 else ""
    job.blocked_by, job.blocked_subject = found.blocked_by, f"{found.subject}{others}"
    job.blocked_since = found.since


def _not_handed(job: Job) -> Any:
    """Change what was not handed over, but for rows that somebody else holds.

    Dispatch looks at the job's state anyway, and what was not made due is found by the sweep.
    """
    free = select(Execution.id).where(
        Execution.job_id == job.id,
        Execution.state == str(ExecutionState.QUEUED),
        Execution.handed_at.is_(None),
    )
    return update(Execution).where(Execution.id.in_(free.with_for_update(skip_locked=True)))


def _shown(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "reason": job.reason,
        "counts": dict(job.counts),
        "blocked_by": job.blocked_by,
        "blocked_subject": job.blocked_subject,
    }
