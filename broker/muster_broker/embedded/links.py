"""Sockets, TCP and WebSocket, behind amqtt's adapters: read what is there, write without waiting.

amqtt reads an exact number of bytes at a time and waits for every write; both cost more than the
message. These give whole chunks, buffer writes, and say how much is still unsent.
"""

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import Protocol, runtime_checkable

from amqtt.adapters import (
    StreamReaderAdapter,
    StreamWriterAdapter,
    WebSocketsReader,
    WebSocketsWriter,
)
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from muster_broker.embedded.errors import Malformed

CHUNK_BYTES = 16 * 1024
"""Most that is taken at once, so that one busy connection lets the others in between."""
_LINGER_S = 2.0
"""How long a closed connection may take to send its last bytes before it is cut."""


@runtime_checkable
class ChunkReader(Protocol):
    """Gives bytes as they come."""

    async def read_chunk(self) -> bytes:
        """Wait for bytes; b"" when the other side is gone.

        Raises:
            Malformed: what came cannot be MQTT.
        """


class Outlet(Protocol):
    """Takes bytes without waiting."""

    def write(self, data: bytes) -> None:
        """Add bytes to what is to be sent; nothing happens on a closed connection."""

    def unsent_bytes(self) -> int:
        """Say how much the other side has not taken yet."""

    async def drain(self) -> None:
        """Wait until little is unsent; returns or raises OSError when the connection ends."""

    def shut(self) -> None:
        """Close after the last bytes, or cut when they take too long."""

    def abort(self) -> None:
        """Cut now."""


class TcpReader(StreamReaderAdapter):
    """Bytes of a TCP (or TLS) connection."""

    async def read_chunk(self) -> bytes:
        """See ChunkReader."""
        try:
            chunk: bytes = await self._reader.read(CHUNK_BYTES)
        except OSError:
            return b""
        if len(chunk) == CHUNK_BYTES:  # there is more: the others first
            await asyncio.sleep(0)
        return chunk


class TcpWriter(StreamWriterAdapter):
    """The sending side of a TCP (or TLS) connection."""

    def __init__(self, writer: asyncio.StreamWriter, congested_bytes: int) -> None:
        super().__init__(writer)
        self._transport = writer.transport
        self._transport.set_write_buffer_limits(high=congested_bytes)
        tune(writer.get_extra_info("socket"))

    def unsent_bytes(self) -> int:
        """See Outlet."""
        return self._transport.get_write_buffer_size()

    def shut(self) -> None:
        """See Outlet."""
        if not self.is_closed:
            self.is_closed = True
            self._transport.close()
            asyncio.get_running_loop().call_later(_LINGER_S, self._transport.abort)

    def abort(self) -> None:
        """See Outlet."""
        self.is_closed = True
        self._transport.abort()

    async def close(self) -> None:
        """Close without waiting for the other side (amqtt waits for ever)."""
        self.shut()


class WsReader(WebSocketsReader):
    """Bytes of a WebSocket connection, which must come in binary messages."""

    async def read_chunk(self) -> bytes:
        """See ChunkReader."""
        while True:
            try:
                message = await self._protocol.recv()
            except (ConnectionClosed, OSError):
                return b""
            if isinstance(message, str):
                raise Malformed("MQTT over WebSocket needs binary messages")
            if message:  # an empty one is allowed and says nothing
                return message


class WsWriter(WebSocketsWriter):
    """The sending side of a WebSocket connection; one task sends, in order."""

    def __init__(self, protocol: ServerConnection, congested_bytes: int) -> None:
        super().__init__(protocol)
        protocol.transport.set_write_buffer_limits(high=congested_bytes)
        tune(protocol.transport.get_extra_info("socket"))
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._sender: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        """See Outlet."""
        if self._closer is not None:
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def _send(self) -> None:
        with suppress(ConnectionClosed, OSError):
            while self._waiting:
                data = b"".join(self._waiting)
                self._waiting.clear()
                await self._protocol.send(data)
                self._waiting_bytes -= len(data)
            return
        self._waiting.clear()
        self._waiting_bytes = 0

    def unsent_bytes(self) -> int:
        """See Outlet."""
        return self._waiting_bytes + self._protocol.transport.get_write_buffer_size()

    async def drain(self) -> None:
        """See Outlet."""
        if self._sender is not None:
            await asyncio.shield(self._sender)

    def shut(self) -> None:
        """See Outlet."""
        if self._closer is None:
            self._closer = asyncio.create_task(self._finish())

    async def finished(self) -> None:
        """Wait until a connection that is being closed has sent its last bytes.

        The server closes when its handler returns: before that a refusal must be on its way.
        """
        if self._closer is not None:
            await self._closer

    async def _finish(self) -> None:
        with suppress(TimeoutError, ConnectionClosed, OSError):
            async with asyncio.timeout(_LINGER_S):
                await self.drain()
                await self._protocol.close()
                return
        self._protocol.transport.abort()

    def abort(self) -> None:
        """See Outlet."""
        self._protocol.transport.abort()

    async def close(self) -> None:
        """Close without waiting for the other side."""
        self.shut()


def tune(sock: socket.socket | None) -> None:
    """Send small packets at once, and notice a peer that vanished without keep-alive.

    Nagle's algorithm against delayed acknowledgements costs 40 ms a round trip.
    """
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
