"""A core on an in-memory database, a clock that the test moves, and a look at its effects."""

from collections.abc import Iterable
from typing import Any, TypeVar

from muster_agent.core import Core, CoreOptions, Effect, Publish, Start
from muster_agent.core.executions import CommandSpec
from muster_agent.store import Database
from muster_protocol import topics
from muster_protocol.channels import Direction
from muster_protocol.codec import decode, encode
from muster_protocol.messages import (
    Action,
    Command,
    Hello,
    HelloAnswer,
    Ledger,
    Message,
    Point,
    Report,
    Telemetry,
)

DEVICE = "dev-1"
NOW_MS = 1_800_000_000_000
T = TypeVar("T")


class ManualClock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.wall = NOW_MS
        self.mono = 1000.0

    def wall_ms(self) -> int:
        return self.wall

    def mono_s(self) -> float:
        return self.mono

    def pass_s(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += int(seconds * 1000)


class FakeCommands:
    """Commands by name."""

    def __init__(self, *specs: CommandSpec) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def find(self, child: str, name: str) -> CommandSpec | None:
        return None if child else self._specs.get(name)

    def names(self, child: str) -> list[str]:
        return [] if child else sorted(self._specs)


COMMANDS = FakeCommands(
    CommandSpec("work"),
    CommandSpec("stoppable", cancelable=True),
    CommandSpec("again", resumable=True),
    CommandSpec("ping"),
)


class Bench:
    """One device; `restart` is what happens to it when its process is killed."""

    def __init__(self, **options: Any) -> None:
        self.db = Database(None)
        self.clock = ManualClock()
        self.options = CoreOptions(**options)
        self.boots = 0
        self.session = 0
        self.core = self._core()

    def _core(self) -> Core:
        self.boots += 1
        return Core(
            DEVICE, "install", self.options, self.db, COMMANDS, self.clock, f"boot-{self.boots}"
        )

    def restart(self) -> None:
        self.core = self._core()

    def connect(self) -> list[Effect]:
        self.session = self.core.open_session(self.session)
        return self.core.connected()

    def answer(self, ahead_ms: int = 0) -> list[Effect]:
        message = HelloAnswer(session=self.core.session, ts=self.clock.wall + ahead_ms)
        return self.receive("hello", message)

    def receive(self, channel: str, message: Message, child: str | None = None) -> list[Effect]:
        return self.core.received(topics.down(DEVICE, channel, child), encode(message))

    def run(self, execution: str, name: str = "work", **fields: Any) -> list[Effect]:
        message = Command(action=Action.RUN, execution=execution, name=name, **fields)
        return self.receive("commands", message)

    def cancel(self, execution: str) -> list[Effect]:
        return self.receive("commands", Command(action=Action.CANCEL, execution=execution))

    def ledger(self, child: str | None = None, **fields: Any) -> list[Effect]:
        return self.receive("ledger", Ledger(**fields), child)

    def measure(self, value: float, child: str = "") -> list[Effect]:
        message = Telemetry(points=[Point(values={"v": value}, ts=self.clock.wall)])
        return self.core.send("telemetry", message, child)

    def ack(self, effects: Iterable[Effect]) -> list[Effect]:
        """Have the broker acknowledge all of them, and what follows."""
        waiting, everything = list(effects), []
        while waiting:
            effect = waiting.pop(0)
            if isinstance(effect, Publish) and effect.token is not None:
                more = self.core.acked(effect.token)
                everything += more
                waiting += more
        return everything


def published(effects: Iterable[Effect]) -> list[Publish]:
    return [effect for effect in effects if isinstance(effect, Publish)]


def messages(effects: Iterable[Effect], kind: type[T]) -> list[T]:
    found: list[T] = []
    for effect in published(effects):
        message = decode(Direction.UP, topics.parse(effect.topic).channel, effect.payload)
        if isinstance(message, kind):
            found.append(message)
    return found


def hello_of(effects: Iterable[Effect]) -> Hello:
    return messages(effects, Hello)[0]


def values(effects: Iterable[Effect]) -> list[Any]:
    return [p.values["v"] for m in messages(effects, Telemetry) for p in m.points]


def states(effects: Iterable[Effect]) -> list[str]:
    return [str(report.state) for report in messages(effects, Report)]


def started(effects: Iterable[Effect]) -> list[Start]:
    return [effect for effect in effects if isinstance(effect, Start)]
