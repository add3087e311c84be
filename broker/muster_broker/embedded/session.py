"""One client's session: what waits for it, what it has not acknowledged, what it subscribed to.

First form: in memory only. A broker that is restarted has no sessions; the agent's spool and the
platform's database are the truth and make up for it.
"""

import itertools
from collections import deque
from typing import Protocol

from amqtt.session import Session

from muster_broker.embedded import wire
from muster_broker.embedded.options import QueueLimits
from muster_broker.embedded.stats import Stats


class Line(Protocol):
    """The connection that a session has at the moment."""

    ready: bool
    """Whether more may be sent now; False while the other side does not read."""

    def send(self, data: bytes) -> None:
        """Add a packet to what is to be sent."""


class Message:
    """A published message, shared by all sessions it goes to.

    Attributes:
        field: the topic as it stands in a PUBLISH.
        size: bytes it is counted with.
    """

    __slots__ = ("field", "payload", "qos", "size", "topic")

    def __init__(self, topic: str, field: bytes, payload: bytes, qos: int) -> None:
        self.topic = topic
        self.field = field
        self.payload = payload
        self.qos = qos
        self.size = len(field) + len(payload)


class Delivery:
    """A message on its way to one session at QoS 1 or 2.

    Attributes:
        released: QoS 2 only: PUBREC came, PUBREL went, PUBCOMP is awaited.
    """

    __slots__ = ("message", "qos", "released", "retain")

    def __init__(self, message: Message, qos: int, retain: bool) -> None:
        self.message = message
        self.qos = qos
        self.retain = retain
        self.released = False


class _Connectedness:
    """amqtt's state of a session without its state machine, which takes 20 kB a session."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = "new"

    def connect(self) -> None:
        self.state = "connected"

    def disconnect(self) -> None:
        self.state = "disconnected"

    def is_connected(self) -> bool:
        return self.state == "connected"


class DeviceSession(Session):
    """A session with bounded queues.

    Attributes:
        line: the present connection, or None.
        filters: what it subscribed to, with the granted QoS.
        received: packet ids of QoS 2 messages taken and not yet released.
        left_at: when the last connection ended, on the loop's clock; None while connected.
    """

    def __init__(self, client_id: str, clean: bool, limits: QueueLimits, stats: Stats) -> None:
        super().__init__()
        self.client_id: str = client_id
        self.clean_session: bool = clean
        self.line: Line | None = None
        self.filters: dict[str, int] = {}
        self.received: set[int] = set()
        self.left_at: float | None = None
        self._limits = limits
        self._stats = stats
        self._pending: deque[Delivery] = deque()
        self._sent: dict[int, Delivery] = {}
        self._resend: deque[int] = deque()
        self._replay: dict[str, tuple[Message, int]] = {}
        self._held_bytes = 0
        self._last_id = 0

    def _init_states(self) -> None:
        self.transitions = _Connectedness()  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    @property
    def held(self) -> int:
        """Messages waiting and un-acknowledged."""
        return len(self._pending) + len(self._sent)

    def offer(self, message: Message, granted_qos: int) -> None:
        """Send a message now, or keep it for later, or refuse it where a limit is reached.

        QoS 0 is never kept.
        """
        qos = min(message.qos, granted_qos)
        line = self.line
        if not qos:
            if line is not None and line.ready:
                line.send(wire.publish(message.field, message.payload, 0, False))
                self._stats.messages_out += 1
            elif line is not None:
                self._stats.dropped["congested"] += 1
            return
        if not self._take(message):
            return
        delivery = Delivery(message, qos, False)
        if self._pending or self._resend or line is None or not self._may_send(line):
            self._pending.append(delivery)
        else:
            self._send(line, delivery)

    def _take(self, message: Message) -> bool:
        """Count a message in, or count it as dropped."""
        stats, size = self._stats, message.size
        if (
            len(self._pending) + len(self._sent) >= self._limits.messages
            or self._held_bytes + size > self._limits.bytes_held
        ):
            stats.dropped["queue_full"] += 1
            return False
        if stats.queued_bytes + size > stats.max_queued_bytes:
            stats.dropped["total_queue_full"] += 1
            return False
        self._held_bytes += size
        stats.queued_bytes += size
        stats.queued_messages += 1
        return True

    def _release(self, message: Message) -> None:
        self._held_bytes -= message.size
        self._stats.queued_bytes -= message.size
        self._stats.queued_messages -= 1

    def _may_send(self, line: Line) -> bool:
        return line.ready and len(self._sent) < self._limits.inflight

    def _send(self, line: Line, delivery: Delivery) -> None:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 65_535 + 1
            if packet_id not in self._sent:
                break
        self._last_id = packet_id
        self._sent[packet_id] = delivery
        message = delivery.message
        line.send(
            wire.publish(message.field, message.payload, delivery.qos, delivery.retain, packet_id)
        )
        self._stats.messages_out += 1

    def replay(self, message: Message, granted_qos: int) -> None:
        """Send a retained message after all that waits; it is kept elsewhere and counts nothing.

        A later one of the same topic takes its place, so this cannot grow beyond the store.
        """
        self._replay[message.topic] = (message, min(message.qos, granted_qos))

    def resume(self, line: Line) -> None:
        """Take a new connection: what was not acknowledged goes first, with DUP."""
        self.line = line
        self.left_at = None
        self.transitions.connect()
        self._resend = deque(self._sent)
        self.pump()

    def leave(self, now_s: float) -> None:
        """Be without a connection."""
        self.line = None
        self.left_at = now_s
        self._resend.clear()
        self.transitions.disconnect()

    def pump(self) -> None:
        """Send what may be sent; called whenever there may be room."""
        line = self.line
        while line is not None and line.ready:
            if self._resend:
                self._send_again(line, self._resend.popleft())
            elif len(self._sent) >= self._limits.inflight:
                return
            elif self._pending:
                self._send(line, self._pending.popleft())
            elif self._replay:
                self._replay_one(line)
            else:
                return

    def _send_again(self, line: Line, packet_id: int) -> None:
        delivery = self._sent.get(packet_id)
        if delivery is None:  # acknowledged meanwhile
            return
        self._stats.resent += 1
        if delivery.released:
            line.send(wire.ack(wire.PUBREL, packet_id))
            return
        message = delivery.message
        line.send(
            wire.publish(
                message.field, message.payload, delivery.qos, delivery.retain, packet_id, dup=True
            )
        )

    def _replay_one(self, line: Line) -> None:
        topic = next(iter(self._replay))
        message, qos = self._replay.pop(topic)
        if not qos:
            line.send(wire.publish(message.field, message.payload, 0, True))
            self._stats.messages_out += 1
        elif self._take(message):
            self._send(line, Delivery(message, qos, True))

    def acknowledged(self, packet_id: int) -> None:
        """PUBACK or PUBCOMP came. One that nobody waits for is ignored."""
        delivery = self._sent.pop(packet_id, None)
        if delivery is None:
            return
        if not delivery.released:
            self._release(delivery.message)
        if self._pending or self._replay or self._resend:
            self.pump()

    def recorded(self, packet_id: int) -> None:
        """PUBREC came: the message is the client's, only its packet id is still in use."""
        delivery = self._sent.get(packet_id)
        if delivery is not None and not delivery.released:
            delivery.released = True
            self._release(delivery.message)
        if self.line is not None:
            self.line.send(wire.ack(wire.PUBREL, packet_id))

    def clear_queues(self) -> None:
        """Drop everything that waits."""
        super().clear_queues()
        for delivery in itertools.chain(self._pending, self._sent.values()):
            if not delivery.released:
                self._release(delivery.message)
        self._pending.clear()
        self._sent.clear()
        self._resend.clear()
        self._replay.clear()
        self.received.clear()
