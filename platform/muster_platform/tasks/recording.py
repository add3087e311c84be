"""Keeps what the worker does. Called by the worker itself; nobody's rights are asked."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from muster_platform.db.text import clean
from muster_platform.outbox import Live, Touched
from muster_platform.tasks.models import (
    CANCELED,
    FAILED,
    LOST,
    OPEN,
    QUEUED,
    RUNNING,
    SUCCEEDED,
    TITLE_CHARS,
    TaskRhythm,
    TaskRun,
    TaskSubject,
)
from muster_platform.unit import Unit

ERROR_CHARS = 2_000
SUBJECTS_MAX = 100
"""Things of one run that are named; more are only counted in its result."""
LOST_AFTER_MS = 90_000
"""A run whose worker has been silent for this long is taken for lost; Celery may bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What is known of a run when it begins; see TaskRun."""

    id: str
    name: str
    trigger: str
    actor_name: str
    worker: str
    queued_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """A task of the schedule; see TaskRhythm."""

    name: str
    words: str
    every_s: float
    wakes: str


def announce(unit: Unit, rhythms: Collection[Rhythm]) -> None:
    """Keep what the schedule holds now; what it held before is marked as gone."""
    names = {one.name for one in rhythms}
    for row in unit.session.scalars(select(TaskRhythm)):
        row.gone = row.name not in names
    for one in rhythms:
        row = _rhythm(unit.session, one.name)
        row.since = row.since or unit.now()
        row.words, row.every_s, row.wakes = one.words, one.every_s, one.wakes


def overdue(unit: Unit) -> list[str]:
    """Name the tasks that began no run within their rhythm: a schedule that starts counts anew."""
    rows = unit.session.scalars(select(TaskRhythm).where(TaskRhythm.gone.is_(False)))
    now = unit.now()
    return [row.name for row in rows if now - (row.began_at or 0) >= row.every_s * 1000]


def begin(unit: Unit, given: Beginning) -> bool:
    """Note that a run begins.

    Returns:
        False when it must not: it was canceled before.
    """
    row = unit.session.get(TaskRun, given.id, with_for_update=True)
    if row is None:
        row = TaskRun(
            id=given.id,
            name=given.name,
            trigger=given.trigger,
            actor_name=given.actor_name,
            queued_at=given.queued_at,
            attempts=0,
            error="",
        )
        unit.session.add(row)
    elif row.state == CANCELED:
        return False
    row.state, row.worker, row.started_at = RUNNING, given.worker, unit.now()
    row.attempts += 1
    rhythm = _rhythm(unit.session, given.name)
    rhythm.began_at = unit.now()
    return True


def is_canceled(unit: Unit, run_id: str) -> bool:
    """Say whether somebody asked a run to stop."""
    asked = unit.session.scalar(select(TaskRun.cancel_requested_at).where(TaskRun.id == run_id))
    return asked is not None


def end(
    unit: Unit, run_id: str, state: str, result: int, error: str, touched: Iterable[Touched]
) -> None:
    """Note how a run ended. One by rhythm that found nothing to do is counted, not kept.

    Args:
        state: SUCCEEDED, FAILED or CANCELED.
        result: how much there was.
        touched: what it moved on.
    """
    row = unit.session.get(TaskRun, run_id, with_for_update=True)
    if row is None:
        return
    now = unit.now()
    named = list(dict.fromkeys(touched))
    idle = state == SUCCEEDED and not result and not named and row.trigger != "person"
    _count(unit.session, row, state, now - (row.started_at or now), idle=idle, error=error, now=now)
    if idle and row.attempts == 1:
        unit.session.delete(row)
        return
    row.state, row.result, row.ended_at = state, result, now
    row.error = clean(error)[:ERROR_CHARS]
    for one in named[:SUBJECTS_MAX]:
        unit.session.merge(
            TaskSubject(
                run_id=run_id,
                kind=one.kind,
                subject_id=one.id,
                title=clean(one.title)[:TITLE_CHARS],
                actor_name=clean(one.actor_name)[:254],
            )
        )
    unit.outbox.add(Live("fleet", "task", "", {"run": run_id, "name": row.name, "state": state}))


def requested(unit: Unit) -> TaskRun | None:
    """Give the oldest run that a person asked for and nobody has begun."""
    return unit.session.scalars(
        select(TaskRun)
        .where(TaskRun.state == QUEUED, TaskRun.trigger == "person")
        .order_by(TaskRun.queued_at, TaskRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def note_lost(unit: Unit, living: Collection[str]) -> int:
    """Mark running ones whose worker is gone; give how many.

    Args:
        living: names of the workers that said so lately.
    """
    before = unit.now() - LOST_AFTER_MS
    running = select(TaskRun).where(TaskRun.state == RUNNING, TaskRun.started_at < before)
    lost = [row for row in unit.session.scalars(running) if row.worker not in living]
    for row in lost:
        row.state, row.ended_at = LOST, unit.now()
        row.error = f"its worker ({row.worker}) stopped before it had ended"
    return len(lost)


def clean_old(unit: Unit, limit: int) -> int:
    """Forget a batch of ended runs older than `tasks_kept_days`; give how many."""
    before = unit.now() - unit.settings.tasks_kept_days * 86_400_000
    old = select(TaskRun.id).where(TaskRun.queued_at < before, TaskRun.state.not_in(OPEN))
    ids = list(unit.session.scalars(old.limit(limit)))
    if ids:
        unit.session.execute(delete(TaskSubject).where(TaskSubject.run_id.in_(ids)))
        unit.session.execute(delete(TaskRun).where(TaskRun.id.in_(ids)))
    return len(ids)


def _rhythm(session: Session, name: str) -> TaskRhythm:
    row = session.get(TaskRhythm, name)
    if row is None:
        row = TaskRhythm(name=name, every_s=0.0, since=0, runs=0, idle=0, failures=0)
        session.add(row)
        session.flush()
    return row


def _count(
    session: Session, run: TaskRun, state: str, took_ms: int, *, idle: bool, error: str, now: int
) -> None:
    """Count in SQL: two workers may end two runs of a task in the same moment."""
    longest = TaskRhythm.longest_ms
    session.execute(
        update(TaskRhythm)
        .where(TaskRhythm.name == run.name)
        .values(
            ended_at=now,
            ended_state=state,
            error=clean(error)[:ERROR_CHARS],
            runs=TaskRhythm.runs + 1,
            idle=TaskRhythm.idle + int(idle),
            failures=TaskRhythm.failures + int(state == FAILED),
            last_ms=took_ms,
            longest_ms=func.max(longest, took_ms)
            if session.get_bind().dialect.name == "sqlite"
            else func.greatest(longest, took_ms),
        ),
        execution_options={"synchronize_session": False},
    )
