"""What may happen to an execution: decided here, on data alone. Nothing else changes a state.

A device's word is a claim; the platform decides what follows from it. Whatever happens in whatever
order, an execution ends in one terminal state, and a terminal state never changes: what comes
later is kept beside it as a contradiction. `limits` says when patience ends, `moves` stores what
is decided.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from muster_protocol.states import (
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    ExecutionState,
)

E = ExecutionState

BY_THE_PLATFORM: frozenset[ExecutionState] = frozenset(
    {E.TIMED_OUT, E.EXPIRED, E.CANCELED, E.REMOVED}
)
"""Ends that the platform may have given without a word of the device."""

CLAIM_MEANS: dict[tuple[ExecutionState, ExecutionState], tuple[ExecutionState, str]] = {
    # EXPIRED is for what was never delivered; a device that had it and let it pass is late.
    (E.DELIVERED, E.EXPIRED): (E.TIMED_OUT, "not_begun_in_time"),
    (E.IN_PROGRESS, E.EXPIRED): (E.TIMED_OUT, "not_begun_in_time"),
    # While the platform verifies, only a failure or a confirmed cancel is news.
    (E.VERIFYING, E.SUCCEEDED): (E.VERIFYING, ""),
    (E.VERIFYING, E.REJECTED): (E.FAILED, "rejected_after_success"),
}
"""(state, claim) -> (state, code) where a claim is not simply taken at its word."""

ENDED_BY_CLAIM: dict[ExecutionState, str] = {E.EXPIRED: "device_expired"}
"""Codes of ends that the device claims and gives no code of its own for."""

CANCEL_NOT_CONFIRMED = "cancel not confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the rules know of an execution. Times are ms since the epoch, UTC.

    Attributes:
        handed_at: a publish may have happened; None means it certainly never did.
        heard_at: the device's last word that was news.
        queue_s, timeout_s, step_timeout_s: limits of the job, in seconds.
        verify_s: how long VERIFYING may last; None: as long as the whole.
    """

    state: ExecutionState
    queued_at: int
    expires_at: int
    queue_s: int
    timeout_s: int
    step_timeout_s: int
    verify_s: int | None = None
    handed_at: int | None = None
    sent_at: int | None = None
    delivered_at: int | None = None
    started_at: int | None = None
    heard_at: int | None = None
    ended_at: int | None = None
    cancel_requested_at: int | None = None
    contradiction: str | None = None

    @property
    def ended(self) -> bool:
        """Say whether it is in a terminal state."""
        return self.state in EXECUTION_TERMINAL


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from something that happened.

    Attributes:
        to: the state afterwards (the present one where nothing moves).
        changes: attributes of Standing that take a new value.
        code: for machines: why it ended as it did; "" where nothing is to be said.
        note: for people.
        telling: worth an event row.
    """

    to: ExecutionState
    changes: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    note: str = ""
    telling: bool = False


def follow(standing: Standing, decision: Decision) -> Standing:
    """Give the standing after a decision."""
    return replace(standing, state=decision.to, **decision.changes)


def hand_over(standing: Standing, at: int) -> Decision:
    """Dispatch is about to publish it for the first time, or again."""
    first = standing.handed_at is None and not standing.ended
    return Decision(standing.state, {"handed_at": at} if first else {})


def sent(standing: Standing, at: int) -> Decision:
    """Take the broker's acknowledgement; a device that answered faster is further already."""
    if standing.ended or standing.sent_at is not None:
        return Decision(standing.state)
    moves = standing.state is E.QUEUED
    return Decision(E.SENT if moves else standing.state, {"sent_at": at}, telling=moves)


def claim(standing: Standing, claimed: ExecutionState, at: int) -> Decision:
    """Take a device's word about its own execution.

    Args:
        claimed: one of EXECUTION_CLAIMS; the codec lets no other pass.
        at: when it was received.
    """
    if standing.ended:
        return _too_late(standing, claimed)
    state, code = CLAIM_MEANS.get((standing.state, claimed), (claimed, ""))
    if state not in EXECUTION_TRANSITIONS[standing.state]:
        return _same(standing, claimed, at)
    changes: dict[str, Any] = {"heard_at": max(at, standing.heard_at or at)}
    if state not in (E.EXPIRED, E.CANCELED) and standing.delivered_at is None:
        changes["delivered_at"] = at
    if state in (E.IN_PROGRESS, E.SUCCEEDED, E.FAILED) and standing.started_at is None:
        changes["started_at"] = at
    if state not in EXECUTION_TERMINAL:
        return Decision(state, changes, telling=True)
    changes["ended_at"] = at
    return Decision(state, changes, code or ENDED_BY_CLAIM.get(state, ""), telling=True)


def cancel(standing: Standing, at: int) -> Decision:
    """A person asks to end it.

    Never handed to a broker: it is CANCELED at once. Otherwise only the device can confirm, and
    without its word the ordinary limit ends it.
    """
    if standing.ended:
        return Decision(standing.state)
    if standing.handed_at is None:
        changes = {"cancel_requested_at": at, "ended_at": at}
        return Decision(E.CANCELED, changes, "canceled", "canceled before it was sent", True)
    if standing.cancel_requested_at is not None:
        return Decision(standing.state)
    note = "cancel requested; waiting for the device to confirm"
    return Decision(standing.state, {"cancel_requested_at": at}, note=note, telling=True)


def remove(standing: Standing, at: int, note: str = "the device was deleted") -> Decision:
    """The device was deleted, or left the job."""
    if standing.ended:
        return Decision(standing.state)
    return Decision(E.REMOVED, {"ended_at": at}, "removed", note, True)


def _same(standing: Standing, claimed: ExecutionState, at: int) -> Decision:
    """A claim that moves nothing: a repeated word, or one that was overtaken.

    Only work reported again (progress, a sign of life) counts as heard: a repeated DELIVERED is
    the answer to our own sending again, which must extend no limit.
    """
    if claimed is not standing.state or claimed is not E.IN_PROGRESS:
        return Decision(standing.state)
    return Decision(standing.state, {"heard_at": max(at, standing.heard_at or at)})


def _too_late(standing: Standing, claimed: ExecutionState) -> Decision:
    agrees = claimed is standing.state or (
        # Overtaken on the way, or answered from the journal: no contradiction.
        claimed not in EXECUTION_TERMINAL and standing.state not in BY_THE_PLATFORM
    )
    text = f"the device says {claimed} after it had ended as {standing.state}"
    if agrees or standing.contradiction == text:
        return Decision(standing.state)
    return Decision(standing.state, {"contradiction": text}, note=text, telling=True)
