"""Rate limits: windows of time, counted in Redis, or in this process where Redis is away."""

import hashlib
import threading
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

import redis

from muster_platform.bootstrap import Platform
from muster_platform.errors import RateLimited

MINUTE_S = 60
HOUR_S = 3600
WORDS = {MINUTE_S: "a minute", HOUR_S: "an hour"}
KEY = "muster:rate:"
SHARES = 100
"""Into how many parts a limit is cut that is taken in shares."""
KEPT = 10_000
"""Counters kept in the process; beyond it those of past windows and the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of requests in each window of time for each subject.

    Attributes:
        name: of the limit, in keys and figures.
        most: requests in a window.
        what: what there were too many of, for the message.
    """

    name: str
    most: int
    what: str
    window_s: int = MINUTE_S


@dataclass(slots=True)
class Limits:
    """Counts requests by limit and subject."""

    platform: Platform
    _counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    _shares: dict[str, tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, limit: Limit, *subject: str) -> None:
        """Count one request of the subject.

        Raises:
            RateLimited: it was one too many; says when the next window begins.
        """
        now_s = self.platform.clock.now_ms() // 1000
        if not self._taken(limit, subject, now_s):
            wait_s = limit.window_s - now_s % limit.window_s
            raise RateLimited(
                f"too many {limit.what}: at most {limit.most} {WORDS[limit.window_s]}; "
                f"come back in {wait_s} s",
                wait_s,
            )

    def refund(self, limit: Limit, *subject: str) -> None:
        """Take one request back, in the window that is now."""
        self._add(limit, subject, self.platform.clock.now_ms() // 1000, -1)

    def _taken(self, limit: Limit, subject: tuple[str, ...], now_s: int) -> bool:
        """Take one of what is left in the window; False when nothing is.

        A large limit is taken from Redis in shares of a hundredth, so that few requests wait for
        it. All processes together never go beyond the limit; what is left of a share in one is
        missing in another.
        """
        share = limit.most // SHARES
        if share <= 1:
            return self._add(limit, subject, now_s, 1) <= limit.most
        key, end_s = _key(limit, subject, now_s)
        with self._lock:
            left = self._shares.get(key, (0, 0))[0]
            if left > 0:
                self._shares[key] = (left - 1, end_s)
                return True
        over = self._add(limit, subject, now_s, share) - limit.most
        granted = share - max(0, over)
        if granted <= 0:
            return False
        with self._lock:
            if len(self._shares) >= KEPT:
                _make_room(self._shares, now_s)
            present = self._shares.get(key, (0, 0))[0]
            self._shares[key] = (present + granted - 1, end_s)
        return True

    def _add(self, limit: Limit, subject: tuple[str, ...], now_s: int, by: int) -> int:
        key, end_s = _key(limit, subject, now_s)
        client = self.platform.redis
        if client is None:
            return self._add_here(key, by, now_s, end_s)
        try:
            pipeline = client.pipeline(transaction=False)
            pipeline.incrby(key, by)
            pipeline.expire(key, 2 * limit.window_s)
            return int(cast("list[int]", pipeline.execute())[0])
        except redis.RedisError:
            return self._add_here(key, by, now_s, end_s)

    def _add_here(self, key: str, by: int, now_s: int, end_s: int) -> int:
        with self._lock:
            if len(self._counts) >= KEPT:
                _make_room(self._counts, now_s)
            count = self._counts.get(key, (0, 0))[0] + by
            self._counts[key] = (count, end_s)
            return count


def _key(limit: Limit, subject: tuple[str, ...], now_s: int) -> tuple[str, int]:
    """Give the counter of a subject's present window, and the second at which that ends."""
    window = now_s // limit.window_s
    # Hashed: subjects hold mail addresses, and their length is the caller's choice.
    digest = hashlib.sha256("\x00".join(subject).encode("utf-8", "replace")).hexdigest()[:32]
    return f"{KEY}{limit.name}:{window}:{digest}", (window + 1) * limit.window_s


def _make_room(counts: dict[str, tuple[int, int]], now_s: int) -> None:
    """Forget past windows, and the oldest half where that is not enough."""
    for key in [key for key, (_, end_s) in counts.items() if end_s <= now_s]:
        del counts[key]
    if len(counts) >= KEPT:
        for key in list(islice(counts, KEPT // 2)):
            del counts[key]
