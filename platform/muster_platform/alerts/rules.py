"""What rules compute, without I/O: bands of values, shares, lost sites.

The comparisons take numbers and columns of SQL alike, so what the tests of these functions prove
holds for the passes that let the database compare.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Comparison(StrEnum):
    """How a value is compared with a limit."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="
    NOT_EQUAL = "!="


C = Comparison

_HOLDS: dict[C, Callable[[Any, Any], Any]] = {
    C.ABOVE: operator.gt,
    C.AT_LEAST: operator.ge,
    C.BELOW: operator.lt,
    C.AT_MOST: operator.le,
    C.EQUAL: operator.eq,
    C.NOT_EQUAL: operator.ne,
}
_OPPOSITE = {
    C.ABOVE: C.AT_MOST,
    C.AT_LEAST: C.BELOW,
    C.BELOW: C.AT_LEAST,
    C.AT_MOST: C.ABOVE,
    C.EQUAL: C.NOT_EQUAL,
    C.NOT_EQUAL: C.EQUAL,
}
UPWARD = frozenset({C.ABOVE, C.AT_LEAST})
ORDERED = frozenset(_HOLDS) - {C.EQUAL, C.NOT_EQUAL}
"""Comparisons that a hysteresis makes sense for."""


@dataclass(frozen=True, slots=True)
class Band:
    """A limit with a band in which nothing changes.

    Attributes:
        hysteresis: how far a value must come back behind the limit until it is over; at least 0.
    """

    comparison: Comparison
    limit: float
    hysteresis: float = 0.0

    def begins(self, value: Any) -> Any:
        """Say whether a value is beyond the limit."""
        return _HOLDS[self.comparison](value, self.limit)

    def ends(self, value: Any) -> Any:
        """Say whether a value is back, by more than the hysteresis."""
        return _HOLDS[_OPPOSITE[self.comparison]](value, self.end)

    @property
    def end(self) -> float:
        """Give the limit that is compared with for the end."""
        if self.comparison not in ORDERED:
            return self.limit
        back = -self.hysteresis if self.comparison in UPWARD else self.hysteresis
        return self.limit + back

    def limit_words(self) -> str:
        """Say what raises alone: `> 80`."""
        return f"{self.comparison} {self.limit:g}"

    def words(self) -> str:
        """Say it: `> 80, clears at <= 75`."""
        text = self.limit_words()
        if self.hysteresis:
            text += f", clears at {_OPPOSITE[self.comparison]} {self.end:g}"
        return text


@dataclass(frozen=True, slots=True)
class Count:
    """How many devices of a group, and of those how many are away."""

    devices: int
    away: int

    def __add__(self, other: "Count") -> "Count":
        """Add two."""
        return Count(self.devices + other.devices, self.away + other.away)

    @property
    def share(self) -> float:
        """Give the share that is away, 0 to 1."""
        return self.away / self.devices if self.devices else 0.0


def rolled_up(own: Mapping[str, Count], scope: str) -> dict[str, Count]:
    """Add the counts of groups to those that they are in.

    Args:
        own: devices directly in each group, by its path (`1/4/9/`).
        scope: path of the group beyond which nothing is added.
    """
    found: dict[str, Count] = {}
    for path, count in own.items():
        at = path
        while at.startswith(scope):
            found[at] = found.get(at, Count(0, 0)) + count
            at = parent(at)
    return found


def parent(path: str) -> str:
    """Give the path of the group that a group is in ("" for the root's)."""
    return path[: path.rstrip("/").rfind("/") + 1]


def lost_sites(
    counts: Mapping[str, Count], *, share: float, least: int, before: Iterable[str] = ()
) -> dict[str, Count]:
    """Find the outermost groups whose devices are away together.

    Args:
        counts: by path, rolled up.
        share: of the devices of a group that must be away, 0 to 1.
        least: how many of them at least.
        before: paths of groups that are held for lost already: they are until the share falls
            below four fifths of that.

    Returns:
        By path; of nested ones only the outermost.
    """
    held = frozenset(before)
    found: dict[str, Count] = {}
    for path in sorted(counts):  # a group sorts before what is inside it
        count = counts[path]
        factor = 0.8 if path in held else 1.0
        lost = count.away >= least * factor and count.share >= share * factor
        if lost and not any(path.startswith(outer) for outer in found):
            found[path] = count
    return found


def failed_share(counts: Mapping[str, int], failed: Iterable[str], ended: Iterable[str]) -> Count:
    """Count the executions of a job that ended, and of those the ones that failed.

    Args:
        counts: {state: executions}.
    """
    return Count(
        sum(counts.get(state, 0) for state in ended),
        sum(counts.get(state, 0) for state in failed),
    )


def duration_words(seconds: int) -> str:
    """Say a duration: `90 s`, `5 min`, `2 h`, `3 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
