"""What is to be said to other processes after the commit, and only then.

Signals are hints: losing one makes something late, never lost, since every reader also polls.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

WAKE_DISPATCH = "dispatch"
WAKE_JOBS = "jobs"
WAKE_MAILS = "mails"
WAKE_SETTINGS = "settings"
WAKE_PURGE = "purge"
WAKE_BULK = "bulk"
WAKE_TASKS = "tasks"
WAKE_ALERTS = "alerts"
WAKE_RULES = "rules"
WAKE_ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Wake:
    """Tell a role that there is work."""

    role: str


@dataclass(frozen=True, slots=True)
class Live:
    """Tell browsers.

    Attributes:
        topic: `device:{key}`, `job:{id}` or `fleet`.
        kind: presence, telemetry, log, execution, timeline, settings, job.
        group_path: of the device or job; decides who may hear it.
        data: what the page shows, small.
    """

    topic: str
    kind: str
    group_path: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EpochChanged:
    """A user's rights changed: caches and live streams must look again."""

    user_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """One sign-in was ended: its tokens and live streams with it.

    Attributes:
        family: of the sign-in's refresh tokens.
    """

    user_id: str
    family: str


Signal = Wake | Live | EpochChanged | SessionEnded


@dataclass(frozen=True, slots=True)
class Touched:
    """What a pass of the worker moved on, for the record of its run; goes to nobody else.

    Attributes:
        kind: job, bulk, mail, …; with `id` it names the thing.
        actor_name: in whose name.
    """

    kind: str
    id: str
    title: str
    actor_name: str = ""


@dataclass(slots=True)
class Outbox:
    """Signals gathered in one unit of work, in order.

    Attributes:
        touched: what was moved on; only the worker reads it.
    """

    signals: list[Signal] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)

    def add(self, signal: Signal) -> None:
        """Gather one; the same wake-up twice is one."""
        if not (isinstance(signal, Wake) and signal in self.signals):
            self.signals.append(signal)


class Signals(Protocol):
    """Carries signals to other processes (adapters: Redis; none)."""

    def send(self, signals: list[Signal]) -> None:
        """Send them; never raises, a lost signal is made up for by polling."""
        ...


class NoSignals:
    """Carries nothing: tests, and commands that need no wake-up."""

    def send(self, signals: list[Signal]) -> None:
        """Drop them."""
