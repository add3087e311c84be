"""What the job engine must know of devices, read in few columns: jobs move many at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from muster_platform.access.models import Group
from muster_platform.db.chunks import chunks
from muster_platform.devices.models import Device, Presence, Profile
from muster_platform.jobs.blocked import Surroundings
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.rules import Standing
from muster_platform.settings import Settings
from muster_protocol.states import ExecutionState, JobState, PresenceState


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device as jobs see it.

    Attributes:
        key: the internal key.
        gateway_id: device id of the gateway that speaks for it, or None.
        presence_since: ms since the epoch.
        qos: of commands to it (the profile's).
    """

    key: int
    device_id: str
    gateway_id: str | None
    group_path: str
    plain: bool
    disabled_at: int | None
    deleted_at: int | None
    presence: PresenceState
    presence_since: int
    qos: int


def facts_of(device: Device) -> DeviceFacts:
    """Give the facts of a loaded device (not for children: their gateway is not read)."""
    return DeviceFacts(
        device.id,
        device.device_id,
        None,
        device.group.path,
        device.plain,
        device.disabled_at,
        device.deleted_at,
        PresenceState(device.presence.state),
        device.presence.since,
        device.profile.qos_down,
    )


def load_facts(session: Session, keys: Collection[int]) -> dict[int, DeviceFacts]:
    """Read the facts of devices by key."""
    found: dict[int, DeviceFacts] = {}
    for part in chunks(sorted(set(keys))):
        rows = session.execute(_query().where(Device.id.in_(part)))
        found |= {row[0]: _facts(row) for row in rows}
    return found


def _query() -> Any:
    gateway = aliased(Device)
    query: Any = select(
        Device.id,
        Device.device_id,
        gateway.device_id,
        Group.path,
        Device.plain,
        Device.disabled_at,
        Device.deleted_at,
        Presence.state,
        Presence.since,
        Profile.qos_down,
    )
    return (
        query.join(Group, Group.id == Device.group_id)
        .outerjoin(Presence, Presence.device_key == Device.id)
        .join(Profile, Profile.id == Device.profile_id)
        .outerjoin(gateway, gateway.id == Device.gateway_id)
    )


def _facts(row: Any) -> DeviceFacts:
    # A deleted device has no presence any more; an execution may still name it.
    presence = PresenceState.UNKNOWN if row[7] is None else PresenceState(row[7])
    values = (*row[:7], presence, row[8] or 0, row[9])
    return DeviceFacts(*values)


def standing_of(execution: Execution, job: Job) -> Standing:
    """Give the rules' view of a stored execution."""
    return Standing(
        state=ExecutionState(execution.state),
        queued_at=execution.queued_at,
        expires_at=execution.expires_at,
        queue_s=job.queue_s,
        timeout_s=job.timeout_s,
        step_timeout_s=job.step_timeout_s,
        verify_s=job.verify_s,
        handed_at=execution.handed_at,
        sent_at=execution.sent_at,
        delivered_at=execution.delivered_at,
        started_at=execution.started_at,
        heard_at=execution.heard_at,
        ended_at=execution.ended_at,
        cancel_requested_at=execution.cancel_requested_at,
        contradiction=execution.contradiction,
    )


def surroundings_of(device: DeviceFacts, job: Job, now: int, settings: Settings) -> Surroundings:
    """Give the rules' view of what is around an execution."""
    return Surroundings(
        device_id=device.device_id,
        plain=device.plain,
        disabled_at=device.disabled_at,
        presence=device.presence,
        presence_since=device.presence_since,
        job_title=job.title,
        job_state=JobState(job.state),
        job_since=job.blocked_since or job.created_at,
        now=now,
        resend_after_s=settings.resend_after_s,
    )
