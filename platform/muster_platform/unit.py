"""The unit of work: one transaction, its actor, and what is said after the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from muster_platform.access.actor import Actor
from muster_platform.clock import Clock
from muster_platform.db.engine import READ_ONLY
from muster_platform.outbox import Outbox, Signals
from muster_platform.settings import Settings


class LastStep(Protocol):
    """What a unit does at its very end, when all else is written (access: chain the audit)."""

    def run(self, session: Session) -> None:
        """Do it; an error rolls the whole unit back."""
        ...


@dataclass(frozen=True, slots=True)
class Unit:
    """What every service is built from.

    Attributes:
        session: open for the length of the unit; services flush, they never commit.
        actor: whose rights count.
        outbox: sent after the commit.
        last_steps: by name, run in that order right before the commit.
    """

    session: Session
    clock: Clock
    actor: Actor
    outbox: Outbox
    settings: Settings
    last_steps: dict[str, LastStep] = field(default_factory=dict)

    def now(self) -> int:
        """Give the time, ms since the epoch."""
        return self.clock.now_ms()

    def as_actor(self, actor: Actor) -> "Unit":
        """Give the same transaction in another actor's name."""
        return replace(self, actor=actor)


class Units:
    """Opens units of work."""

    def __init__(self, engine: Engine, clock: Clock, signals: Signals, settings: Settings) -> None:
        self.engine = engine
        self._reading = engine.execution_options(**{READ_ONLY: True})
        self.clock = clock
        self.signals = signals
        self.settings = settings

    @contextmanager
    def open(self, actor: Actor, *, write: bool = True) -> Iterator[Unit]:
        """Open one: commits at the end, rolls back on any error, then sends the outbox.

        Args:
            write: False for units that only read (SQLite takes no write lock, nothing is
                committed).

        The database is asked for a connection by the first statement, not before.
        """
        outbox = Outbox()
        bind = self.engine if write else self._reading
        with Session(bind=bind, expire_on_commit=False) as session:
            unit = Unit(session, self.clock, actor, outbox, self.settings)
            yield unit
            if write:
                for step in unit.last_steps.values():
                    step.run(session)
                session.commit()
            # Otherwise closing ends it; a rollback would empty the rows that were read.
        if outbox.signals:
            self.signals.send(outbox.signals)
