"""The states of an alarm and how it goes from one to another. Pure."""

from enum import StrEnum


class AlarmState(StrEnum):
    """Whether the condition holds, and whether a person has taken note."""

    ACTIVE_UNACK = "ACTIVE_UNACK"
    ACTIVE_ACK = "ACTIVE_ACK"
    CLEARED_UNACK = "CLEARED_UNACK"
    CLEARED_ACK = "CLEARED_ACK"


class Severity(StrEnum):
    """How bad it is, worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Change(StrEnum):
    """What happened to an alarm; kept in its history, and told to `notify_hook`."""

    RAISED = "raised"
    RAISED_AGAIN = "raised_again"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    RESOLVED = "resolved"
    COMMENTED = "commented"
    ASSIGNED = "assigned"
    HIDDEN = "hidden"
    SHOWN = "shown"


S = AlarmState

ACTIVE = frozenset({S.ACTIVE_UNACK, S.ACTIVE_ACK})
"""The condition holds."""

UNACKNOWLEDGED = frozenset({S.ACTIVE_UNACK, S.CLEARED_UNACK})
"""Nobody has taken note."""

OPEN = frozenset(S) - {S.CLEARED_ACK}
"""There may be one of a rule and subject; the same condition comes back to it."""

NEXT: dict[tuple[S, Change], S] = {
    (S.CLEARED_UNACK, Change.RAISED_AGAIN): S.ACTIVE_UNACK,
    (S.ACTIVE_UNACK, Change.CLEARED): S.CLEARED_UNACK,
    (S.ACTIVE_ACK, Change.CLEARED): S.CLEARED_ACK,
    (S.ACTIVE_UNACK, Change.ACKNOWLEDGED): S.ACTIVE_ACK,
    (S.CLEARED_UNACK, Change.ACKNOWLEDGED): S.CLEARED_ACK,
    (S.ACTIVE_ACK, Change.UNACKNOWLEDGED): S.ACTIVE_UNACK,
    (S.ACTIVE_UNACK, Change.RESOLVED): S.CLEARED_ACK,
    (S.ACTIVE_ACK, Change.RESOLVED): S.CLEARED_ACK,
    (S.CLEARED_UNACK, Change.RESOLVED): S.CLEARED_ACK,
}
"""(state, change) -> state; what is not here is not possible, or moves no state."""


def after(state: S, change: Change, *, hidden: bool = False) -> S:
    """Give the state after a change.

    A hidden alarm that clears is closed with it: nobody was told, so nobody has to take note.

    Raises:
        KeyError: the change is not possible in this state.
    """
    found = NEXT[state, change]
    return S.CLEARED_ACK if hidden and change is Change.CLEARED else found
