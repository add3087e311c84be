"""The limits of an execution: one table. Nothing stays open beyond them.

None of them moves because something is sent again; only the device's own news moves `silence`.
"""

from collections.abc import Callable
from typing import NamedTuple

from muster_platform.jobs.rules import CANCEL_NOT_CONFIRMED, Decision, Standing
from muster_protocol.states import ExecutionState

E = ExecutionState


class Limit(NamedTuple):
    """One limit.

    Attributes:
        code: for machines; stored as the execution's error code.
        states: where it runs.
        ends_as: what it makes of the execution.
        at: when it is reached, ms since the epoch.
        text: for people.
    """

    code: str
    states: frozenset[ExecutionState]
    ends_as: ExecutionState
    at: Callable[[Standing], int]
    text: str


def _queue(s: Standing) -> int:
    return s.queued_at + s.queue_s * 1000


def _delivery(s: Standing) -> int:
    return s.expires_at


def _total(s: Standing) -> int:
    return (s.delivered_at or s.queued_at) + s.timeout_s * 1000


def _silence(s: Standing) -> int:
    return max(s.heard_at or 0, s.delivered_at or s.queued_at) + s.step_timeout_s * 1000


def _verify(s: Standing) -> int:
    if s.verify_s is None:
        return _total(s)
    return (s.heard_at or s.queued_at) + s.verify_s * 1000


_WORKING = frozenset({E.DELIVERED, E.IN_PROGRESS})

LIMITS: tuple[Limit, ...] = (
    Limit(
        *("queue_limit", frozenset({E.QUEUED}), E.EXPIRED, _queue),
        text="it was not handed to the broker in time (queue_s)",
    ),
    Limit(
        *("delivery_limit", frozenset({E.QUEUED, E.SENT}), E.EXPIRED, _delivery),
        text="the device did not confirm that it has it in time (expires_at)",
    ),
    Limit(
        *("timeout", _WORKING, E.TIMED_OUT, _total),
        text="the device did not end it in time (timeout_s, counted from DELIVERED)",
    ),
    Limit(
        *("silence", _WORKING, E.TIMED_OUT, _silence),
        text="the device said nothing about it for too long (step_timeout_s)",
    ),
    Limit(
        *("not_verified", frozenset({E.VERIFYING}), E.FAILED, _verify),
        text="the device claimed success, and its inventory did not show it in time",
    ),
)


def next_limit(standing: Standing) -> int | None:
    """Give the time of the next limit, None for an ended execution."""
    return min((row.at(standing) for row in LIMITS if standing.state in row.states), default=None)


def overdue(standing: Standing, now: int, *, plain: bool = False) -> Decision | None:
    """End the execution by the first limit that has passed; None while none has.

    Args:
        now: ms since the epoch.
        plain: the device knows no reports: then a missing one says nothing about delivery.
    """
    passed = [r for r in LIMITS if standing.state in r.states and r.at(standing) <= now]
    if not passed:
        return None
    first = min(passed, key=lambda row: row.at(standing))
    code, text = first.code, first.text
    if plain and standing.state is E.SENT:
        code, text = "no_report", "it was sent; a plain device gave no report"
    if standing.cancel_requested_at is not None:
        text = f"{text}; {CANCEL_NOT_CONFIRMED}"
    return Decision(first.ends_as, {"ended_at": now}, code, text, True)
