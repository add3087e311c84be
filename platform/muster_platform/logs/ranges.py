"""Ranges of time in parts: how wide a bar of a histogram is, and bars laid out. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from muster_platform.logs.store import Bar
from muster_platform.logs.views import LEVELS
from muster_protocol.messages import Level

BARS = 60
_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
WIDTHS = (
    *(1, 10, 100, _SECOND, 2 * _SECOND, 5 * _SECOND, 10 * _SECOND, 15 * _SECOND, 30 * _SECOND),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY),
    *(30 * _DAY, 90 * _DAY, 365 * _DAY),
)
"""Widths that people can read off an axis, in ms."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a range; `end` is not in it. Times are ms since the epoch."""

    start: int
    end: int
    counts: dict[Level, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Give all of it."""
        return sum(self.counts.values())


def width_of(since: int, until: int, bars: int = BARS) -> int:
    """Choose the width of a bar, in ms: the least that needs no more than so many."""
    length = max(until - since, 1)
    fitting = (width for width in WIDTHS if length <= width * (bars - 1))
    return next(fitting, -(-length // bars))


def fill(found: Iterable[Bar], since: int, until: int, width_ms: int) -> list[Part]:
    """Lay bars out over a range, those without records too.

    Args:
        since: multiple of the width.
    """
    number = max(1, -(-(until - since) // width_ms))
    parts = [Part(since + i * width_ms, since + (i + 1) * width_ms) for i in range(number)]
    for bar in found:
        index = (bar.start - since) // width_ms
        if 0 <= index < number:
            parts[index].counts[LEVELS[bar.level]] = bar.count
    return parts
