"""A session's queues: order, window, limits and counts, whatever happens in whatever order."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from muster_broker.embedded import wire
from muster_broker.embedded.options import QueueLimits
from muster_broker.embedded.session import DeviceSession, Message
from muster_broker.embedded.stats import Stats

FIELD = wire.topic_field("t")


class FakeLine:
    def __init__(self) -> None:
        self.ready = True
        self.sent: list[wire.Frame] = []
        self.bodies: list[bytes] = []

    def send(self, data: bytes) -> None:
        frame = wire.next_frame(data, 0, 10**6)
        assert frame is not None
        self.sent.append(frame)
        self.bodies.append(data[frame.start : frame.stop])

    def ids(self) -> list[int]:
        return [int.from_bytes(body[3:5], "big") for body in self.bodies]


def session(
    messages: int = 100, bytes_held: int = 10_000, inflight: int = 10
) -> tuple[DeviceSession, Stats]:
    stats = Stats(max_queued_bytes=10**9)
    return DeviceSession("d", False, QueueLimits(messages, bytes_held, inflight, 10), stats), stats


def message(payload: bytes = b"x", qos: int = 1) -> Message:
    return Message("t", FIELD, payload, qos)


class Client:
    """A client that does what a test says, and remembers what it got and acknowledged."""

    def __init__(self) -> None:
        self.session, self.stats = session(messages=20, inflight=3)
        self.line = FakeLine()
        self.waiting: dict[int, bytes] = {}
        self.delivered: list[bytes] = []
        self.offered = 0
        self.session.resume(self.line)

    def offer(self) -> None:
        dropped = self.stats.dropped["queue_full"]
        self.session.offer(message(b"%d" % self.offered), 1)
        self.offered += self.stats.dropped["queue_full"] == dropped

    def acknowledge(self) -> None:
        if self.waiting:
            packet_id = next(iter(self.waiting))
            self.delivered.append(self.waiting.pop(packet_id))
            self.session.acknowledged(packet_id)

    def stall(self) -> None:
        self.line.ready = False

    def go_on(self) -> None:
        self.line.ready = True
        self.session.pump()

    def leave(self) -> None:
        self.session.leave(0.0)

    def come_back(self) -> None:
        if self.session.line is None:
            self.line = FakeLine()
            self.session.resume(self.line)

    def look(self) -> None:
        for frame, packet_id, body in zip(
            self.line.sent, self.line.ids(), self.line.bodies, strict=True
        ):
            if not frame.flags & 8:
                assert packet_id not in self.waiting
                self.waiting[packet_id] = body[5:]
        self.line.sent.clear()
        self.line.bodies.clear()
        assert len(self.waiting) <= 3
        assert self.session.held <= 20


ACTIONS = st.lists(
    st.sampled_from(
        [
            Client.offer,
            Client.offer,
            Client.acknowledge,
            Client.stall,
            Client.go_on,
            Client.leave,
            Client.come_back,
        ]
    ),
    max_size=60,
)


@given(ACTIONS)
def test_nothing_is_lost_or_doubled_and_the_counts_come_back_to_nothing(
    actions: list[Callable[[Client], None]],
) -> None:
    client = Client()
    for action in (*actions, Client.come_back, Client.go_on):
        action(client)
        client.look()
    while client.waiting:
        client.acknowledge()
        client.look()
    assert sorted(client.delivered, key=int) == [b"%d" % n for n in range(client.offered)]
    told = client.stats
    assert (client.session.held, told.queued_messages, told.queued_bytes) == (0, 0, 0)


def test_order_is_kept_across_a_reconnection() -> None:
    one, _ = session(inflight=2)
    line = FakeLine()
    one.resume(line)
    for n in range(5):
        one.offer(message(b"%d" % n), 1)
    one.leave(0.0)
    line = FakeLine()
    one.resume(line)
    assert [body[5:] for body in line.bodies] == [b"0", b"1"]
    assert all(frame.flags & 8 for frame in line.sent)
    for packet_id in line.ids():
        one.acknowledged(packet_id)
    assert [body[5:] for body in line.bodies[2:]] == [b"2", b"3"]


def test_the_sum_of_all_sessions_is_bounded() -> None:
    stats = Stats(max_queued_bytes=10)
    one = DeviceSession("d", False, QueueLimits(100, 1_000, 10, 10), stats)
    for _ in range(5):
        one.offer(message(b"x"), 1)
    assert stats.queued_messages == 2
    assert stats.dropped == {"total_queue_full": 3}


def test_an_acknowledgement_of_nothing_is_ignored() -> None:
    one, stats = session()
    one.acknowledged(7)
    one.recorded(7)
    assert stats.queued_messages == 0


def test_packet_ids_in_use_are_not_given_again() -> None:
    one, _ = session(messages=70_000, bytes_held=10**9, inflight=3)
    line = FakeLine()
    one.resume(line)
    one.offer(message(), 1)
    for _ in range(65_540):
        one.offer(message(), 1)
        assert line.ids()[-1] != line.ids()[0]
        one.acknowledged(line.ids()[-1])
        del line.bodies[1:], line.sent[1:]
    assert one.held == 1


def test_retained_messages_wait_behind_what_is_live_and_hold_nothing() -> None:
    one, stats = session(inflight=1)
    for n in range(3):
        one.replay(Message(f"{n}", wire.topic_field(f"{n}"), b"kept", 1), 1)
    one.replay(Message("0", wire.topic_field("0"), b"newer", 1), 1)
    one.offer(message(b"live"), 1)
    assert stats.queued_messages == 1
    line = FakeLine()
    one.resume(line)
    got = []
    for _ in range(4):
        got.append((line.bodies[-1][5:], bool(line.sent[-1].flags & 1)))
        one.acknowledged(line.ids()[-1])
    assert got == [(b"live", False), (b"newer", True), (b"kept", True), (b"kept", True)]
