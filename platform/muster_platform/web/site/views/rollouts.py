"""Rollouts: the list, a new one with its plan, and one as it runs."""

from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.errors import InvalidInput
from muster_platform.jobs.retries import RETRIED
from muster_platform.jobs.service import JobService
from muster_platform.paging import PageRequest
from muster_platform.updates.catalog import ReleaseState
from muster_platform.updates.releases import ReleaseFilter, ReleaseService
from muster_platform.updates.rollout_views import RolloutView
from muster_platform.updates.rollouts import RolloutService
from muster_platform.web.site import exports, gate, words
from muster_platform.web.site.views import choices, rollout_form
from muster_platform.web.site.views import jobs as job_pages
from muster_platform.web.site.views.meant import target_text
from muster_platform.web.site.views.runs import run
from muster_protocol.states import JOB_TERMINAL, ExecutionState, JobState

PAGE = 50

PHASE_WORDS: dict[str, tuple[str, str]] = {
    "WAITING": ("Waiting", "mute"),
    "RUNNING": ("Running", "busy"),
    "SOAKING": ("Soaking", "busy"),
    "WAITING_FOR_HAND": ("Waits for you", "warn"),
    "PAUSED": ("Paused", "warn"),
    "DONE": ("Done", "ok"),
    "NOT_OPENED": ("Not opened", "mute"),
}
"""State of a phase -> words and tone."""


class Rollouts(gate.SiteView):
    """Updates of many devices."""

    @expose("/")
    def index(self) -> str:
        """List rollouts; a fetch by the page itself gets the list alone."""
        wanted = _wanted()
        with gate.reading() as unit:
            page = RolloutService(unit).list(_page(), wanted)
            now = unit.now()
        template = "site/rollouts/rows.html" if gate.is_fetch() else "site/rollouts/list.html"
        return self.render(
            template,
            rollouts=[_shown(one, "", now) for one in page.items],
            state=request.args.get("state", ""),
            job_states=list(words.JOB.items()),
            older_url=gate.older(page.next_cursor),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        wanted = _wanted()
        found = exports.rows(lambda unit, page: RolloutService(unit).list(page, wanted))
        return exports.csv("rollouts", HEADER, map(_cells, found))

    @expose("/new")
    def new(self) -> str:
        """Ask what is to be rolled out to whom, and show the plan; nothing is changed."""
        return self._form(rollout_form.typed(request.args))

    @expose("/start", methods=("POST",))
    def start(self) -> str | Response:
        """Start what was planned."""
        form = rollout_form.typed(request.form)
        try:
            with gate.writing() as unit:
                rollout = RolloutService(unit).start(
                    rollout_form.spec(form.values),
                    digest=request.form.get("digest", ""),
                    reason=request.form.get("reason", "").strip(),
                )
            return redirect(url_for(".page", rollout_id=rollout.id), 303)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return self._form(form)

    @expose("/<rollout_id>/")
    def page(self, rollout_id: str) -> str:
        """Show one rollout; a fetch by the page itself gets the part that moves."""
        state = _state()
        with gate.reading() as unit:
            view = RolloutService(unit).get(rollout_id)
            shown = _shown(view, target_text(unit, view.job.target), unit.now())
            found = JobService(unit).executions(rollout_id, _page(), state)
            runs = [(run(one, unit.now()), one.phase, one.mode) for one in found.items]
        template = "site/rollouts/body.html" if gate.is_fetch() else "site/rollouts/page.html"
        return self.render(
            template,
            rollout=shown,
            state=state or "",
            runs=runs,
            older_url=gate.older(found.next_cursor),
        )

    @expose("/<rollout_id>/pause", methods=("POST",))
    def pause(self, rollout_id: str) -> Response:
        """Hold it."""
        return _act(rollout_id, "pause", "Paused. What devices have, they go on with.")

    @expose("/<rollout_id>/resume", methods=("POST",))
    def resume(self, rollout_id: str) -> Response:
        """Go on."""
        return _act(rollout_id, "resume", "It goes on. The failures so far are accepted.")

    @expose("/<rollout_id>/next", methods=("POST",))
    def next_phase(self, rollout_id: str) -> Response:
        """Open the next phase."""
        return _act(rollout_id, "next_phase", "The next phase is open.")

    @expose("/<rollout_id>/abort", methods=("POST",))
    def abort(self, rollout_id: str) -> Response:
        """Stop it for good."""
        return _act(rollout_id, "abort", "The rollout is being aborted.")

    @expose("/<rollout_id>/retry", methods=("POST",))
    def retry(self, rollout_id: str) -> Response:
        """Try again where it failed."""
        return _act(rollout_id, "retry", "New attempts were queued.")

    def _form(self, form: rollout_form.Typed) -> str:
        plan, fault = None, ""
        with gate.reading() as unit:
            unit.actor.require_somewhere(Permission.ROLLOUTS_RUN)
            published = ReleaseService(unit).list(
                ReleaseFilter(state=str(ReleaseState.PUBLISHED)), PageRequest(200)
            )
            if form.asked:
                try:
                    asked = rollout_form.spec(form.values)
                    plan = rollout_form.shown(RolloutService(unit).plan(asked), asked.target)
                except gate.TELLABLE as error:
                    fault = gate.sentence(error)
        return self.render(
            "site/rollouts/new.html",
            values=form.values,
            rows=range(1, rollout_form.ROWS + 1),
            releases=[(one.id, f"{one.name} {one.version}") for one in published.items],
            groups=choices.groups(Permission.ROLLOUTS_RUN),
            plan=plan,
            fault=fault,
        )


def _act(rollout_id: str, name: str, done: str) -> Response:
    return gate.act(
        lambda unit: getattr(RolloutService(unit), name)(rollout_id),
        done,
        url_for(".page", rollout_id=rollout_id),
    )


def _shown(view: RolloutView, target: str, now: int) -> Any:
    """Prepare a rollout for its page."""
    job = job_pages.shown(view.job, target, now)
    ended = job.state in JOB_TERMINAL
    job.bar += not_opened(view)
    more = any(one.state == "WAITING" for one in view.phases)
    return SimpleNamespace(
        id=view.id,
        job=job,
        release_id=view.release_id,
        release=f"{view.release_name} {view.release_version}",
        revoked=view.release_state == ReleaseState.REVOKED,
        mode=view.mode,
        verify_s=view.verify_s,
        phases=[_phase(one) for one in view.phases],
        left_out=sorted(view.left_out.items()),
        can_pause=job.state == JobState.IN_PROGRESS and job.cancel_requested_at is None,
        can_resume=job.state == JobState.PAUSED and view.release_state == ReleaseState.PUBLISHED,
        can_next=job.state == JobState.IN_PROGRESS and more,
        can_abort=not ended and job.cancel_requested_at is None,
        can_retry=any(view.job.counts.get(state) for state in RETRIED)
        and job.state != JobState.CANCELED
        and view.release_state == ReleaseState.PUBLISHED,
    )


def not_opened(view: RolloutView) -> list[tuple[str, int, str]]:
    """Give the part of a bar for the devices whose phase has not opened, none where all have."""
    number = sum(one.device_count for one in view.phases if one.opened_at is None)
    return [("mute", number, "phase not opened")] if number else []


def _phase(one: Any) -> Any:
    text, tone = PHASE_WORDS[one.state]
    order = list(words.EXECUTION)
    counts = sorted(one.counts.items(), key=lambda pair: order.index(pair[0]))
    looks = [(words.look(words.EXECUTION, state), number) for state, number in counts if number]
    return SimpleNamespace(
        number=one.number,
        text=text,
        tone=tone,
        size=one.device_count,
        success=one.success_percent,
        errors=one.error_devices,
        soak_s=one.soak_s,
        by_hand=one.by_hand,
        next_at=one.next_at,
        bar=[(look.tone, number, look.label) for look, number in looks],
        counts=[(look.label, number) for look, number in looks],
    )


HEADER = (
    *("Rollout", "Title", "Release", "Version", "State", "Phases", "Devices", "Done", "Author"),
    *("Created at", "Ended at", "Reason"),
)


def _cells(one: RolloutView) -> tuple[object, ...]:
    job = one.job
    return (
        *(one.id, job.title, one.release_name, one.release_version, job.state, len(one.phases)),
        *(job.device_count, job.progress, job.author_name, job.created_at, job.ended_at),
        job.reason,
    )


def _wanted() -> tuple[JobState, ...]:
    state = request.args.get("state", "")
    if state and state not in words.JOB:
        raise InvalidInput(f"no such state of a rollout: {state[:40]}", where="state")
    return (JobState(state),) if state else ()


def _state() -> ExecutionState | None:
    state = request.args.get("state", "")
    if state and state not in words.EXECUTION:
        raise InvalidInput(f"no such state of an execution: {state[:40]}", where="state")
    return ExecutionState(state) if state else None


def _page() -> PageRequest:
    return PageRequest(PAGE, request.args.get("cursor") or None)
