"""The client's side of one MQTT connection, and what outlives it; bytes in, bytes out, no I/O.

`Session` outlives connections: it numbers them, keeps publications until their PUBACK and writes
them again, with DUP, on the next connection. `Link` is one connection: handshake and keep-alive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from muster_broker.receiver import codec
from muster_broker.receiver.codec import Control, Kind, Parser, Received
from muster_broker.receiver.errors import BrokerRefused, BrokerUnreachable, ProtocolError
from muster_broker.receiver.options import ReceiverOptions

_SUBSCRIBE_ID, _UNSUBSCRIBE_ID = 65_535, 65_534
"""Packet ids of SUBSCRIBE and UNSUBSCRIBE; publications use the ids below them."""

_CONNACK_REASONS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept the client id",
    3: "it says that it is unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


class Phase(Enum):
    """How far a connection has come."""

    CONNECTING = 1
    SUBSCRIBING = 2
    READY = 3


@dataclass(slots=True)
class _Pending:
    token: int
    topic: str
    payload: bytes
    retain: bool
    dup: bool = False

    def packet(self, packet_id: int) -> bytes:
        return codec.publish(
            self.topic,
            self.payload,
            qos=1,
            retain=self.retain,
            packet_id=packet_id,
            dup=self.dup,
        )


class Publications:
    """QoS 1 publications on their way: packet ids, what to send again, whom to tell.

    Args:
        on_delivered: called with the token of each publication the broker acknowledged.
    """

    def __init__(self, limit: int, on_delivered: Callable[[int], None] | None) -> None:
        self._limit = min(limit, _UNSUBSCRIBE_ID - 1)
        self._pending: dict[int, _Pending] = {}
        self._on_delivered = on_delivered
        self._next_id = 0

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def full(self) -> bool:
        """Say whether another one would be one too many."""
        return len(self._pending) >= self._limit

    def add(self, token: int, topic: str, payload: bytes, retain: bool) -> bytes:
        """Number a publication and write it.

        Raises:
            OverflowError: there is no room (`full` is True).
        """
        if self.full:
            raise OverflowError(f"{self._limit} publications wait for the broker already")
        while True:
            self._next_id = self._next_id % (_UNSUBSCRIBE_ID - 1) + 1
            if self._next_id not in self._pending:
                break
        entry = _Pending(token, topic, payload, retain)
        packet = entry.packet(self._next_id)
        self._pending[self._next_id] = entry
        return packet

    def acknowledged(self, packet_id: int) -> None:
        """Forget what the broker has; an id we do not know is an answer to an earlier life."""
        entry = self._pending.pop(packet_id, None)
        if entry is not None and self._on_delivered is not None:
            self._on_delivered(entry.token)

    def again(self) -> bytes:
        """Write everything not yet acknowledged once more, in order."""
        return b"".join(entry.packet(packet_id) for packet_id, entry in self._pending.items())

    def lost(self) -> None:
        """Mark all as perhaps sent, for the next connection: then they carry DUP."""
        for entry in self._pending.values():
            entry.dup = True


class Link:
    """One connection from CONNECT to its end.

    Attributes:
        out: bytes for the socket; the owner takes them from the front.
        phase: READY once the broker has taken the subscriptions.
        session_present: whether the broker still knew us.
    """

    def __init__(
        self, options: ReceiverOptions, publications: Publications, number: int, now_s: float
    ) -> None:
        self.out = bytearray()
        self.phase = Phase.CONNECTING
        self.session_present = False
        self.number = number
        self._options = options
        self._publications = publications
        self._parser = Parser(options.max_packet_bytes, number)
        self._pinged_s = now_s
        self._unanswered_s: float | None = None
        self.out += codec.connect(
            options.client_id,
            username=options.username,
            password=options.password,
            keep_alive_s=options.keep_alive_s,
            clean=not options.persistent,
        )

    def feed(self, chunk: bytes, received_at: int) -> list[Received]:
        """Take bytes from the broker; act on control packets, return the messages.

        Raises:
            BrokerRefused: CONNACK or SUBACK say no.
            ProtocolError: not MQTT, or a packet out of turn. Messages in front of the fault are
                not given: unacknowledged, they come again.
        """
        self._unanswered_s = None
        packets = self._parser.feed(chunk, received_at)
        messages = [p for p in packets if type(p) is Received]
        if len(messages) != len(packets):
            for packet in packets:
                if isinstance(packet, Control):
                    self._control(packet)
        if messages and self.phase is Phase.CONNECTING:
            raise ProtocolError("PUBLISH before CONNACK")
        if self._parser.fault is not None:
            raise self._parser.fault
        return messages

    def _control(self, packet: Control) -> None:
        kind, body = packet
        if kind is Kind.CONNACK and self.phase is Phase.CONNECTING:
            self._connack(body)
        elif self.phase is Phase.CONNECTING or kind is Kind.CONNACK:
            raise ProtocolError(f"{kind.name} out of turn")
        elif kind is Kind.PUBACK:
            self._publications.acknowledged(codec.word(body))
        elif kind is Kind.SUBACK:
            self._suback(body)

    def _connack(self, body: bytes) -> None:
        if body[1]:
            reason = _CONNACK_REASONS.get(body[1], f"return code {body[1]}")
            if body[1] == 3:
                raise BrokerUnreachable(reason)
            raise BrokerRefused(reason)
        self.session_present = bool(body[0] & 1)
        self.phase = Phase.READY
        if self._options.dropped:
            self.out += codec.unsubscribe(_UNSUBSCRIBE_ID, self._options.dropped)
        if self._options.subscriptions:
            # Also on a session that was kept: cheap, and right after our filters changed.
            self.phase = Phase.SUBSCRIBING
            self.out += codec.subscribe(_SUBSCRIBE_ID, self._options.subscriptions)
        self.out += self._publications.again()

    def _suback(self, body: bytes) -> None:
        wanted, codes = self._options.subscriptions, body[2:]
        if codec.word(body) != _SUBSCRIBE_ID or len(codes) != len(wanted):
            raise ProtocolError("SUBACK does not answer our SUBSCRIBE")
        for (topic_filter, _), code in zip(wanted, codes, strict=True):
            if code > 2:
                raise BrokerRefused(f"it refuses the subscription to {topic_filter}")
        self.phase = Phase.READY

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Queue the PUBACKs of messages that came on this connection; others are passed over."""
        number = self.number
        ids = [m.packet_id for m in messages if m.packet_id and m.connection == number]
        if ids:
            self.out += codec.pubacks(ids)

    def keep_alive(self, now_s: float, *, reading: bool = True) -> None:
        """Queue a PINGREQ at every half of the keep-alive time.

        Args:
            now_s: seconds, monotonic.
            reading: False while the owner leaves the socket unread on purpose (back pressure):
                then the broker's silence says nothing.
        """
        if not reading:
            self._unanswered_s = None
        if self.phase is Phase.READY and now_s - self._pinged_s >= self._options.keep_alive_s / 2:
            self.out += codec.PINGREQ
            self._pinged_s = now_s
            if reading and self._unanswered_s is None:
                self._unanswered_s = now_s

    def check_silence(self, now_s: float) -> None:
        """Give up on a broker that answers no ping; to be asked when nothing could be read.

        Raises:
            BrokerUnreachable: no byte since a ping that is one keep-alive old.
        """
        limit = self._options.keep_alive_s
        if self._unanswered_s is not None and now_s - self._unanswered_s > limit:
            raise BrokerUnreachable(f"no answer to a ping for {limit} s")

    def wake_s(self, now_s: float) -> float:
        """Give the seconds until `keep_alive` has something to do."""
        return max(0.0, self._pinged_s + self._options.keep_alive_s / 2 - now_s)
