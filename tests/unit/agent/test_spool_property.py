"""Whatever is sent, acknowledged, cut, confirmed or restarted: all that was accepted arrives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from muster_agent.core import Effect, Publish
from muster_protocol import topics
from muster_protocol.channels import Direction
from muster_protocol.codec import decode
from muster_protocol.messages import Hello, Telemetry
from tests.unit.agent.support import Bench

STEPS = st.lists(
    st.sampled_from(
        ["measure", "connect", "cut", "restart", "ack", "arrive", "lose", "ledger", "time"]
    ),
    max_size=60,
)


class World:
    """A broker that may forget, and a platform that keeps a ledger."""

    def __init__(self) -> None:
        self.bench = Bench(window=3)
        self.next_value = 0
        self.queue: list[Publish] = []
        self.unacked: list[int] = []
        self.stored: dict[tuple[str, str, int], list[float]] = {}
        self.expected: dict[tuple[str, str], int] = {}
        self.heard_hello = False

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Publish) and effect.token is not None:
                self.queue.append(effect)
                self.unacked.append(effect.token)

    def step(self, name: str) -> None:
        """Take a step; one that makes no sense now does nothing."""
        self._on_device(name)
        self._on_the_way(name)

    def _on_device(self, name: str) -> None:
        core = self.bench.core
        match name:
            case "measure":
                self.next_value += 1
                self.take(self.bench.measure(self.next_value))
            case "connect" if not core.online:
                self.take(self.bench.connect())
            case "cut" if core.online:
                core.disconnected()
                self.unacked.clear()
            case "restart":
                self.bench.restart()
                self.unacked.clear()
            case "time":
                self.bench.clock.pass_s(25)
                self.take(core.tick())

    def _on_the_way(self, name: str) -> None:
        core = self.bench.core
        match name:
            case "ack" if self.unacked and core.online:
                self.take(core.acked(self.unacked.pop(0)))
            case "arrive":
                for publish in self.queue:
                    self.store(publish)
                self.queue.clear()
            case "lose":
                self.queue.clear()
            case "ledger" if core.online:
                self.say_ledger()

    def store(self, publish: Publish) -> None:
        channel = topics.parse(publish.topic).channel
        message = decode(Direction.UP, channel, publish.payload)
        boot, seq = message.boot, message.seq  # type: ignore[attr-defined]
        values = []
        if isinstance(message, Telemetry):
            values = [float(p.values["v"]) for p in message.points]  # type: ignore[arg-type]
        if isinstance(message, Hello):
            self.heard_hello = True
            for old, channels in message.unsent.items():
                for name, following in channels.items():
                    key = (old, name)
                    self.expected[key] = max(self.expected.get(key, 1), following)
        known = self.stored.setdefault((boot, channel, seq), values)
        assert known == values, "one identity, two contents"

    def say_ledger(self) -> None:
        stored: dict[str, dict[str, int]] = {}
        resend: dict[str, dict[str, list[tuple[int, int]]]] = {}
        keys = {(boot, channel) for boot, channel, _ in self.stored} | self.expected.keys()
        for boot, channel in keys:
            have = {s for b, c, s in self.stored if (b, c) == (boot, channel)}
            top = max([self.expected.get((boot, channel), 1) - 1, *have])
            missing = [seq for seq in range(1, top + 1) if seq not in have]
            stored.setdefault(boot, {})[channel] = missing[0] - 1 if missing else top
            if missing:
                resend.setdefault(boot, {})[channel] = [(s, s) for s in missing]
        self.take(self.bench.ledger(stored=stored, resend=resend))

    def settle(self) -> None:
        """Let everything go well for a while."""
        for _ in range(4):
            for name in ("cut", "connect", "arrive", "ledger"):
                self.step(name)
            for _ in range(200):
                if not self.unacked:
                    break
                self.step("ack")
            for name in ("time", "arrive", "ledger", "time", "arrive", "ledger"):
                self.step(name)


@settings(max_examples=150)
@given(STEPS)
def test_all_that_was_accepted_is_stored_once_and_then_forgotten(steps: list[str]) -> None:
    world = World()
    for name in steps:
        world.step(name)
    world.settle()
    got = sorted(value for values in world.stored.values() for value in values)
    assert got == [float(n + 1) for n in range(world.next_value)]
    left = world.bench.core.spool
    assert left.count() == 0
    assert left.used_bytes == 0
