"""One connection: takes its packets apart, answers them, keeps its time.

Overrides amqtt's reader loop, which makes a task for each packet and waits for each write. Here a
chunk of bytes is worked off in one go and everything that it causes leaves in one write.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import OutgoingApplicationMessage

from muster_broker.embedded import wire
from muster_broker.embedded.errors import Malformed, Refused
from muster_broker.embedded.links import ChunkReader, Outlet
from muster_broker.embedded.logs import LOGGER
from muster_broker.embedded.session import DeviceSession, Message

if TYPE_CHECKING:
    from muster_broker.embedded.broker import MusterBroker

_KEEP_ALIVE_FACTOR = 1.5
"""Section 3.1.2.10: a client that was silent for longer is gone."""
_ROUTES = 256
"""Topics of a connection whose ACL and subscribers are remembered."""
_UNRELEASED = 1_000
"""QoS 2 messages of a client that it has not released."""


class Route:
    """What is known about a topic that this client publishes to.

    Attributes:
        keep: whether the broker may keep the last message.
        targets: subscribers and granted QoS, right while `version` is the subscriptions' own.
    """

    __slots__ = ("field", "keep", "targets", "topic", "version")

    def __init__(self, topic: str, field: bytes, keep: bool) -> None:
        self.topic = topic
        self.field = field
        self.keep = keep
        self.version = -1
        self.targets: list[tuple[DeviceSession, int]] = []


class ConnectionHandler(BrokerProtocolHandler):
    """Serves one client that has been let in.

    Attributes:
        ready: see session.Line.
        ended: the reason, once the connection is over.
    """

    def __init__(
        self,
        broker: "MusterBroker",
        session: DeviceSession,
        reader: ChunkReader,
        writer: Outlet,
        request: wire.Connect,
    ) -> None:
        super().__init__(broker.plugins_manager)
        self.attach(session, reader, writer)  # type: ignore[arg-type]
        self.client = session
        self.will = request.will
        self.ready = True
        self.ended: str | None = None
        self._broker = broker
        self._chunks = reader
        self._outlet = writer
        self._congested_bytes = broker.options.congested_bytes
        self._limit_bytes = broker.options.max_packet_bytes
        self._routes: dict[bytes, Route] = {}
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._drainer: asyncio.Task[None] | None = None
        self._heard_at = self._loop.time()
        self._silence_s = request.keep_alive_s * _KEEP_ALIVE_FACTOR
        self._timer: asyncio.TimerHandle | None = None

    # -- life -----------------------------------------------------------------

    async def start(self) -> None:
        """Send what the session has waiting, and watch the keep-alive time."""
        if self._silence_s:
            self._timer = self._loop.call_later(self._silence_s, self._check_silence)
        self.client.resume(self)

    async def run(self, rest: bytes) -> None:
        """Serve until the connection ends, for whatever reason.

        Args:
            rest: bytes that came behind the CONNECT.
        """
        try:
            await self.start()
            data = self._feed(rest)
            while self.ended is None:
                if self._outlet.unsent_bytes() > 2 * self._congested_bytes:
                    await self._outlet.drain()  # it does not read its answers: neither do we
                chunk = await self._chunks.read_chunk()
                if not chunk:
                    self.end("connection_lost")
                    return
                self._heard_at = self._loop.time()
                data = self._feed(data + chunk if data else chunk)
        except Malformed as error:
            self._broker.count_refusal("malformed", self.client.client_id, str(error))
            self.end("malformed")
        except Refused as error:
            self._broker.count_refusal(error.reason, self.client.client_id, str(error))
            self.end(error.reason)
        except OSError:
            self.end("connection_lost")
        except Exception:
            LOGGER.exception("internal error while serving %s", self.client.client_id)
        finally:
            self.end("internal_error")

    def end(self, reason: str, *, with_will: bool = True) -> None:
        """End the connection; the first call counts.

        Args:
            with_will: publish the client's will, as for every end but DISCONNECT.
        """
        if self.ended is not None:
            return
        self.ended = reason
        self._flush()
        self.ready = False
        if self._timer is not None:
            self._timer.cancel()
        if self._drainer is not None:
            self._drainer.cancel()
        self._outlet.shut()
        self._broker.left(self, with_will=with_will)

    async def stop(self) -> None:
        """End the connection on the server's side (amqtt's name for it)."""
        self.end("stopped", with_will=False)

    def _check_silence(self) -> None:
        left_s = self._heard_at + self._silence_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check_silence)
            return
        self._broker.count_refusal("keep_alive", self.client.client_id, "silent for too long")
        self.end("keep_alive")

    # -- sending --------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Add a packet; all that one turn of the loop adds leaves in one write."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > self._congested_bytes:
            self.ready = False

    def _flush(self) -> None:
        if not self._out:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        self._outlet.write(data)
        if self.ended is not None:
            return
        if self._outlet.unsent_bytes() > self._congested_bytes:
            self.ready = False
            if self._drainer is None or self._drainer.done():
                self._drainer = self._loop.create_task(self._wait_until_read())
        elif not self.ready:
            self.ready = True
            self.client.pump()

    async def _wait_until_read(self) -> None:
        try:
            await self._outlet.drain()
        except OSError:
            return  # the reader sees the end
        self.ready = True
        self.client.pump()

    async def _send_packet(self, packet: Any) -> None:
        """Send a packet that amqtt's own code built."""
        self.send(packet.to_bytes())

    async def mqtt_publish(
        self,
        topic: str,
        data: bytes | bytearray,
        qos: int | None,
        retain: bool,
        ack_timeout: int | None = None,  # noqa: ARG002
    ) -> OutgoingApplicationMessage:
        """Queue a message for this client (amqtt's interface); does not wait for its answer."""
        field = wire.topic_field(topic)
        self.client.offer(Message(topic, field, bytes(data), qos or 0), qos or 0)
        return OutgoingApplicationMessage(None, topic, qos, data, retain)

    # -- receiving ------------------------------------------------------------

    def _feed(self, data: bytes) -> bytes:
        """Work off all whole packets and give the bytes that are left.

        Raises:
            Malformed, Refused: the connection must end.
        """
        at = 0
        limit_bytes = self._limit_bytes
        while at < len(data) and self.ended is None:
            frame = wire.next_frame(data, at, limit_bytes)
            if frame is None:
                break
            kind, flags, start, at = frame
            if kind == wire.PUBLISH:
                self._on_publish(flags, data, start, at)
            elif wire.PUBACK <= kind <= wire.PUBCOMP:
                self._on_ack(kind, wire.decode_ack(kind, flags, data, start, at))
            else:
                self._on_rare(frame, data)
        return data[at:] if at else data

    def _on_publish(self, flags: int, data: bytes, start: int, stop: int) -> None:
        qos = flags >> 1 & 3
        payload_at = start + 2
        if payload_at <= stop:
            payload_at += data[start] << 8 | data[start + 1]
        field = data[start:payload_at]
        packet_id = 0
        if qos:
            packet_id = int.from_bytes(data[payload_at : payload_at + 2], "big")
            payload_at += 2
        if payload_at > stop or qos == 3 or (qos and not packet_id) or (not qos and flags & 8):
            raise Malformed("a PUBLISH breaks the standard")
        route = self._routes.get(field) or self._find_route(field)
        if qos == 2 and not self._is_new(packet_id):
            self.send(wire.ack(wire.PUBREC, packet_id))
            return
        message = Message(route.topic, field, data[payload_at:stop], qos)
        self._broker.publish(self.client, route, message, bool(flags & 1))
        if qos == 1:
            self.send(wire.ack(wire.PUBACK, packet_id))
        elif qos == 2:
            self.send(wire.ack(wire.PUBREC, packet_id))

    def _is_new(self, packet_id: int) -> bool:
        received = self.client.received
        if packet_id in received:
            return False
        if len(received) >= _UNRELEASED:
            raise Refused("qos2_unreleased", f"{_UNRELEASED} QoS 2 messages are not released")
        received.add(packet_id)
        return True

    def _find_route(self, field: bytes) -> Route:
        if len(self._routes) >= _ROUTES:
            self._routes.clear()
        route = self._broker.find_route(self.client.client_id, wire.decode_text(field[2:]), field)
        self._routes[field] = route
        return route

    def _on_ack(self, kind: int, packet_id: int) -> None:
        if kind in (wire.PUBACK, wire.PUBCOMP):
            self.client.acknowledged(packet_id)
        elif kind == wire.PUBREC:
            self.client.recorded(packet_id)
        else:
            self.client.received.discard(packet_id)
            self.send(wire.ack(wire.PUBCOMP, packet_id))

    def _on_rare(self, frame: wire.Frame, data: bytes) -> None:
        kind = frame.kind
        if kind == wire.SUBSCRIBE:
            packet_id, pairs = wire.decode_subscribe(frame, data)
            codes = [self._broker.subscribe(self.client, *pair) for pair in pairs]
            self.send(wire.suback(packet_id, codes))
            for (topic_filter, _), code in zip(pairs, codes, strict=True):
                if code != wire.FAILURE:
                    self._broker.replay_retained(self.client, topic_filter, code)
            self.client.pump()
        elif kind == wire.UNSUBSCRIBE:
            packet_id, filters = wire.decode_unsubscribe(frame, data)
            for topic_filter in filters:
                self._broker.unsubscribe(self.client, topic_filter)
            self.send(wire.ack(wire.UNSUBACK, packet_id))
        elif (
            frame.flags
            or frame.stop != frame.start
            or kind
            not in (
                wire.PINGREQ,
                wire.DISCONNECT,
            )
        ):
            raise Malformed(f"packet type {kind} does not belong here")
        elif kind == wire.PINGREQ:
            self.send(wire.PINGRESP_BYTES)
        else:
            self.end("disconnected", with_will=False)
