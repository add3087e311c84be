"""Jobs: the list and one job with its executions."""

from types import SimpleNamespace
from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.errors import InvalidInput
from muster_platform.jobs.blocked import TEXTS
from muster_platform.jobs.retries import RETRIED
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.jobs.views import ExecutionView, JobView
from muster_platform.paging import PageRequest
from muster_platform.web.site import exports, gate, words
from muster_platform.web.site.views.meant import target_text
from muster_platform.web.site.views.runs import compact, holds, run
from muster_protocol.states import JOB_TERMINAL, ExecutionState, JobState

PAGE = 50
SEARCH_CHARS = 128


class Jobs(gate.SiteView):
    """Operations on devices."""

    @expose("/")
    def index(self) -> str:
        """List jobs; a fetch by the page itself gets the list alone."""
        wanted = _filter()
        with gate.reading() as unit:
            page = JobService(unit).list(wanted, _page())
        template = "site/job/list.html" if gate.is_fetch() else "site/jobs.html"
        return self.render(
            template,
            jobs=page.items,
            wanted=wanted,
            state=request.args.get("state", ""),
            job_states=list(words.JOB.items()),
            kinds=words.JOB_KIND,
            older_url=gate.older(page.next_cursor),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        wanted = _filter()
        jobs = exports.rows(lambda unit, page: JobService(unit).list(wanted, page))
        return exports.csv("jobs", JOB_HEADER, map(_job_cells, jobs))

    @expose("/<job_id>/executions.csv")
    def export_executions(self, job_id: str) -> Response:
        """Export the executions of a job."""
        state = _state()
        found = exports.rows(lambda unit, page: JobService(unit).executions(job_id, page, state))
        return exports.csv(f"job-{job_id}", RUN_HEADER, map(_run_cells, found))

    @expose("/<job_id>/")
    def page(self, job_id: str) -> str | Response:
        """Show one job; a fetch by the page itself gets the part that changes."""
        wanted, state = _state(), request.args.get("state", "")
        with gate.reading() as unit:
            service = JobService(unit)
            job = service.get(job_id)
            if job.kind == "update":
                return redirect(url_for("rollouts.page", rollout_id=job_id))
            prepared = shown(job, target_text(unit, job.target), unit.now())
            executions = service.executions(job_id, _page(), wanted)
        template = "site/job/body.html" if gate.is_fetch() else "site/job.html"
        return self.render(
            template,
            job=prepared,
            state=state,
            executions=[run(one, unit.now()) for one in executions.items],
            older_url=gate.older(executions.next_cursor),
        )

    @expose("/<job_id>/cancel", methods=("POST",))
    def cancel(self, job_id: str) -> Response:
        """Cancel what is open of a job."""
        return gate.act(
            lambda unit: JobService(unit).cancel(job_id),
            "The job is being canceled.",
            url_for(".page", job_id=job_id),
        )

    @expose("/<job_id>/retry", methods=("POST",))
    def retry(self, job_id: str) -> Response:
        """Try again where it failed."""
        return gate.act(
            lambda unit: JobService(unit).retry(job_id),
            "New attempts were queued.",
            url_for(".page", job_id=job_id),
        )


def shown(job: JobView, target: str, now: int) -> Any:
    """Prepare a job for its page as it stands now (ms since the epoch)."""
    states = sorted(job.counts.items(), key=lambda pair: list(words.EXECUTION).index(pair[0]))
    present = [(state, count) for state, count in states if count]
    looks = [(words.look(words.EXECUTION, state), count) for state, count in present]
    is_open = job.state not in JOB_TERMINAL
    text = TEXTS.get(job.blocked_by or "", "").format(subject=job.blocked_subject)
    return SimpleNamespace(
        **{name: getattr(job, name) for name in job.__dataclass_fields__ if name not in _REPLACED},
        counts=present,
        bar=[(look.tone, count, look.label) for look, count in looks],
        args=compact(job.args),
        target=target,
        blocked=text if is_open and holds(job.blocked_by, job.blocked_since, now) else "",
        can_cancel=job.state not in JOB_TERMINAL and job.cancel_requested_at is None,
        can_retry=any(job.counts.get(state) for state in RETRIED)
        and job.state != JobState.CANCELED,
    )


_REPLACED = frozenset({"counts", "args", "target"})


def _filter() -> JobFilter:
    state = request.args.get("state", "")
    if state and state not in words.JOB:
        raise InvalidInput(f"no such state of a job: {state[:40]}", where="state")
    kind = request.args.get("kind", "")
    if kind and kind not in words.JOB_KIND:
        raise InvalidInput(f"no such kind of a job: {kind[:40]}", where="kind")
    return JobFilter(
        states=(JobState(state),) if state else (),
        kind=kind,
        search=request.args.get("search", "").strip()[:SEARCH_CHARS],
    )


def _state() -> ExecutionState | None:
    state = request.args.get("state", "")
    if state and state not in words.EXECUTION:
        raise InvalidInput(f"no such state of an execution: {state[:40]}", where="state")
    return ExecutionState(state) if state else None


JOB_HEADER = (
    *("Job", "Title", "Kind", "Command", "State", "Devices", "Done", "Author"),
    *("Created at", "Ended at", "Reason"),
)
RUN_HEADER = (
    *("Execution", "Device", "Attempt", "State", "Step", "Progress", "Message", "Error code"),
    *("Error", "Queued at", "Sent at", "Delivered at", "Started at", "Ended at"),
)


def _job_cells(job: JobView) -> tuple[object, ...]:
    return (
        *(job.id, job.title, job.kind, job.name, job.state, job.device_count, job.progress),
        *(job.author_name, job.created_at, job.ended_at, job.reason),
    )


def _run_cells(run: ExecutionView) -> tuple[object, ...]:
    return (
        *(run.id, run.device_id, run.attempt, run.state, run.step, run.progress, run.message),
        *(run.error_code, run.error_message, run.queued_at, run.sent_at, run.delivered_at),
        *(run.started_at, run.ended_at),
    )


def _page() -> PageRequest:
    return PageRequest(PAGE, request.args.get("cursor") or None)
