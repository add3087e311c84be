"""How long to wait before the next attempt to connect."""

from random import Random


class Backoff:
    """Doubling delays with jitter, so that a fleet does not come back in one instant.

    Args:
        random: the source of jitter.
        first_s: upper end of the first delay.
        limit_s: upper end of all delays.
    """

    def __init__(self, random: Random, first_s: float = 1.0, limit_s: float = 60.0) -> None:
        self._random = random
        self._first_s = first_s
        self._limit_s = limit_s
        self._attempts = 0

    def next_s(self) -> float:
        """Give the next delay: between half of and all of the doubled one."""
        top = min(self._limit_s, self._first_s * 2 ** min(self._attempts, 16))
        self._attempts += 1
        return float(top * self._random.uniform(0.5, 1.0))

    def reset(self) -> None:
        """Begin again: a connection has been good."""
        self._attempts = 0
