"""Updates as a kind of job: what is sent, when a claim is believed, how phases follow."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SelectBase, func, select, union, update

from muster_platform.access.actor import system_actor
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.ingest.inventory import stored_inventory
from muster_platform.devices.models import Device
from muster_platform.devices.selection import candidates_where
from muster_platform.errors import Conflict
from muster_platform.jobs import advance as passes
from muster_platform.jobs import rules
from muster_platform.jobs.authors import Authors, lost_text
from muster_platform.jobs.blocked import Block
from muster_platform.jobs.counting import NEWEST
from muster_platform.jobs.create import Recipient, add_executions
from muster_platform.jobs.kinds import Kind
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.rules import Decision, Standing
from muster_platform.unit import Unit
from muster_platform.updates.catalog import CatalogRelease, ReleaseState, describe, release_state
from muster_platform.updates.models import Release
from muster_platform.updates.rollout_models import Rollout, RolloutMember, RolloutPhase
from muster_platform.updates.rollout_plan import (
    UPDATE,
    Judge,
    busy_devices,
    included,
)
from muster_platform.updates.rollout_rules import (
    PhaseStanding,
    Verdict,
    judge,
    shown_in,
    verified,
)
from muster_protocol.messages import Action, Message, Update, UpdateMode
from muster_protocol.states import ExecutionState, JobState

_ANY_DEVICE = system_actor("rollouts")


class UpdateKind(Kind):
    """Rollouts of releases."""

    name = UPDATE
    channel = "updates"
    read = Permission.ROLLOUTS_READ
    run = Permission.ROLLOUTS_RUN

    def messages(self, unit: Unit, executions: Sequence[Execution]) -> dict[str, Message]:
        """Give the updates; releases and profiles are read once for all of them."""
        keys = {one.device_key for one in executions}
        profiles: dict[int, int] = {}
        for part in chunks(sorted(keys)):
            rows = unit.session.execute(
                select(Device.id, Device.profile_id).where(Device.id.in_(part))
            )
            profiles |= {row.id: row.profile_id for row in rows}
        releases: dict[str, CatalogRelease] = {}
        found: dict[str, Message] = {}
        for one in executions:
            release_id = one.job.document["release"]
            if release_id not in releases:
                releases[release_id] = describe(unit.session.get_one(Release, release_id))
            found[one.id] = _message(unit, one, releases[release_id], profiles[one.device_key])
        return found

    def devices(self, job: Job) -> SelectBase:
        """Those of phases to come, too: they get it because somebody let the rollout go on."""
        planned = select(RolloutMember.device_key).where(
            RolloutMember.job_id == job.id, RolloutMember.left_out == ""
        )
        return union(select(Execution.device_key).where(Execution.job_id == job.id), planned)

    def claim(
        self, unit: Unit, execution: Execution, standing: Standing, claimed: ExecutionState, at: int
    ) -> Decision:
        """Believe a success only where the inventory shows it already."""
        decision = rules.claim(standing, claimed, at)
        if decision.to is not ExecutionState.SUCCEEDED or standing.ended:
            return decision
        wanted = execution.job.document["components"]
        rows = stored_inventory(unit.session, execution.device_key)
        have = {name: row.version for name, row in rows.items()}
        return verified(decision, shown=shown_in(wanted, have))

    def held(self, unit: Unit, job: Job) -> str | None:
        """Hold what was revoked."""
        known = unit.session.info.setdefault("release_states", {})
        release_id = job.document["release"]
        if release_id not in known:
            known[release_id] = release_state(unit.session, release_id)
        if known[release_id] == ReleaseState.PUBLISHED:
            return None
        return f"the release {job.document['name']} {job.document['version']} was revoked"

    def step(self, unit: Unit, job: Job) -> bool:
        """Judge the open phase; pause, or open the next."""
        rollout = unit.session.get_one(Rollout, job.id)
        while True:
            phase, following = current(rollout)
            if phase is None:
                if job.state != JobState.IN_PROGRESS or following is None:
                    return following is not None
                if not open_phase(unit, rollout, following):
                    return True
                continue
            verdict = judge_phase(unit, rollout, phase)
            phase.reached_at, phase.forgiven = verdict.reached_at, verdict.forgiven
            if verdict.pause is not None:
                passes.pause(unit, job, verdict.pause)
            if not verdict.open_next or following is None:
                return verdict.more
            if not open_phase(unit, rollout, following):
                return True

    def resumed(self, unit: Unit, job: Job) -> None:
        """Accept what went wrong so far.

        Raises:
            Conflict: the release was revoked.
        """
        if (why := self.held(unit, job)) is not None:
            raise Conflict(f"{why}; abort the rollout, or start one of another release")
        rollout = unit.session.get_one(Rollout, job.id)
        phase, _ = current(rollout)
        if phase is not None:
            standing = standing_of(unit, rollout, phase)
            phase.forgiven = standing.errors
            phase.accepted = phase.accepted or standing.all_ended

    def block(self, unit: Unit, job: Job) -> Block | None:
        """Name a soak, or the person that is waited for."""
        rollout = unit.session.get_one(Rollout, job.id)
        phase, _ = current(rollout)
        if phase is None or job.state != JobState.IN_PROGRESS:
            return None
        verdict = judge_phase(unit, rollout, phase)
        if verdict.waits is None:
            return None
        return Block(verdict.waits, str(phase.number), verdict.since)


def current(rollout: Rollout) -> tuple[RolloutPhase | None, RolloutPhase | None]:
    """Give the phase that was opened last, and the one behind it."""
    opened = [phase for phase in rollout.phases if phase.opened_at is not None]
    waiting = [phase for phase in rollout.phases if phase.opened_at is None]
    return (opened[-1] if opened else None), (waiting[0] if waiting else None)


def judge_phase(unit: Unit, rollout: Rollout, phase: RolloutPhase) -> Verdict:
    """Judge a phase as it stands."""
    paused = rollout.job.state != JobState.IN_PROGRESS
    return judge(standing_of(unit, rollout, phase), unit.now(), paused=paused)


def standing_of(unit: Unit, rollout: Rollout, phase: RolloutPhase) -> PhaseStanding:
    """Give the rules' view of a phase."""
    unit.session.flush()
    counted = phase_counts(unit, rollout.job_id, phase.number)
    return PhaseStanding(
        number=phase.number,
        success_percent=phase.success_percent,
        error_devices=phase.error_devices,
        soak_s=phase.soak_s,
        by_hand=phase.by_hand,
        is_last=phase is rollout.phases[-1],
        forgiven=phase.forgiven,
        accepted=phase.accepted,
        reached_at=phase.reached_at,
        next_at=phase.next_at,
        counts=counted.get(phase.number, {}),
    )


def phase_counts(unit: Unit, job_id: str, number: int | None = None) -> dict[int, dict[str, int]]:
    """Count {phase: {state: devices}} of the newest attempts; of one phase, or of all."""
    query = (
        select(Execution.phase, Execution.state, func.count())
        .where(Execution.job_id == job_id, Execution.phase.is_not(None), NEWEST)
        .group_by(Execution.phase, Execution.state)
    )
    if number is not None:
        query = query.where(Execution.phase == number)
    found: dict[int, dict[str, int]] = {}
    for phase, state, count in unit.session.execute(query):
        if phase is not None:
            found.setdefault(phase, {})[state] = count
    return found


def open_phase(unit: Unit, rollout: Rollout, phase: RolloutPhase) -> bool:
    """Make the executions of a phase, for what its devices are at this moment.

    Returns:
        False where the rollout was paused instead: its author lost a right.
    """
    job = rollout.job
    release = describe(unit.session.get_one(Release, rollout.release_id))
    planned = select(RolloutMember.device_key).where(
        RolloutMember.job_id == job.id, RolloutMember.phase == phase.number
    )
    keys = set(unit.session.scalars(planned))
    everybody = unit.as_actor(_ANY_DEVICE)
    rows = candidates_where(everybody, Permission.ROLLOUTS_RUN, Device.id.in_(planned))
    authors = Authors(unit.session)
    for path, name in dict.fromkeys((row.group_path, row.group_name) for row in rows):
        if not authors.may_run(job, path):
            passes.pause(unit, job, lost_text(job, name))
            return False
    left_out, recipients = _choose(unit, rollout, release, phase.number, rows)
    left_out |= dict.fromkeys(keys - {row.id for row in rows}, "unknown")
    phase.opened_at = unit.now()
    _leave_out(unit, job, left_out)
    if recipients:
        add_executions(unit, job, recipients)
    return True


def _choose(
    unit: Unit, rollout: Rollout, release: CatalogRelease, number: int, rows: Sequence[Any]
) -> tuple[dict[int, str], list[Recipient]]:
    downgrade = bool(rollout.job.document.get("downgrade"))
    who = Judge(unit.session, release, rollout.mode, [row.id for row in rows], downgrade)
    busy = busy_devices(unit.session, rollout.job_id)
    left_out: dict[int, str] = {}
    recipients = []
    for row in rows:
        code, mode = who.of(row)
        code = code or ("open_update" if row.id in busy else "")
        if code:
            left_out[row.id] = code
        else:
            recipients.append(Recipient(included(row), 1, number, mode))
    return left_out, recipients


def _leave_out(unit: Unit, job: Job, left_out: dict[int, str]) -> None:
    by_code: dict[str, list[int]] = {}
    for key, code in left_out.items():
        by_code.setdefault(code, []).append(key)
    for code, keys in by_code.items():
        for part in chunks(keys):
            unit.session.execute(
                update(RolloutMember)
                .where(RolloutMember.job_id == job.id, RolloutMember.device_key.in_(part))
                .values(left_out=code),
                execution_options={"synchronize_session": False},
            )
    job.device_count -= len(left_out)


def _message(unit: Unit, execution: Execution, release: CatalogRelease, profile_id: int) -> Update:
    if execution.cancel_requested_at is not None:
        return Update(action=Action.CANCEL, execution=execution.id)
    job, notify = execution.job, execution.mode == UpdateMode.NOTIFY
    url = unit.settings.public_url
    return Update(
        action=Action.RUN,
        execution=execution.id,
        mode=UpdateMode(execution.mode),
        release=release.ref,
        notification=release.notification if notify else None,
        data=release.data,
        artifacts=release.artifacts_for(profile_id, url),
        not_after=execution.expires_at,
        timeout_s=job.timeout_s,
    )
