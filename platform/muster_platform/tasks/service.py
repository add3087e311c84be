"""What the worker did and does, for people: lists, another try, a stop, a run at once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.outbox import WAKE_TASKS, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.tasks.models import (
    CANCELED,
    FAILED,
    LOST,
    OPEN,
    QUEUED,
    RUNNING,
    STATES,
    TRIGGERS,
    TaskRhythm,
    TaskRun,
    TaskSubject,
)
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

LATE_MS = 60_000
"""A task is late when it began no run for three of its rhythms and this long."""
AGAIN = (FAILED, CANCELED, LOST)
"""What can be tried again."""

_NEWEST_FIRST: Order[TaskRun] = Order(
    "queued",
    (
        Key(TaskRun.queued_at.desc(), int, lambda row: row.queued_at),
        Key(TaskRun.id.desc(), str, lambda row: row.id),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which runs; None does not narrow.

    Attributes:
        subject: `kind:id` of what a run moved on, such as `job:0198…`.
    """

    name: str | None = None
    state: str | None = None
    trigger: str | None = None
    actor: str | None = None
    subject: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no run can have."""
        if self.state is not None and self.state not in STATES:
            raise InvalidInput(f"a run is {', '.join(STATES)}", where="state")
        if self.trigger is not None and self.trigger not in TRIGGERS:
            raise InvalidInput(f"a run's trigger is {', '.join(TRIGGERS)}", where="trigger")
        if self.subject is not None and ":" not in self.subject:
            raise InvalidInput("a subject is written kind:id, such as job:0198…", where="subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A task that repeats.

    Attributes:
        row: what is stored of it.
        next_at: when its next run is expected, ms since the epoch; None before the first.
        late: it should have run long ago.
        running: runs that are going on.
    """

    row: TaskRhythm
    next_at: int | None
    late: bool
    running: int


class TaskService:
    """Reads and steers the runs of tasks."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def page(self, wanted: TaskFilter, page: PageRequest) -> Page[TaskRun]:
        """List runs, newest first; those that found nothing to do are only counted.

        Raises:
            PermissionDenied: without tasks:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require(Permission.TASKS_READ)
        statement = _narrowed(select(TaskRun).options(selectinload(TaskRun.subjects)), wanted)
        most = self._unit.settings.page_size_max
        return fetch_page(self._unit.session, statement, _NEWEST_FIRST, page, most)

    def get(self, run_id: str) -> TaskRun:
        """Get one run.

        Raises:
            PermissionDenied: without tasks:read everywhere.
            NotFound: no such run, or it is forgotten.
        """
        self._unit.actor.require(Permission.TASKS_READ)
        row = self._unit.session.get(TaskRun, run_id)
        if row is None:
            raise NotFound("task", run_id)
        return row

    def schedules(self) -> list[Schedule]:
        """List what repeats, by name.

        Raises:
            PermissionDenied: without tasks:read everywhere.
        """
        self._unit.actor.require(Permission.TASKS_READ)
        session = self._unit.session
        rows = session.scalars(
            select(TaskRhythm).where(TaskRhythm.gone.is_(False)).order_by(TaskRhythm.name)
        )
        going = select(TaskRun.name, func.count()).where(TaskRun.state == RUNNING)
        running = {row[0]: row[1] for row in session.execute(going.group_by(TaskRun.name))}
        return [_schedule(row, running.get(row.name, 0), self._unit.now()) for row in rows]

    def counts(self) -> dict[str, int]:
        """Count kept runs by state.

        Raises:
            PermissionDenied: without tasks:read everywhere.
        """
        self._unit.actor.require(Permission.TASKS_READ)
        counted = select(TaskRun.state, func.count()).group_by(TaskRun.state)
        return {row[0]: row[1] for row in self._unit.session.execute(counted)}

    def run_now(self, name: str) -> TaskRun:
        """Ask for a run of a task of the schedule; one that waits already is that run.

        Raises:
            PermissionDenied: without tasks:run everywhere.
            NotFound: the schedule has no such task.
        """
        self._unit.actor.require(Permission.TASKS_RUN)
        run = self._ask(name, None)
        audit.record(self._unit, "task.run", "task", run.id, name)
        return run

    def retry(self, run_id: str) -> TaskRun:
        """Ask for another run of what failed, was canceled or was lost.

        Raises:
            PermissionDenied: without tasks:run everywhere.
            NotFound: no such run, or the schedule has no such task any more.
            Conflict: it has not ended, or ended well.
        """
        self._unit.actor.require(Permission.TASKS_RUN)
        old = self.get(run_id)
        if old.state not in AGAIN:
            raise Conflict(f"this run is {old.state}; what failed, was canceled or lost is retried")
        run = self._ask(old.name, old.id)
        audit.record(self._unit, "task.retry", "task", run.id, old.name, after={"run": old.id})
        return run

    def cancel(self, run_id: str) -> TaskRun:
        """Stop a run: one that waits never begins, one that runs stops before its next step.

        What its steps have done stays done; the schedule's next run goes on from there.

        Raises:
            PermissionDenied: without tasks:run everywhere.
            NotFound: no such run.
            Conflict: it has ended.
        """
        self._unit.actor.require(Permission.TASKS_RUN)
        run = self._unit.session.get(TaskRun, run_id, with_for_update=True)
        if run is None:
            raise NotFound("task", run_id)
        if run.state not in OPEN:
            raise Conflict(f"this run has ended: it {_ENDED[run.state]}")
        run.cancel_requested_at = run.cancel_requested_at or self._unit.now()
        if run.state == QUEUED:
            run.state, run.ended_at = CANCELED, self._unit.now()
        audit.record(self._unit, "task.cancel", "task", run.id, run.name)
        return run

    def _ask(self, name: str, retry_of: str | None) -> TaskRun:
        session = self._unit.session
        rhythm = session.get(TaskRhythm, name, with_for_update=True)
        if rhythm is None or rhythm.gone:
            raise NotFound("scheduled task", name)
        waiting = select(TaskRun).where(
            TaskRun.name == name, TaskRun.state == QUEUED, TaskRun.trigger == "person"
        )
        run = session.scalars(waiting.limit(1)).one_or_none()
        if run is None:
            now = self._unit.now()
            run = TaskRun(
                id=uuid7(now),
                name=name,
                trigger="person",
                state=QUEUED,
                actor_name=self._unit.actor.name,
                queued_at=now,
                attempts=0,
                error="",
                worker="",
                retry_of=retry_of,
            )
            session.add(run)
            session.flush()
        self._unit.outbox.add(Wake(WAKE_TASKS))
        return run


_ENDED = {"succeeded": "succeeded", FAILED: "failed", CANCELED: "was canceled", LOST: "was lost"}


def _narrowed(statement: Select[Any], wanted: TaskFilter) -> Select[Any]:
    for column in ("name", "state", "trigger"):
        value = getattr(wanted, column)
        if value is not None:
            statement = statement.where(getattr(TaskRun, column) == value)
    if wanted.actor is not None:
        statement = statement.where(TaskRun.actor_name.icontains(wanted.actor, autoescape=True))
    if wanted.subject is not None:
        kind, _, subject_id = wanted.subject.partition(":")
        runs = select(TaskSubject.run_id).where(
            TaskSubject.kind == kind, TaskSubject.subject_id == subject_id
        )
        statement = statement.where(TaskRun.id.in_(runs))
    return statement


def _schedule(row: TaskRhythm, running: int, now: int) -> Schedule:
    every_ms = int(row.every_s * 1000)
    next_at = None if row.began_at is None else row.began_at + every_ms
    late = now - max(row.began_at or 0, row.since) > 3 * every_ms + LATE_MS
    return Schedule(row=row, next_at=next_at, late=late, running=running)
