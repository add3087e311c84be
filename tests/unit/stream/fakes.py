"""A source, a sink and a spool that obey a script of failures."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from muster_broker.receiver import Received
from muster_platform.stream.messages import Envelope, Quarantined
from muster_platform.stream.ports import SinkAway
from muster_platform.stream.spool import Spool

Key = tuple[str, bytes, int]


class Crash(BaseException):
    """The process is gone."""


def message(device: str, number: int, text: str = "") -> Received:
    payload = text.encode() or b'{"boot":"b","seq":%d,"name":"e"}' % number
    return Received(
        f"muster/1/{device}/up/events", payload, 1, number, False, False, 1_000 + number, 1
    )


class FakeSource:
    """Gives messages in order; what was not acknowledged comes again after `reconnect`.

    Attributes:
        given: how many are read and not acknowledged.
    """

    def __init__(self, messages: Sequence[Received], stored: "Stored") -> None:
        self.unacknowledged = deque(messages)
        self.given = 0
        self.acknowledged: list[Received] = []
        self._stored = stored

    def receive(self, max_messages: int, window_s: float, timeout_s: float) -> list[Received]:
        batch = list(self.unacknowledged)[self.given : self.given + max_messages]
        self.given += len(batch)
        return batch

    def ack(self, batch: Sequence[Received]) -> None:
        for one in batch:
            assert one in self._stored, f"acknowledged, stored nowhere: {one}"
            assert self.unacknowledged.popleft() == one
            self.given -= 1
            self.acknowledged.append(one)

    def reconnect(self) -> None:
        self.given = 0


class FakeSink:
    """Stores in memory, passes over what it has; an outcome of the script per call."""

    def __init__(self, outcomes: Sequence[str] = ()) -> None:
        self.outcomes = deque(outcomes)
        self._stored: dict[Key, Received] = {}
        self._quarantined: dict[Key, Quarantined] = {}
        self.calls: list[int] = []
        self.keeps_bare = False
        self.meanwhile: Callable[[], None] = lambda: None

    @property
    def stored(self) -> list[Received]:
        return list(self._stored.values())

    @property
    def quarantined(self) -> list[Quarantined]:
        return list(self._quarantined.values())

    def write(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> None:
        self.calls.append(len(envelopes) + len(quarantined))
        self.meanwhile()
        outcome = self.outcomes.popleft() if self.outcomes else "ok"
        if outcome in ("away", "crash"):
            self._fail(outcome)
        if any(b"poison" in e.raw.payload for e in envelopes):
            raise ValueError("poison")
        if outcome == "quarantine refuses" and quarantined:
            raise ValueError("not this one")
        for envelope in envelopes:
            self._stored.setdefault(key(envelope.raw), envelope.raw)
        for one in quarantined:
            self._quarantined.setdefault(key(one.raw), one)
        if outcome.endswith("after commit"):
            self._fail(outcome)

    def keep_bare(self, item: Quarantined, why: str) -> None:
        if not self.keeps_bare:
            raise ValueError("nor this")
        self._quarantined.setdefault(key(item.raw), item)

    def _fail(self, outcome: str) -> None:
        raise Crash if outcome.startswith("crash") else SinkAway("script")


class ScriptedSpool(Spool):
    """A real spool, in memory, that the process may die around."""

    outcomes: deque[str] = deque()

    def append(self, messages: Sequence[tuple[str, Received]]) -> None:
        outcome = self.outcomes.popleft() if self.outcomes else "ok"
        if outcome == "crash":
            raise Crash
        super().append(messages)
        if outcome == "crash after commit":
            raise Crash


class Stored:
    """Everything that is safe, wherever it is."""

    def __init__(self, sink: FakeSink, spool: Spool) -> None:
        self._sink, self._spool = sink, spool

    def __contains__(self, one: Received) -> bool:
        return key(one) in set(self._keys())

    def _keys(self) -> Iterator[Key]:
        yield from map(key, self._sink.stored)
        yield from (key(q.raw) for q in self._sink.quarantined)
        yield from (key(m.raw) for m in self._spool.oldest(10_000))


def key(one: Received) -> Key:
    return one.topic, one.payload, one.received_at
