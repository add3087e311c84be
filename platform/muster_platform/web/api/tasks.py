"""What the worker did and does."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict
from muster_platform.tasks.models import TaskRun
from muster_platform.tasks.service import Schedule, TaskFilter, TaskService
from muster_platform.unit import Unit
from muster_platform.web.api.common import Listed, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Tasks")


class TaskSubjectAnswer(msgspec.Struct, kw_only=True):
    """What a run moved on.

    Attributes:
        kind: job, bulk, settings, mail, …
        actor_name: in whose name.
    """

    kind: str
    id: str
    title: str
    actor_name: str


class TaskAnswer(msgspec.Struct, kw_only=True):
    """One run of a task. Times are ms since the epoch.

    Attributes:
        trigger: schedule, wake (something changed) or person.
        state: queued, running, succeeded, failed, canceled or lost (its worker stopped).
        actor_name: who asked for it; "schedule" or "worker" where nobody did.
        attempts: times it was begun.
        result: how much there was to do.
        retry_of: the run that this one repeats.
    """

    id: str
    name: str
    trigger: str
    state: str
    actor_name: str
    worker: str
    queued_at: int
    started_at: int | None
    ended_at: int | None
    attempts: int
    result: int | None
    error: str
    retry_of: str | None
    cancel_requested_at: int | None
    subjects: list[TaskSubjectAnswer]


class ScheduleAnswer(msgspec.Struct, kw_only=True):
    """A task that repeats, and how its runs went. Times are ms since the epoch.

    Attributes:
        words: what it does.
        wakes: what else has it run.
        runs, idle, failures: counted since the installation began; idle ones found nothing.
        late: it should have run long ago.
        running: runs that are going on.
    """

    name: str
    words: str
    every_s: float
    wakes: str
    began_at: int | None
    ended_at: int | None
    ended_state: str
    error: str
    next_at: int | None
    runs: int
    idle: int
    failures: int
    last_ms: int
    longest_ms: int
    late: bool
    running: int


class TasksQuery(PageQuery, kw_only=True):
    """Which runs."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    state: Annotated[str, Meta(max_length=16)] | None = None
    trigger: Annotated[str, Meta(max_length=16)] | None = None
    actor: Annotated[str, Meta(min_length=1, max_length=254)] | None = None
    subject: Annotated[str, Meta(max_length=128)] | None = None


@routes.add("GET", "/tasks", permission=Permission.TASKS_READ)
def list_tasks(unit: Unit, query: TasksQuery) -> Listed[TaskAnswer]:
    """List runs of tasks, newest first; those that found nothing to do are only counted."""
    wanted = TaskFilter(
        name=query.name,
        state=query.state,
        trigger=query.trigger,
        actor=query.actor,
        subject=query.subject,
    )
    found = TaskService(unit).page(wanted, query.page())
    return Listed(items=[_answer(run) for run in found.items], next_cursor=found.next_cursor)


@routes.add("GET", "/tasks/{run_id}", permission=Permission.TASKS_READ)
def get_task(unit: Unit, run_id: str) -> TaskAnswer:
    """Get one run."""
    return _answer(TaskService(unit).get(run_id))


@routes.add("POST", "/tasks/{run_id}/retry", permission=Permission.TASKS_RUN, errors=(Conflict,))
def retry_task(unit: Unit, run_id: str) -> TaskAnswer:
    """Ask for another run of what failed, was canceled or was lost."""
    return _answer(TaskService(unit).retry(run_id))


@routes.add("POST", "/tasks/{run_id}/cancel", permission=Permission.TASKS_RUN, errors=(Conflict,))
def cancel_task(unit: Unit, run_id: str) -> TaskAnswer:
    """Stop a run: before it begins, or before its next step."""
    return _answer(TaskService(unit).cancel(run_id))


@routes.add("GET", "/schedules", permission=Permission.TASKS_READ)
def list_schedules(unit: Unit) -> list[ScheduleAnswer]:
    """List what repeats."""
    return [_schedule(one) for one in TaskService(unit).schedules()]


@routes.add("POST", "/schedules/{name}/run", permission=Permission.TASKS_RUN)
def run_schedule(unit: Unit, name: str) -> TaskAnswer:
    """Ask for a run at once; one that waits already is that run."""
    return _answer(TaskService(unit).run_now(name))


def _answer(run: TaskRun) -> TaskAnswer:
    names = [name for name in TaskAnswer.__struct_fields__ if name != "subjects"]
    values: dict[str, Any] = {name: getattr(run, name) for name in names}
    subjects = [
        TaskSubjectAnswer(
            kind=one.kind, id=one.subject_id, title=one.title, actor_name=one.actor_name
        )
        for one in run.subjects
    ]
    return TaskAnswer(**values, subjects=subjects)


def _schedule(one: Schedule) -> ScheduleAnswer:
    own: dict[str, Any] = {"next_at": one.next_at, "late": one.late, "running": one.running}
    names = [name for name in ScheduleAnswer.__struct_fields__ if name not in own]
    values: dict[str, Any] = {name: getattr(one.row, name) for name in names}
    return ScheduleAnswer(**values, **own)
