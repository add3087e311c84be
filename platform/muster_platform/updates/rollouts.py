"""Rollouts: planned, started, looked at, taken on, stopped. What a job can do, its job does."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import insert, select

from muster_platform.access import audit
from muster_platform.access.groups import common_path
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.find import find_device
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.jobs import advance as passes
from muster_platform.jobs.create import LONGEST_S, TITLE_CHARS
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.rows import lock_job
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.jobs.views import JobView, Limits
from muster_platform.paging import Page, PageRequest
from muster_platform.unit import Unit
from muster_platform.updates.rollout_kind import current
from muster_platform.updates.rollout_models import Rollout, RolloutMember, RolloutPhase
from muster_platform.updates.rollout_plan import UPDATE, RolloutPlan, RolloutSpec, plan, wanted_of
from muster_platform.updates.rollout_views import RolloutView, rollout_view
from muster_protocol.ids import uuid7
from muster_protocol.messages import UpdateMode
from muster_protocol.states import JobState

DAY_S = 86_400
VERIFY_S = 3600
"""How long an inventory may take to prove what its device claimed, where nobody says."""
USUAL_S: dict[str, tuple[int, int]] = {
    UpdateMode.INSTALL: (DAY_S, 3600),
    UpdateMode.NOTIFY: (7 * DAY_S, 7 * DAY_S),
}
"""Mode -> timeout_s and step_timeout_s: a person may wait a week before they press the button."""


class RolloutService:
    """What people do with rollouts; every method checks its permission itself."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def plan(self, spec: RolloutSpec) -> RolloutPlan:
        """Say who a rollout would be for, in which phase, who not and why; changes nothing.

        Raises:
            PermissionDenied: without rollouts:run anywhere, or without releases:read.
            NotFound, Conflict, InvalidInput: as rollout_plan.plan.
        """
        self._unit.actor.require_somewhere(Permission.ROLLOUTS_RUN)
        return plan(self._unit, spec)

    def start(
        self, spec: RolloutSpec, *, digest: str | None = None, title: str = "", reason: str = ""
    ) -> RolloutView:
        """Start a rollout: its first phase opens at once.

        Args:
            digest: of the plan that was looked at; another one is refused. None: whatever it is.

        Raises:
            Conflict: nobody would get it, or the plan is another one by now.
            NotFound, PermissionDenied: a named device is not there, or not the actor's to update.
        """
        planned = self.plan(spec)
        _check_plan(spec, planned)
        if digest is not None and digest != planned.digest:
            raise Conflict(
                "the plan changed since it was made; look at the new one",
                code="plan_changed",
                digest=planned.digest,
            )
        job = self._make(spec, planned, title, reason)
        passes.advance(self._unit, job)
        return self.get(job.id)

    def get(self, rollout_id: str) -> RolloutView:
        """Look at a rollout.

        Raises:
            NotFound: no such rollout, or not for this actor's eyes.
        """
        return self._view(JobService(self._unit).get(rollout_id))

    def list(self, page: PageRequest, states: tuple[JobState, ...] = ()) -> Page[RolloutView]:
        """List rollouts, newest first.

        Raises:
            PermissionDenied: without rollouts:read anywhere.
        """
        found = JobService(self._unit).list(JobFilter(kind=UPDATE, states=states), page)
        return Page([self._view(job) for job in found.items], found.next_cursor)

    def of_release(self, release_id: str, limit: int) -> Sequence[RolloutView]:
        """Give the newest rollouts of a release that the actor may read.

        Args:
            limit: how many of the release's newest rollouts are looked at.
        """
        ids = self._unit.session.scalars(
            select(Rollout.job_id)
            .where(Rollout.release_id == release_id)
            .order_by(Rollout.job_id.desc())
            .limit(limit)
        )
        found = []
        for rollout_id in ids:
            with suppress(NotFound):
                found.append(self.get(rollout_id))
        return found

    def next_phase(self, rollout_id: str, reason: str = "") -> RolloutView:
        """Open the next phase now, whatever the open one's thresholds say.

        Raises:
            Conflict: it is not in progress, or has no further phase.
        """
        self.get(rollout_id)
        job = lock_job(self._unit.session, rollout_id)
        if job is None:
            raise NotFound("rollout", rollout_id)
        JobService(self._unit).require_everywhere(job)
        if job.state != JobState.IN_PROGRESS:
            raise Conflict(f"only a rollout in progress goes on; this one is {job.state}")
        phase, following = current(self._unit.session.get_one(Rollout, job.id))
        if phase is None or following is None:
            raise Conflict("there is no further phase")
        phase.next_at = self._unit.now()
        audit.record(
            *(self._unit, "rollout.next", "job", job.id, job.title),
            after={"phase": following.number},
            reason=reason or None,
        )
        passes.advance(self._unit, job)
        return self.get(rollout_id)

    def pause(self, rollout_id: str, reason: str = "") -> RolloutView:
        """Hand nothing more over, open nothing more; see JobService.pause."""
        self.get(rollout_id)
        JobService(self._unit).pause(rollout_id, reason)
        return self.get(rollout_id)

    def resume(self, rollout_id: str, reason: str = "") -> RolloutView:
        """Go on, and accept the failures so far; see JobService.resume.

        Raises:
            Conflict: it is not paused, or its release was revoked.
        """
        self.get(rollout_id)
        JobService(self._unit).resume(rollout_id, reason)
        job = lock_job(self._unit.session, rollout_id)
        if job is not None:
            passes.advance(self._unit, job)
        return self.get(rollout_id)

    def abort(self, rollout_id: str, reason: str = "") -> RolloutView:
        """Open nothing more and cancel what is open; see JobService.cancel."""
        self.get(rollout_id)
        JobService(self._unit).cancel(rollout_id, reason)
        return self.get(rollout_id)

    def retry(self, rollout_id: str, reason: str = "") -> int:
        """Try again where it failed; see JobService.retry. Gives how many new attempts."""
        self.get(rollout_id)
        return JobService(self._unit).retry(rollout_id, reason=reason)

    def waiting_of(self, device_id: str) -> Sequence[tuple[str, str, int]]:
        """Give (rollout id, title, phase) of phases that the device waits for.

        Raises:
            NotFound, PermissionDenied: as usual.
        """
        device = find_device(self._unit, device_id, Permission.ROLLOUTS_READ)
        rows = self._unit.session.execute(
            select(Job.id, Job.title, RolloutMember.phase)
            .join(RolloutMember, RolloutMember.job_id == Job.id)
            .join(
                RolloutPhase,
                (RolloutPhase.job_id == Job.id) & (RolloutPhase.number == RolloutMember.phase),
            )
            .where(
                RolloutMember.device_key == device.id,
                RolloutPhase.opened_at.is_(None),
                Job.ended_at.is_(None),
                ~select(Execution.id)
                .where(Execution.job_id == Job.id, Execution.device_key == device.id)
                .exists(),
            )
            .order_by(Job.id)
        )
        return [(job_id, title, phase) for job_id, title, phase in rows]

    def _view(self, job: JobView) -> RolloutView:
        rollout = self._unit.session.get(Rollout, job.id)
        if rollout is None:
            raise NotFound("rollout", job.id)
        return rollout_view(self._unit, rollout, job)

    def _make(self, spec: RolloutSpec, planned: RolloutPlan, title: str, reason: str) -> Job:
        unit, release = self._unit, planned.release
        label = f"{release.name} {release.ref.version}"
        limits = _limits(unit, spec)
        job = Job(
            id=uuid7(unit.now()),
            kind=UPDATE,
            title=clean(title)[:TITLE_CHARS] or label,
            document={
                "release": release.id,
                "name": release.name,
                "version": release.ref.version,
                "components": wanted_of(release),
                "mode": spec.mode,
                "downgrade": spec.downgrade,
            },
            target=spec.target.document(),
            group_path=common_path(one.device.group_path for one in planned.members),
            state=str(JobState.IN_PROGRESS),
            reason=clean(reason),
            author_kind=unit.actor.kind,
            author_id=unit.actor.id,
            author_name=unit.actor.name,
            device_count=len(planned.members),
            created_at=unit.now(),
            **limits,
        )
        unit.session.add(job)
        unit.session.flush()
        rollout = Rollout(
            job_id=job.id, release_id=release.id, mode=spec.mode, digest=planned.digest
        )
        rollout.phases = [_phase_row(job.id, one) for one in planned.phases]
        unit.session.add(rollout)
        unit.session.flush()
        members = [
            {"job_id": job.id, "device_key": one.device.key, "phase": one.phase, "left_out": ""}
            for one in planned.members
        ]
        unit.session.execute(insert(RolloutMember), members)
        after: dict[str, Any] = {"release": label, "mode": spec.mode, "target": job.target}
        after |= {"devices": job.device_count, "phases": [one.size for one in planned.phases]}
        audit.record(
            *(unit, "rollout.start", "job", job.id, job.title),
            after=after | {"limits": limits},
            reason=reason or None,
        )
        return job


def _phase_row(job_id: str, one: Any) -> RolloutPhase:
    return RolloutPhase(
        job_id=job_id,
        number=one.number,
        device_count=one.size,
        success_percent=one.spec.success_percent,
        error_devices=one.spec.error_limit(one.size),
        soak_s=one.spec.soak_s,
        by_hand=one.spec.by_hand,
    )


def _limits(unit: Unit, spec: RolloutSpec) -> dict[str, int]:
    usual = USUAL_S.get(spec.mode, USUAL_S[UpdateMode.NOTIFY])
    defaults = Limits(
        queue_s=unit.settings.execution_queue_s,
        delivery_s=unit.settings.execution_delivery_s,
        timeout_s=usual[0],
        step_timeout_s=usual[1],
    )
    chosen = {"verify_s": VERIFY_S if spec.verify_s is None else spec.verify_s}
    for name in ("queue_s", "delivery_s", "timeout_s", "step_timeout_s"):
        given = getattr(spec.limits, name)
        chosen[name] = getattr(defaults, name) if given is None else given
    for name, value in chosen.items():
        if not 1 <= value <= LONGEST_S:
            raise InvalidInput(f"{name} takes 1 to {LONGEST_S} seconds", where=f"limits.{name}")
    return chosen


def _check_plan(spec: RolloutSpec, planned: RolloutPlan) -> None:
    for one in planned.excluded:
        if spec.target.devices and one.code == "unknown":
            raise NotFound("device", one.device_id)
        if one.code == "no_permission" and (spec.target.devices or not planned.members):
            raise PermissionDenied(Permission.ROLLOUTS_RUN, f"the group of {one.device_id}")
    if not planned.members:
        first = planned.excluded[0] if planned.excluded else None
        why = f"{first.device_id}: {first.why}" if first else "no device matches the target"
        raise Conflict(f"nobody would get it; {why}", code="nobody_included")
