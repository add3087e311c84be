"""What the pipeline stands between: a source, a sink, and the errors that say what to do."""

from collections.abc import Sequence
from typing import Protocol

from muster_broker.receiver import Received
from muster_platform.stream.messages import Envelope, Quarantined
from muster_platform.unit import Unit


class SinkAway(Exception):
    """The store cannot take anything at present; nothing of this write is known to be stored."""


class LeaseLost(Exception):
    """Somebody else does this role now: stop at once, acknowledge nothing more."""


class Fence(Protocol):
    """Keeps others from storing the same at the same time (a lease does)."""

    def fence(self, unit: Unit) -> None:
        """Make sure of it until this transaction ends.

        Raises:
            LeaseLost: it is somebody else's to store now.
        """
        ...


class Source(Protocol):
    """Gives messages in order and takes their acknowledgement (the receiver does)."""

    def receive(self, max_messages: int, window_s: float, timeout_s: float) -> list[Received]:
        """Wait for messages; with 0 keep the connection alive and take none."""
        ...

    def ack(self, batch: Sequence[Received]) -> None:
        """Tell that these are stored for good."""
        ...


class Sink(Protocol):
    """Stores items, all of a call or none of it."""

    def write(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> None:
        """Store both, in one transaction. What is already stored is passed over.

        Raises:
            SinkAway: try the same again later.
            LeaseLost: never try again.
            Exception: any other error means that something in it cannot be stored; the caller
                finds out what.
        """
        ...

    def keep_bare(self, item: Quarantined, why: str) -> None:
        """Keep a message that not even the quarantine takes as it takes others: its bytes alone.

        Args:
            why: what was wrong, for people.

        Raises:
            Exception: not even that can be stored.
        """
        ...
