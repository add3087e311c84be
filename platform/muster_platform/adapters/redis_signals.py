"""Signals over Redis publish/subscribe: wake-ups, live changes, changed rights."""

import logging
import time
from collections.abc import Iterator

import msgspec
import redis

from muster_platform.outbox import EpochChanged, Live, SessionEnded, Signal, Wake

PREFIX = "muster:"
WAKE_PREFIX = f"{PREFIX}wake:"
LIVE_CHANNEL = f"{PREFIX}live"
EPOCH_CHANNEL = f"{PREFIX}epoch"
ENDED_CHANNEL = f"{PREFIX}ended"
EPOCH_KEY = f"{PREFIX}epoch:"
"""Before a user's id: the epoch that requests compare with, for a moment; see web.sessions."""
FAMILY_KEY = f"{PREFIX}session:"
"""Before the family of a sign-in: whether it holds, likewise."""
FAMILY_ENDED, FAMILY_LIVE = b"0", b"1"
KEPT_S = 10

_RAISE = """
local present = tonumber(redis.call('GET', KEYS[1]) or '0')
if present <= tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""
"""Sets a number that never goes down: of two changes the later one may be told first."""

log = logging.getLogger(__name__)


def channel_of(signal: Signal) -> str:
    """Give the Redis channel that carries a signal."""
    match signal:
        case Wake(role):
            return WAKE_PREFIX + role
        case Live():
            return LIVE_CHANNEL
        case EpochChanged():
            return EPOCH_CHANNEL
        case SessionEnded():
            return ENDED_CHANNEL


class RedisSignals:
    """Sends signals; a Redis that is away costs a log line, nothing else."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._away = False

    def send(self, signals: list[Signal]) -> None:
        """Publish all in one round trip."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            for signal in signals:
                pipeline.publish(channel_of(signal), msgspec.json.encode(signal))
                if isinstance(signal, EpochChanged):
                    key = EPOCH_KEY + signal.user_id
                    pipeline.eval(_RAISE, 1, key, str(signal.epoch), str(KEPT_S))
                elif isinstance(signal, SessionEnded):
                    pipeline.set(FAMILY_KEY + signal.family, FAMILY_ENDED, ex=KEPT_S)
            pipeline.execute()
            self._away = False
        except redis.RedisError as error:
            if not self._away:
                log.warning("Redis is away, others will notice by polling: %s", error)
            self._away = True


class WakeUps:
    """Waits for wake-ups of a role, or for the time to poll."""

    def __init__(self, client: "redis.Redis | None", role: str) -> None:
        self._client = client
        self._channel = WAKE_PREFIX + role
        self._pubsub: redis.client.PubSub | None = None

    def wait(self, timeout_s: float) -> bool:
        """Wait; True when woken. Without Redis it sleeps the time out by itself."""
        if self._client is None:
            time.sleep(timeout_s)
            return False
        try:
            if self._pubsub is None:
                pubsub = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                pubsub.subscribe(self._channel)
                self._pubsub = pubsub
                return True  # what happened before we subscribed
            woken = self._pubsub.get_message(timeout=timeout_s) is not None
            while woken and self._pubsub.get_message(timeout=0) is not None:
                pass
            return woken
        except redis.RedisError:
            self._pubsub = None
            time.sleep(timeout_s)
            return False


def live_messages(client: "redis.Redis", timeout_s: float = 1.0) -> Iterator[Live | None]:
    """Yield live signals, or None after each silent timeout_s; for tests and simple readers."""
    pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    pubsub.subscribe(LIVE_CHANNEL)
    while True:
        message = pubsub.get_message(timeout=timeout_s)
        yield msgspec.json.decode(message["data"], type=Live) if message else None
