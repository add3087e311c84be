"""What is shown of rollouts outside: frozen, fully loaded."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from muster_platform.jobs.views import JobView
from muster_platform.unit import Unit
from muster_platform.updates.models import Release
from muster_platform.updates.rollout_kind import current, judge_phase, phase_counts
from muster_platform.updates.rollout_models import Rollout, RolloutMember, RolloutPhase
from muster_platform.updates.rollout_plan import EXCLUDED
from muster_protocol.states import JOB_TERMINAL, JobState

WAITING, RUNNING, DONE = "WAITING", "RUNNING", "DONE"
SOAKING, WAITING_FOR_HAND, PAUSED = "SOAKING", "WAITING_FOR_HAND", "PAUSED"
NOT_OPENED = "NOT_OPENED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """A phase; see RolloutPhase. Times are ms since the epoch.

    Attributes:
        state: WAITING, RUNNING, SOAKING, WAITING_FOR_HAND, PAUSED, DONE; NOT_OPENED when the
            rollout ended before it.
        counts: {execution state: devices} of the newest attempts.
        next_at: when the soak ends, None where none runs.
    """

    number: int
    state: str
    device_count: int
    success_percent: int
    error_devices: int
    soak_s: int
    by_hand: bool
    counts: dict[str, int]
    opened_at: int | None
    reached_at: int | None
    next_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """A rollout: its job, its release, its phases.

    Attributes:
        job: state, reason, counts, blocked_by and limits are the job's.
        mode: auto, notify or install, as its author asked.
        left_out: {why: devices} that were planned and left out when their phase opened.
    """

    id: str
    job: JobView
    release_id: str
    release_name: str
    release_version: str
    release_state: str
    mode: str
    verify_s: int
    digest: str
    phases: list[PhaseView]
    left_out: dict[str, int]


def rollout_view(unit: Unit, rollout: Rollout, job: JobView) -> RolloutView:
    """Show a rollout."""
    release = unit.session.get_one(Release, rollout.release_id)
    counts = phase_counts(unit, rollout.job_id)
    return RolloutView(
        id=rollout.job_id,
        job=job,
        release_id=release.id,
        release_name=release.name,
        release_version=release.version,
        release_state=release.state,
        mode=rollout.mode,
        verify_s=rollout.job.verify_s or 0,
        digest=rollout.digest,
        phases=[_phase(unit, rollout, one, counts.get(one.number, {})) for one in rollout.phases],
        left_out=_left_out(unit, rollout),
    )


def _phase(unit: Unit, rollout: Rollout, phase: RolloutPhase, counts: dict[str, int]) -> PhaseView:
    state = _state(unit, rollout, phase)
    ends = None
    if state == SOAKING and phase.reached_at is not None:
        ends = phase.reached_at + phase.soak_s * 1000
    return PhaseView(
        number=phase.number,
        state=state,
        device_count=phase.device_count,
        success_percent=phase.success_percent,
        error_devices=phase.error_devices,
        soak_s=phase.soak_s,
        by_hand=phase.by_hand,
        counts=counts,
        opened_at=phase.opened_at,
        reached_at=phase.reached_at,
        next_at=ends,
    )


def _state(unit: Unit, rollout: Rollout, phase: RolloutPhase) -> str:
    ended = rollout.job.state in JOB_TERMINAL
    if phase.opened_at is None:
        return NOT_OPENED if ended else WAITING
    if ended or phase is not current(rollout)[0]:
        return DONE
    if rollout.job.state == JobState.PAUSED:
        return PAUSED
    waits = judge_phase(unit, rollout, phase).waits
    return {"soaking": SOAKING, "waiting_for_hand": WAITING_FOR_HAND}.get(waits or "", RUNNING)


def _left_out(unit: Unit, rollout: Rollout) -> dict[str, int]:
    rows: Any = unit.session.execute(
        select(RolloutMember.left_out, func.count())
        .where(RolloutMember.job_id == rollout.job_id, RolloutMember.left_out != "")
        .group_by(RolloutMember.left_out)
    )
    return {EXCLUDED[code]: number for code, number in rows}
