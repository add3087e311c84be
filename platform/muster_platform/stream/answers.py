"""What devices are told after a commit: hello's answer, and the ledger, not too often."""

import logging
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from muster_protocol.codec import encode
from muster_protocol.messages import HelloAnswer, Ledger
from muster_protocol.topics import down

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Ledgers told in one go; the rest waits for the next."""


class Address(NamedTuple):
    """Where a device hears: its own topic, or its gateway's for it."""

    device_key: int
    connection_id: str
    child: str | None


class Publisher(Protocol):
    """Publishes (the receiver does)."""

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int | None:
        """Publish; None: not taken, too much is waiting."""
        ...


class LedgerNotes:
    """Remembers who is owed a down/ledger: after each hello, else at most every `every_ms`.

    In memory only: after a restart every full device is owed one as soon as it is heard.
    """

    def __init__(self, every_ms: int) -> None:
        """Begin with nobody.

        Args:
            every_ms: shortest time between two for a device without hello.
        """
        self._every_ms = every_ms
        self._owed: dict[Address, int] = {}
        self._told: dict[int, int] = {}

    def stored(self, address: Address, now: int) -> None:
        """Note that something new of the device was stored."""
        if address not in self._owed:
            told = self._told.get(address.device_key, now)
            self._owed[address] = max(now, told + self._every_ms)

    def heard(self, address: Address, now: int) -> None:
        """Note a device that is there; it is owed one if it was never told since our start."""
        if address.device_key not in self._told:
            self.stored(address, now)

    def hello(self, address: Address, now: int) -> None:
        """Note a hello: it is owed one now."""
        self._owed[address] = now

    def due(self, now: int) -> list[Address]:
        """Take those whose time has come, oldest note first; their next one waits again."""
        found = [address for address, at in self._owed.items() if at <= now][:AT_ONCE]
        for address in found:
            del self._owed[address]
            self._told[address.device_key] = now
        return found


def answer_hello(publisher: Publisher, address: Address, answer: HelloAnswer) -> None:
    """Publish down/hello."""
    _tell(publisher, down(address.connection_id, "hello", address.child), encode(answer))


def tell_ledgers(publisher: Publisher, told: Iterable[tuple[Address, Ledger]]) -> None:
    """Publish down/ledger."""
    for address, ledger in told:
        _tell(publisher, down(address.connection_id, "ledger", address.child), encode(ledger))


def _tell(publisher: Publisher, topic: str, payload: bytes) -> None:
    if publisher.publish(topic, payload, qos=1) is None:
        # The device asks again by its next hello, and the ledger is told again.
        log.warning("too much is waiting for the broker; %s is not sent this time", topic)
