"""When dispatch must look at an execution next: one function for every moment.

A full device is sent to while it is reachable: at once, again every `resend_after_s` while it does
not confirm, and everything open after its hello. A plain device is sent to once, whatever its
presence. None: nothing is to be sent until something happens (a hello sets it again).
"""

from muster_platform.jobs.blocked import Surroundings
from muster_platform.jobs.rules import Standing
from muster_protocol.states import ExecutionState, JobState

E = ExecutionState
_AWAITED = frozenset({E.QUEUED, E.SENT})


def awaited(standing: Standing) -> bool:
    """Say whether a word of the device is awaited that sending again could bring."""
    return not standing.ended and (
        standing.state in _AWAITED or standing.cancel_requested_at is not None
    )


def may_send(standing: Standing, around: Surroundings) -> bool:
    """Say whether publishing to the device makes sense now."""
    if standing.ended or around.disabled_at is not None:
        return False
    if standing.handed_at is None and around.job_state is not JobState.IN_PROGRESS:
        return False
    return not around.away


def due_now(standing: Standing, around: Surroundings) -> int | None:
    """Give the due time of an execution that was made, or whose device or job changed."""
    if not may_send(standing, around):
        return None
    if around.plain and standing.sent_at is not None and standing.cancel_requested_at is None:
        return None
    return around.now if awaited(standing) else None


def due_after_sending(standing: Standing, around: Surroundings) -> int | None:
    """Give the due time once the broker has acknowledged a publish."""
    if around.plain or not may_send(standing, around):
        return None
    return around.now + around.resend_after_s * 1000 if awaited(standing) else None
