"""Time as the agent sees it: two clocks of the machine, and the server's by correction."""

import time
from typing import Protocol


class Clock(Protocol):
    """The two clocks that the agent reads; tests and the simulator bring their own."""

    def wall_ms(self) -> int:
        """Give the machine's idea of the time, in ms since the epoch, UTC. It may jump."""

    def mono_s(self) -> float:
        """Give seconds that only go forward, also while the machine sleeps."""


class SystemClock:
    """The real clocks."""

    def wall_ms(self) -> int:
        """Give ms since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def mono_s(self) -> float:
        """Give seconds since the machine started (CLOCK_BOOTTIME counts suspended time)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class ServerClock:
    """The server's time, kept from the last `down/hello`.

    It runs on the monotonic clock, so that a jump of the wall clock changes nothing.

    Attributes:
        known: whether the server has told its time since this start.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_ms = 0.0
        self.known = False

    def adjust(self, server_ms: int, asked_at_s: float) -> None:
        """Take over the server's time, told in answer to a question.

        Args:
            server_ms: what the server said, ms since the epoch.
            asked_at_s: monotonic time of the question; the answer is taken to have been
                written half way between the question and now.
        """
        half_way_s = (asked_at_s + self._clock.mono_s()) / 2
        self._base_ms = server_ms - half_way_s * 1000
        self.known = True

    def now_ms(self) -> int:
        """Give the server's time where it is known, else the machine's."""
        if not self.known:
            return self._clock.wall_ms()
        return int(self._base_ms + self._clock.mono_s() * 1000)

    def offset_ms(self) -> int | None:
        """Give the server's clock minus this machine's; None while the server's is unknown."""
        return self.now_ms() - self._clock.wall_ms() if self.known else None
