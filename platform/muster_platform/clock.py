"""Time as a thing that is handed in, so that tests can move it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Give milliseconds since the epoch, UTC."""
        return self._now_ms

    def advance(self, *, ms: int = 0, s: float = 0) -> None:
        """Move the clock forward."""
        self._now_ms += ms + round(s * 1000)
