"""When who is told of an alarm that nobody acknowledges, and what goes into one mail. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RAISED, CLEARED = "raised", "cleared"
REMINDER = "reminder-"

GAPS_MS = (0, 60_000, 5 * 60_000, 15 * 60_000)
"""Shortest time from the last mail about a rule to the next one to the same person, by how many
went out in RECENT_MS: the first goes at once, what follows closely is gathered."""
RECENT_MS = 30 * 60_000
BUSY_MS = 10 * 60_000
BUSY_MAILS = 8
"""Whoever got so many mails about alarms in BUSY_MS gets the rest in one, over all rules."""
BUSY_GAP_MS = 5 * 60_000
GATHER_CLEARED_MS = 60_000
"""News that it is over can wait: what ends together is told together."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person has been told of an alarm in this round.

    Attributes:
        first_at, last_at: ms since the epoch.
        reminders: how many went out.
    """

    first_at: int
    last_at: int
    reminders: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How a list tells: see OnCallList."""

    wait_ms: int
    remind_ms: int
    reminders: int


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody who is to be told now.

    Attributes:
        place: in the order, from 0.
    """

    user_id: str
    step: str
    place: int


def due(
    people: Sequence[str], told: Mapping[str, Told], pace: Pace, began_at: int, now: int
) -> list[Due]:
    """Give who is to be told now.

    The person at place n of those who are on call at this moment is told n waits after the
    alarm began, and reminded as long as reminders are left.
    """
    found = []
    for place, user_id in enumerate(people):
        known = told.get(user_id)
        if known is None:
            if now >= began_at + place * pace.wait_ms:
                found.append(Due(user_id, RAISED, place))
        elif known.reminders < pace.reminders and now >= known.last_at + pace.remind_ms:
            found.append(Due(user_id, f"{REMINDER}{known.reminders + 1}", place))
    return found


def next_at(
    people: Sequence[str], told: Mapping[str, Told], pace: Pace, began_at: int, now: int
) -> int | None:
    """Give when to look again; None when everybody was told and reminded for the last time.

    Args:
        told: with what `due` gave counted in.
    """
    times = []
    for place, user_id in enumerate(people):
        known = told.get(user_id)
        if known is None:
            times.append(began_at + place * pace.wait_ms)
        elif known.reminders < pace.reminders:
            times.append(known.last_at + pace.remind_ms)
    return max(now + 1, min(times)) if times else None


def may_write(recent: Sequence[int], waiting_since: int, now: int, *, urgent: bool) -> bool:
    """Say whether the next mail about a rule may go to a person now.

    Args:
        recent: when mails about it went to them, in the last RECENT_MS.
        waiting_since: since when the oldest of what would stand in it waits.
    """
    if not urgent and now < waiting_since + GATHER_CLEARED_MS:
        return False
    gap = GAPS_MS[min(len(recent), len(GAPS_MS) - 1)]
    return not recent or now >= max(recent) + gap


def is_busy(recent: Sequence[int], now: int) -> bool:
    """Say whether a person gets so many mails that the rest is gathered over all rules.

    Args:
        recent: when mails about any alarm went to them.
    """
    return sum(at > now - BUSY_MS for at in recent) >= BUSY_MAILS
