"""Rate limits: windows of a minute, counted in Redis, or in this process where Redis is away."""

import hashlib
import threading
from dataclasses import dataclass, field
from typing import cast

import redis

from muster_platform.bootstrap import Platform
from muster_platform.errors import RateLimited

WINDOW_S = 60
KEY = "muster:rate:"
KEPT = 10_000
"""Counters kept in the process; beyond it the oldest window's are dropped."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of requests a minute for each subject.

    Attributes:
        name: of the limit, in keys and figures.
        what: what there were too many of, for the message.
    """

    name: str
    per_minute: int
    what: str


@dataclass(slots=True)
class Limits:
    """Counts requests by limit and subject."""

    platform: Platform
    _counts: dict[str, int] = field(default_factory=dict)
    _window: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, limit: Limit, *subject: str) -> None:
        """Count one request of the subject.

        Raises:
            RateLimited: it was one too many; says when the next window begins.
        """
        now_s = self.platform.clock.now_ms() // 1000
        window = now_s // WINDOW_S
        # Hashed: subjects hold mail addresses, and their length is the caller's choice.
        digest = hashlib.sha256("\x00".join(subject).encode("utf-8", "replace")).hexdigest()[:32]
        count = self._count(f"{KEY}{limit.name}:{window}:{digest}", window)
        if count > limit.per_minute:
            wait_s = int((window + 1) * WINDOW_S - now_s)
            raise RateLimited(
                f"too many {limit.what}: at most {limit.per_minute} a minute; "
                f"come back in {wait_s} s",
                wait_s,
            )

    def _count(self, key: str, window: int) -> int:
        client = self.platform.redis
        if client is None:
            return self._count_here(key, window)
        try:
            pipeline = client.pipeline(transaction=False)
            pipeline.incr(key)
            pipeline.expire(key, 2 * WINDOW_S)
            return int(cast("list[int]", pipeline.execute())[0])
        except redis.RedisError:
            return self._count_here(key, window)

    def _count_here(self, key: str, window: int) -> int:
        with self._lock:
            if window != self._window or len(self._counts) >= KEPT:
                self._counts.clear()
                self._window = window
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]
