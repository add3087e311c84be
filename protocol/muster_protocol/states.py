"""Life of executions, jobs and presence: the states and the only ways between them."""

from enum import StrEnum


class ExecutionState(StrEnum):
    """Where one attempt of one job on one device stands. Terminal states never change."""

    QUEUED = "QUEUED"
    """Stored; not handed to a broker yet."""
    SENT = "SENT"
    """The broker took it. That proves nothing about the device."""
    DELIVERED = "DELIVERED"
    """The device said it has it; its limits run from here."""
    IN_PROGRESS = "IN_PROGRESS"
    """The device said it is working on it."""
    VERIFYING = "VERIFYING"
    """Held by the platform (updates) until the inventory and the soak decide."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    """The device refused to do it."""
    TIMED_OUT = "TIMED_OUT"
    """Delivered, but no end within timeout_s or no word within step_timeout_s."""
    EXPIRED = "EXPIRED"
    """Never known to be delivered within queue_s or before expires_at."""
    CANCELED = "CANCELED"
    REMOVED = "REMOVED"
    """The device was deleted or left the job."""


E = ExecutionState

EXECUTION_TERMINAL: frozenset[ExecutionState] = frozenset(
    {E.SUCCEEDED, E.FAILED, E.REJECTED, E.TIMED_OUT, E.EXPIRED, E.CANCELED, E.REMOVED}
)
EXECUTION_OPEN: frozenset[ExecutionState] = frozenset(E) - EXECUTION_TERMINAL

EXECUTION_CLAIMS: frozenset[ExecutionState] = frozenset(
    {E.DELIVERED, E.IN_PROGRESS, E.SUCCEEDED, E.FAILED, E.REJECTED, E.CANCELED, E.EXPIRED}
)
"""What a device may say of its own executions; the platform decides what follows."""

EXECUTION_TRANSITIONS: dict[ExecutionState, frozenset[ExecutionState]] = {
    # From QUEUED the device's claims are allowed too: dispatch may die between the publish and
    # the row, and then the device answers an execution that nobody marked as SENT.
    E.QUEUED: frozenset(
        {E.SENT, E.DELIVERED, E.IN_PROGRESS, E.VERIFYING, E.SUCCEEDED, E.FAILED, E.REJECTED}
        | {E.EXPIRED, E.CANCELED, E.REMOVED}
    ),
    E.SENT: frozenset(
        {E.DELIVERED, E.IN_PROGRESS, E.VERIFYING, E.SUCCEEDED, E.FAILED, E.REJECTED}
        | {E.EXPIRED, E.CANCELED, E.REMOVED}
    ),
    E.DELIVERED: frozenset(
        {E.IN_PROGRESS, E.VERIFYING, E.SUCCEEDED, E.FAILED, E.REJECTED, E.TIMED_OUT}
        | {E.CANCELED, E.REMOVED}
    ),
    E.IN_PROGRESS: frozenset(
        {E.VERIFYING, E.SUCCEEDED, E.FAILED, E.REJECTED, E.TIMED_OUT, E.CANCELED, E.REMOVED}
    ),
    E.VERIFYING: frozenset({E.SUCCEEDED, E.FAILED, E.CANCELED, E.REMOVED}),
    **{state: frozenset[ExecutionState]() for state in EXECUTION_TERMINAL},
}


class UpdateStep(StrEnum):
    """Steps inside IN_PROGRESS of an update; ROLLED_BACK comes with FAILED."""

    NOTIFIED = "NOTIFIED"
    WAIT_FOR_CONFIRMATION = "WAIT_FOR_CONFIRMATION"
    DOWNLOADING = "DOWNLOADING"
    DOWNLOADED = "DOWNLOADED"
    VERIFIED = "VERIFIED"
    WAIT_FOR_WINDOW = "WAIT_FOR_WINDOW"
    INSTALLING = "INSTALLING"
    REBOOTING = "REBOOTING"
    COMMITTING = "COMMITTING"
    ROLLED_BACK = "ROLLED_BACK"


class JobState(StrEnum):
    """Life of one operation on many devices."""

    DRAFT = "DRAFT"
    WAITING_FOR_APPROVAL = "WAITING_FOR_APPROVAL"
    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


J = JobState

JOB_TERMINAL: frozenset[JobState] = frozenset({J.COMPLETED, J.CANCELED})

JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    J.DRAFT: frozenset({J.WAITING_FOR_APPROVAL, J.SCHEDULED, J.IN_PROGRESS, J.CANCELED}),
    J.WAITING_FOR_APPROVAL: frozenset({J.SCHEDULED, J.IN_PROGRESS, J.CANCELED}),
    J.SCHEDULED: frozenset({J.IN_PROGRESS, J.PAUSED, J.CANCELED}),
    J.IN_PROGRESS: frozenset({J.PAUSED, J.COMPLETED, J.CANCELED}),
    J.PAUSED: frozenset({J.IN_PROGRESS, J.COMPLETED, J.CANCELED}),
    J.COMPLETED: frozenset(),
    J.CANCELED: frozenset(),
}


class PresenceState(StrEnum):
    """What the platform believes of a device's connection."""

    UNKNOWN = "UNKNOWN"
    """Registered, never heard."""
    ONLINE = "ONLINE"
    SLEEPING = "SLEEPING"
    """Away on purpose, until a time it named or its next expected contact."""
    SUSPECT = "SUSPECT"
    """Should have been heard by now, or its way to us is lost."""
    OFFLINE = "OFFLINE"


REACHABLE: frozenset[PresenceState] = frozenset({PresenceState.ONLINE, PresenceState.SUSPECT})
"""Where dispatch publishes; the others wait for their next hello."""


class PresenceReason(StrEnum):
    """Why a device came or went, in its own (or its will's) words on up/presence."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOST = "lost"
    SLEEP = "sleep"
