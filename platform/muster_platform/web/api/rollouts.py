"""Rollouts: planned, started, followed, held, taken on, stopped."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict, NotFound
from muster_platform.jobs.targets import Target
from muster_platform.unit import Unit
from muster_platform.updates.adoption import AdoptionService
from muster_platform.updates.rollout_plan import PhaseSpec, RolloutPlan, RolloutSpec
from muster_platform.updates.rollout_views import RolloutView
from muster_platform.updates.rollouts import RolloutService
from muster_platform.web.api.common import Input, Listed, PageQuery, Reason, Seconds, listed
from muster_platform.web.api.jobs import (
    JOB_BODY_BYTES,
    PLAN_SHOWN,
    Because,
    JobLimits,
    JobTarget,
    LeftOut,
    RetryAnswer,
)
from muster_platform.web.api.routing import Routes
from muster_protocol.states import JobState

routes = Routes("Rollouts")

RUN = Permission.ROLLOUTS_RUN
READ = Permission.ROLLOUTS_READ

Percent = Annotated[int, Meta(ge=0, le=100)]
Share = Annotated[int, Meta(ge=1, le=100)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class RolloutPhaseRequest(Input, kw_only=True):
    """A phase; the last one takes all devices that are left.

    Attributes:
        percent: of all devices that are in; or `devices`, their number.
        success_percent: share of its devices that must succeed before the next phase.
        error_percent: share of its devices whose failure pauses the rollout, at least one device;
            `error_devices` says it as a number.
        soak_s: how long to watch after the success threshold.
        by_hand: a person opens the next phase.
    """

    percent: Share | None = None
    devices: Count | None = None
    success_percent: Percent = 90
    error_percent: Percent = 10
    error_devices: Count | None = None
    soak_s: Annotated[int, Meta(ge=0, le=90 * 86_400)] = 0
    by_hand: bool = False


class RolloutLimits(JobLimits, kw_only=True):
    """Limits in seconds; null takes the usual of updates.

    Attributes:
        verify_s: how long the inventory may take to prove what a device claims.
    """

    verify_s: Seconds | None = None


class RolloutRequest(Input, kw_only=True):
    """What is to be rolled out to whom, and how.

    Attributes:
        mode: auto (install where the device can, else notify), notify or install.
        phases: none is one phase of all.
        downgrade: devices that have something newer are in, too.
    """

    release_id: Annotated[str, Meta(min_length=1, max_length=64)]
    target: JobTarget
    mode: Literal["auto", "notify", "install"] = "auto"
    phases: Annotated[list[RolloutPhaseRequest], Meta(max_length=20)] = []
    downgrade: bool = False
    limits: RolloutLimits = msgspec.field(default_factory=RolloutLimits)

    def spec(self) -> RolloutSpec:
        """Give it as the service takes it."""
        limits = JobLimits(
            **{name: getattr(self.limits, name) for name in JobLimits.__struct_fields__}
        )
        return RolloutSpec(
            release_id=self.release_id,
            target=Target.parse(self.target.document()),
            mode=self.mode,
            phases=tuple(PhaseSpec(**msgspec.structs.asdict(one)) for one in self.phases),
            downgrade=self.downgrade,
            limits=limits.limits(),
            verify_s=self.limits.verify_s,
        )


class NewRollout(RolloutRequest, kw_only=True):
    """A rollout to start.

    Attributes:
        digest: of the plan that was looked at; another one is refused. Null starts what there is.
    """

    digest: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    title: Annotated[str, Meta(max_length=256)] = ""
    reason: Reason = ""


class PlannedUpdate(msgspec.Struct, kw_only=True):
    """A device that is in, its phase and how it is updated."""

    device_id: str
    display_name: str
    presence: str
    phase: int
    mode: str


class PlannedPhase(msgspec.Struct, kw_only=True):
    """A phase of the plan; so many failures pause it."""

    number: int
    device_count: int
    success_percent: int
    error_devices: int
    soak_s: int
    by_hand: bool


class RolloutPlanAnswer(msgspec.Struct, kw_only=True):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    digest: str
    phases: list[PlannedPhase]
    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[PlannedUpdate]
    excluded: list[LeftOut]


class RolloutQuery(PageQuery, kw_only=True):
    """Which rollouts; `state` may be given several times."""

    state: list[JobState] = []


class AdoptionAnswer(msgspec.Struct, kw_only=True):
    """Devices of a release's profiles by what they have of one of its components."""

    release_id: str
    release: str
    component: str
    version: str
    devices: int
    there: int
    newer: int
    older: int
    unknown: int


@routes.add(
    "POST",
    "/rollouts/plan",
    permission=RUN,
    writes=False,
    errors=(Conflict, NotFound),
    body_bytes=JOB_BODY_BYTES,
)
def plan_rollout(unit: Unit, body: RolloutRequest) -> RolloutPlanAnswer:
    """Say who a rollout would be for, in which phase, who not and why. Changes nothing."""
    return _answer(RolloutService(unit).plan(body.spec()))


@routes.add(
    "POST",
    "/rollouts",
    permission=RUN,
    status=201,
    errors=(Conflict, NotFound),
    idempotent=True,
    body_bytes=JOB_BODY_BYTES,
)
def start_rollout(unit: Unit, body: NewRollout) -> RolloutView:
    """Start a rollout: its first phase opens at once."""
    return RolloutService(unit).start(
        body.spec(), digest=body.digest, title=body.title, reason=body.reason
    )


@routes.add("GET", "/rollouts", permission=READ)
def list_rollouts(unit: Unit, query: RolloutQuery) -> Listed[RolloutView]:
    """List rollouts, newest first."""
    return listed(RolloutService(unit).list(query.page(), tuple(query.state)))


@routes.add("GET", "/rollouts/{rollout_id}", permission=READ)
def get_rollout(unit: Unit, rollout_id: str) -> RolloutView:
    """Get a rollout with its phases; its executions are those of the job of the same id."""
    return RolloutService(unit).get(rollout_id)


@routes.add("POST", "/rollouts/{rollout_id}/pause", permission=RUN, errors=(Conflict,))
def pause_rollout(unit: Unit, rollout_id: str, body: Because) -> RolloutView:
    """Hand nothing more over and open no phase until it is resumed."""
    return RolloutService(unit).pause(rollout_id, body.reason)


@routes.add("POST", "/rollouts/{rollout_id}/resume", permission=RUN, errors=(Conflict,))
def resume_rollout(unit: Unit, rollout_id: str, body: Because) -> RolloutView:
    """Go on, and accept the failures so far."""
    return RolloutService(unit).resume(rollout_id, body.reason)


@routes.add("POST", "/rollouts/{rollout_id}/next", permission=RUN, errors=(Conflict,))
def open_next_phase(unit: Unit, rollout_id: str, body: Because) -> RolloutView:
    """Open the next phase now, whatever the open one's thresholds say."""
    return RolloutService(unit).next_phase(rollout_id, body.reason)


@routes.add("POST", "/rollouts/{rollout_id}/abort", permission=RUN, errors=(Conflict,))
def abort_rollout(unit: Unit, rollout_id: str, body: Because) -> RolloutView:
    """Open nothing more, and cancel what is open."""
    return RolloutService(unit).abort(rollout_id, body.reason)


@routes.add(
    "POST", "/rollouts/{rollout_id}/retry", permission=RUN, errors=(Conflict,), idempotent=True
)
def retry_rollout(unit: Unit, rollout_id: str, body: Because) -> RetryAnswer:
    """Try again on the devices where it failed, each in its own phase."""
    return RetryAnswer(attempts=RolloutService(unit).retry(rollout_id, body.reason))


@routes.add("GET", "/adoption", permission=Permission.RELEASES_READ)
def get_adoption(unit: Unit) -> Listed[AdoptionAnswer]:
    """Say how far the devices are towards the newest published releases."""
    rows = AdoptionService(unit).newest()
    names = AdoptionAnswer.__struct_fields__
    items = [AdoptionAnswer(**{name: getattr(row, name) for name in names}) for row in rows]
    return Listed(items=items)


def _answer(plan: RolloutPlan) -> RolloutPlanAnswer:
    by_code: dict[str, int] = {}
    for item in plan.excluded:
        by_code[item.code] = by_code.get(item.code, 0) + 1
    return RolloutPlanAnswer(
        digest=plan.digest,
        phases=[
            PlannedPhase(
                number=one.number,
                device_count=one.size,
                success_percent=one.spec.success_percent,
                error_devices=one.spec.error_limit(one.size),
                soak_s=one.spec.soak_s,
                by_hand=one.spec.by_hand,
            )
            for one in plan.phases
        ],
        included_count=len(plan.members),
        excluded_count=len(plan.excluded),
        excluded_by_code=by_code,
        included=[
            PlannedUpdate(
                device_id=one.device.device_id,
                display_name=one.device.display_name,
                presence=one.device.presence,
                phase=one.phase,
                mode=one.mode,
            )
            for one in plan.members[:PLAN_SHOWN]
        ],
        excluded=[
            LeftOut(device_id=one.device_id, code=one.code, why=one.why)
            for one in plan.excluded[:PLAN_SHOWN]
        ],
    )
