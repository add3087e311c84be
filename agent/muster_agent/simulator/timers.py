"""Things to do later, for a whole fleet in one heap."""

import heapq
from collections.abc import Callable
from itertools import count

from muster_agent.clock import Clock


class Timers:
    """Calls functions when their time has come; not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Have something done after a delay."""
        due = self._clock.mono_s() + delay_s
        heapq.heappush(self._heap, (due, next(self._numbers), action))

    def run_due(self) -> None:
        """Do what is due."""
        now = self._clock.mono_s()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
