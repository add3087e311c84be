"""What the worker did and does: runs of tasks, and the schedule."""

from collections.abc import Iterable
from typing import Any

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.paging import PageRequest
from muster_platform.tasks.models import OPEN, STATES, TaskRun, TaskSubject
from muster_platform.tasks.service import AGAIN, TaskFilter, TaskService
from muster_platform.web.site import exports, gate
from muster_platform.web.site.task_words import LOOKS, SUBJECTS, TRIGGERS, task_title

PAGE = 50
SHOWN_SUBJECTS = 3


class Tasks(gate.SiteView):
    """Runs of tasks."""

    @expose("/")
    def index(self) -> str:
        """List runs; a fetch by the page itself gets the list alone."""
        wanted = _filter()
        with gate.reading() as unit:
            service = TaskService(unit)
            page = service.page(wanted, PageRequest(PAGE, request.args.get("cursor") or None))
            names = [one.row.name for one in service.schedules()]
        template = "site/tasks/list.html" if gate.is_fetch() else "site/tasks/index.html"
        return self.render(
            template,
            runs=[_shown(run) for run in page.items],
            wanted=wanted,
            names=[(name, task_title(name)) for name in names],
            states=[(state, LOOKS[state]) for state in STATES],
            triggers=list(TRIGGERS.items()),
            older_url=gate.older(page.next_cursor),
            filtered=wanted != TaskFilter(),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        wanted = _filter()
        found = exports.rows(lambda unit, page: TaskService(unit).page(wanted, page))
        return exports.csv("tasks", HEADER, map(_cells, found))

    @expose("/schedules/")
    def schedules(self) -> str:
        """Show what repeats, and how it goes."""
        with gate.reading() as unit:
            found = TaskService(unit).schedules()
        template = "site/tasks/rhythms.html" if gate.is_fetch() else "site/tasks/schedules.html"
        rows = [{"one": one, "title": task_title(one.row.name)} for one in found]
        return self.render(template, rows=rows, late=sum(one.late for one in found))

    @expose("/schedules/<task_name>/run", methods=("POST",))
    def run_now(self, task_name: str) -> Response:
        """Ask for a run at once."""
        return gate.act(
            lambda unit: TaskService(unit).run_now(task_name),
            f"{task_title(task_name)} runs within seconds; the run is in the list.",
            url_for(".index", name=task_name),
        )

    @expose("/<run_id>/")
    def page(self, run_id: str) -> str:
        """Show one run."""
        with gate.reading() as unit:
            run = TaskService(unit).get(run_id)
            shown = _shown(run, every_subject=True)
        template = "site/tasks/body.html" if gate.is_fetch() else "site/tasks/run.html"
        return self.render(template, **shown)

    @expose("/<run_id>/retry", methods=("POST",))
    def retry(self, run_id: str) -> Response:
        """Ask for another run."""
        return gate.act(
            lambda unit: TaskService(unit).retry(run_id),
            "Another run is asked for; it begins within seconds.",
            url_for(".page", run_id=run_id),
        )

    @expose("/<run_id>/cancel", methods=("POST",))
    def cancel(self, run_id: str) -> Response:
        """Stop a run."""
        return gate.act(
            lambda unit: TaskService(unit).cancel(run_id),
            "The run is being stopped.",
            url_for(".page", run_id=run_id),
        )


def _filter() -> TaskFilter:
    given = {
        name: request.args.get(name) or None
        for name in ("name", "state", "trigger", "actor", "subject")
    }
    return TaskFilter(**given)


def _shown(run: TaskRun, *, every_subject: bool = False) -> dict[str, Any]:
    ran_ms = None
    if run.started_at is not None and run.ended_at is not None:
        ran_ms = run.ended_at - run.started_at
    subjects = run.subjects if every_subject else run.subjects[:SHOWN_SUBJECTS]
    return {
        "run": run,
        "title": task_title(run.name),
        "look": LOOKS[run.state],
        "trigger": TRIGGERS[run.trigger],
        "took_ms": ran_ms,
        "subjects": _links(subjects),
        "more_subjects": len(run.subjects) - len(subjects),
        "can_retry": run.state in AGAIN,
        "can_cancel": run.state in OPEN and run.cancel_requested_at is None,
    }


def _links(subjects: Iterable[TaskSubject]) -> list[dict[str, str]]:
    found = []
    for one in subjects:
        word, endpoint, argument = SUBJECTS.get(one.kind, (one.kind, "", ""))
        named: dict[str, Any] = {argument: one.subject_id}
        url = url_for(endpoint, **named) if endpoint else ""
        found.append({"word": word, "title": one.title, "by": one.actor_name, "url": url})
    return found


HEADER = (
    *("Run", "Task", "Trigger", "Actor", "State", "Queued at", "Started at", "Ended at"),
    *("Attempts", "Result", "Error", "Subjects"),
)


def _cells(run: TaskRun) -> tuple[object, ...]:
    subjects = "; ".join(f"{one.kind} {one.title}" for one in run.subjects)
    return (
        *(run.id, run.name, run.trigger, run.actor_name, run.state, run.queued_at),
        *(run.started_at, run.ended_at, run.attempts, run.result, run.error, subjects),
    )
