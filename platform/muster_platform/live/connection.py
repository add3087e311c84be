"""One browser: what it hears, and a bounded queue between it and the hub."""

import asyncio
from collections import deque
from typing import Any, Protocol

import msgspec

from muster_platform.access.actor import Actor
from muster_platform.live.rules import Wanted
from muster_platform.logs.tail import Tail

QUEUE_MESSAGES = 256
HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 20.0
FLEET_EVERY_S = 1.0
TAIL = "tail"
"""Topic of the events of a tail."""
NOT_READING = 1008
"""Close code (RFC 6455): the browser breaks the rules of the conversation."""

encode = msgspec.json.Encoder().encode


class Socket(Protocol):
    """What a connection writes to (Starlette's WebSocket)."""

    async def send_text(self, data: str) -> None:
        """Send one text message."""
        ...


class Connection:
    """A browser that listens.

    A slow browser never slows others: when its queue is full, what comes is dropped, counted and
    told as `lagged`, and the page asks for the present state.

    Attributes:
        actor: whose rights count; as they were at the start, a change closes the connection.
        wanted: topics that it hears.
        tail: the log records of many devices that it follows, None for none.
        closing: (code, reason) once it is to be closed.
    """

    def __init__(self, socket: Socket, actor: Actor, queue_messages: int = QUEUE_MESSAGES) -> None:
        self.actor = actor
        self.wanted: set[Wanted] = set()
        self.tail: Tail | None = None
        self.closing: tuple[int, str] | None = None
        self._socket = socket
        self._queue: deque[bytes] = deque()
        self._limit = queue_messages
        self._dropped = 0
        self._dropped_records = 0
        self._fleet: set[Wanted] = set()
        self._ready = asyncio.Event()
        self._closed = asyncio.Event()

    def offer(self, wanted: Wanted | str, data: object) -> None:
        """Queue an event; a full queue drops it and remembers that."""
        if len(self._queue) >= self._limit:
            self._dropped += 1
        else:
            self._queue.append(encode({"type": "event", "topic": str(wanted), "data": data}))
        self._ready.set()

    def offer_tail(self, data: dict[str, Any]) -> None:
        """Queue what a tail shows; what a full queue drops is counted and told."""
        if len(self._queue) >= self._limit:
            self._dropped_records += len(data["records"]) + data["left_out"]
        self.offer(TAIL, data)

    def offer_fleet(self, wanted: Wanted) -> None:
        """Note that something of the fleet changed; told at most once a second, without data."""
        self._fleet.add(wanted)
        self._ready.set()

    def tell(self, **message: object) -> None:
        """Queue an answer to the browser itself; one that asks and never reads is closed."""
        if len(self._queue) >= 2 * self._limit:
            self.close(NOT_READING, "answers are not read")
        self._queue.append(encode(message))
        self._ready.set()

    def lag(self) -> None:
        """Say that something may have been missed."""
        self._dropped += 1
        self._ready.set()

    def close(self, code: int, reason: str) -> None:
        """Close soon, whatever is still queued."""
        self.closing = self.closing or (code, reason)
        self._closed.set()

    async def closed(self) -> None:
        """Wait until the connection is to be closed."""
        await self._closed.wait()

    async def write(self) -> None:
        """Send what is queued until it is cancelled or the connection breaks."""
        fleet_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            wait_s = HEARTBEAT_S
            if self._fleet:
                wait_s = max(0.0, fleet_at + FLEET_EVERY_S - loop.time())
            if not await self._wait(wait_s) and not self._fleet:
                await self._send(b'{"type":"ping"}')
            while self._queue:
                await self._send(self._queue.popleft())
            if self._dropped:
                told = {"dropped": self._dropped, "records": self._dropped_records}
                self._dropped = self._dropped_records = 0
                await self._send(encode({"type": "lagged", **told}))
            if self._fleet and loop.time() >= fleet_at + FLEET_EVERY_S:
                fleet_at = loop.time()
                changed, self._fleet = self._fleet, set()
                for wanted in changed:
                    await self._send(encode({"type": "event", "topic": str(wanted), "data": {}}))

    async def _wait(self, timeout_s: float) -> bool:
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        except TimeoutError:
            return False
        self._ready.clear()
        return True

    async def _send(self, message: bytes) -> None:
        await asyncio.wait_for(self._socket.send_text(message.decode()), SEND_TIMEOUT_S)
