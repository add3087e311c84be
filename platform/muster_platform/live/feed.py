"""The feed: signals from Redis into the hub, kept up across Redis' absences."""

import asyncio
import logging

import msgspec
import redis.asyncio as aioredis
from redis.exceptions import RedisError

from muster_platform.adapters.redis_signals import ENDED_CHANNEL, EPOCH_CHANNEL, LIVE_CHANNEL
from muster_platform.live.hub import TRY_AGAIN, Hub
from muster_platform.outbox import EpochChanged, Live, SessionEnded

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
SILENCE_S = 5.0

log = logging.getLogger(__name__)


class Feed:
    """Reads the platform's channels.

    Attributes:
        is_up: False while Redis is away: browsers are then sent to polling.
    """

    def __init__(self, redis_url: str, hub: Hub) -> None:
        self.is_up = False
        self._url = redis_url
        self._hub = hub

    async def run(self) -> None:
        """Read until cancelled; comes back by itself when Redis does."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with aioredis.from_url(self._url, socket_connect_timeout=2) as client:
                    await self._read(client)
            except (RedisError, OSError) as error:
                if self.is_up or wait_s == FIRST_WAIT_S:
                    log.warning("Redis is away, browsers poll meanwhile: %s", error)
                self._hub.close_all(TRY_AGAIN, "changes cannot be pushed now")
                self.is_up = False
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            else:
                wait_s = FIRST_WAIT_S

    async def _read(self, client: "aioredis.Redis") -> None:
        async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(LIVE_CHANNEL, EPOCH_CHANNEL, ENDED_CHANNEL)
            self.is_up = True
            self._hub.all_lagged()
            while True:
                message = await pubsub.get_message(timeout=SILENCE_S)
                if message is None:
                    await pubsub.ping()  # a dead connection shows itself here
                elif message["type"] == "message":
                    self.take(message["channel"].decode(), message["data"])

    def take(self, channel: str, data: bytes) -> None:
        """Hand one message to the hub; one that cannot be read is logged and dropped."""
        try:
            if channel == LIVE_CHANNEL:
                self._hub.publish(msgspec.json.decode(data, type=Live))
            elif channel == EPOCH_CHANNEL:
                self._hub.rights_changed(msgspec.json.decode(data, type=EpochChanged))
            elif channel == ENDED_CHANNEL:
                self._hub.session_ended(msgspec.json.decode(data, type=SessionEnded))
        except msgspec.MsgspecError as error:
            log.warning("a signal on %s cannot be read: %s", channel, error)
