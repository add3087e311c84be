"""A retry: a new execution of the same job and device, attempt + 1."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from muster_platform.access.models import Group
from muster_platform.access.narrow import permitted
from muster_platform.devices.models import Device, Presence
from muster_platform.errors import Conflict
from muster_platform.jobs import advance as passes
from muster_platform.jobs.counting import NEWEST
from muster_platform.jobs.create import Recipient, add_executions
from muster_platform.jobs.kinds import kind_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.targets import Included
from muster_platform.unit import Unit
from muster_protocol.states import ExecutionState, JobState

E = ExecutionState

RETRIED: frozenset[ExecutionState] = frozenset(
    {E.FAILED, E.REJECTED, E.TIMED_OUT, E.EXPIRED, E.CANCELED}
)
"""Ends after which trying again makes sense."""


def retry_some(
    unit: Unit,
    job: Job,
    *,
    states: Collection[ExecutionState] = RETRIED,
    device_key: int | None = None,
) -> list[str]:
    """Make new attempts; devices that were deleted or disabled are left out.

    The job's row is locked by the caller, so nobody makes the same attempt twice.

    Returns:
        Ids of the new executions.

    Raises:
        Conflict: the job was canceled, or its kind hands nothing more of it over.
    """
    if job.state == JobState.CANCELED or job.cancel_requested_at is not None:
        raise Conflict("the job was canceled; make a new one instead")
    if held := kind_of(job).held(unit, job):
        raise Conflict(f"{held}; no device is given it again")
    query = (
        select(
            Execution.attempt,
            Execution.phase,
            Execution.mode,
            Device.id,
            Device.device_id,
            Device.display_name,
            Group.path,
            Device.plain,
            Presence.state,
            Presence.since,
        )
        .join(Device, Device.id == Execution.device_key)
        .join(Group, Group.id == Device.group_id)
        .join(Presence, Presence.device_key == Device.id)
        .where(
            Execution.job_id == job.id,
            Execution.state.in_([str(state) for state in states]),
            NEWEST,
            Device.deleted_at.is_(None),
            Device.disabled_at.is_(None),
            permitted(unit.actor, kind_of(job).run),
        )
        .order_by(Execution.id)
    )
    if device_key is not None:
        query = query.where(Execution.device_key == device_key)
    rows = unit.session.execute(query).all()
    if not rows:
        return []
    if job.state == JobState.COMPLETED:
        passes.reopen(job)
    ids = add_executions(unit, job, [_again(row) for row in rows])
    passes.advance(unit, job)
    return ids


def _again(row: Any) -> Recipient:
    attempt, phase, mode, *device = row
    return Recipient(Included(*device), attempt + 1, phase, mode)
