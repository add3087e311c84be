"""The role `dispatch`: queued executions and waiting messages to MQTT.

The database is the queue: rows are claimed by lease while the broker is there, published, and
marked when it has acknowledged. Killed at any point, what was claimed is claimed again. Several
processes may run.
"""

import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.jobs.queue import Parcel, anything_due, claim_due, mark_sent, release
from muster_platform.outbox import WAKE_DISPATCH
from muster_platform.stream import outbound
from muster_platform.stream.accounts import DISPATCH_ACCOUNTS
from muster_platform.stream.lease import RoleLease
from muster_platform.stream.link import Acked, Down, Link, LinkDown, News, Up
from muster_protocol.ids import uuid7

log = logging.getLogger(__name__)

BACKOFF_MIN_S = 0.2
BACKOFF_MAX_S = 10.0
IN_FLIGHT = 2
"""Batches that may wait for the broker's acknowledgement."""
GOODBYE_S = 2.0
"""How long a stopping dispatch waits for acknowledgements."""


class Woken:
    """Told by the waker: there is work."""


@dataclass(slots=True)
class Flight:
    """What is on its way to the broker, by the number of its publish.

    Attributes:
        marks: acknowledged executions that are not marked in the database yet.
        gone: acknowledged messages that are not deleted yet.
    """

    executions: dict[int, str] = field(default_factory=dict)
    messages: dict[int, int] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    def acknowledged(self, mid: int) -> None:
        """Note one acknowledgement."""
        if mid in self.executions:
            self.marks.add(self.executions.pop(mid))
        elif mid in self.messages:
            self.gone.add(self.messages.pop(mid))

    @property
    def message_ids(self) -> set[int]:
        """Give the ids of messages not to be read again."""
        return set(self.messages.values()) | self.gone


class DispatchRole:
    """Runs dispatch until told to stop."""

    name = "dispatch"

    def __init__(
        self, platform: Platform, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; nothing connects yet.

        Args:
            platform: the composition root.
            monotonic: gives seconds.
        """
        self._platform, self._monotonic = platform, monotonic
        self._actor = system_actor("dispatch")
        self._settings = platform.settings
        self._owner = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid7()[-12:]}"
        self._news: queue.SimpleQueue[News | Woken] = queue.SimpleQueue()
        self._flight = Flight()
        self._link: Link | None = None
        self._up = False
        self._note = "starting"
        self._slot: RoleLease | None = None
        self._account = ""
        self._order = self._lease("outbound")
        self._orderly = False
        self._renew_at = self._try_at = 0.0
        self._backoff_s = BACKOFF_MIN_S
        self._more = True

    def run(self, stop: threading.Event) -> None:
        """Work until stopped.

        Raises:
            SQLAlchemyError: the database is away; the caller starts the role again.
        """
        waker = threading.Thread(target=self._wake, args=(stop,), name="dispatch-waker")
        waker.start()
        try:
            while not stop.is_set():
                self._hear(self._patience_s())
                self._keep_leases()
                self._keep_link()
                self._mark()
                self._publish()
            self._say_goodbye()
        finally:
            self._drop_link()
            self._give_back()
            waker.join()

    def health(self) -> str:
        """Say in one line how it goes."""
        return f"ok; publishes as {self._account}" if self._up else self._note

    def broker_stats(self) -> bytes | None:
        """Give what the broker last said of itself; None while it is away."""
        link = self._link
        return link.stats if self._up and link is not None else None

    def _wake(self, stop: threading.Event) -> None:
        wake_ups = self._platform.wake_ups(WAKE_DISPATCH)
        while not stop.is_set():
            if wake_ups.wait(self._settings.dispatch_poll_s):
                self._news.put(Woken())

    def _patience_s(self) -> float:
        if self._up:
            return 0.0 if self._more else self._settings.dispatch_poll_s
        until_try = self._try_at - self._monotonic() if self._link is None else 1.0
        return min(max(until_try, 0.01), self._settings.dispatch_poll_s)

    def _hear(self, timeout_s: float) -> None:
        """Take the news: wait for the first, never for more."""
        woken = timeout_s > 0
        try:
            self._take(self._news.get(timeout=timeout_s) if woken else self._news.get_nowait())
            while True:
                self._take(self._news.get_nowait())
        except queue.Empty:
            self._more = self._more or woken

    def _take(self, news: News | Woken) -> None:
        if isinstance(news, Woken):
            self._more = True
        elif news.link is not self._link:
            return  # of a connection that was thrown away
        elif isinstance(news, Acked):
            self._flight.acknowledged(news.mid)
        elif isinstance(news, Up):
            self._up, self._backoff_s, self._more = True, BACKOFF_MIN_S, True
            log.info("dispatch publishes as %s", self._account)
        elif isinstance(news, Down):
            self._lost(news.why)

    def _keep_leases(self) -> None:
        """Hold a client id, and the order of messages where nobody else does."""
        if self._monotonic() < self._renew_at:
            return
        self._renew_at = self._monotonic() + self._settings.dispatch_lease_s / 3
        if self._slot is None or not self._slot.hold():
            self._drop_link()
            self._slot = None
            self._take_slot()
        self._orderly = self._slot is not None and self._order.hold()

    def _take_slot(self) -> None:
        for account in DISPATCH_ACCOUNTS:
            lease = self._lease(f"mqtt:{account}")
            if lease.hold():
                self._slot, self._account = lease, account
                return
        self._note = f"waits: {len(DISPATCH_ACCOUNTS)} dispatch processes run already"

    def _keep_link(self) -> None:
        if self._link is not None or self._slot is None or self._monotonic() < self._try_at:
            return
        link = Link(self._settings, self._account, self._news.put, self._room())
        self._link = link
        try:
            link.open()
        except LinkDown as error:
            self._lost(str(error))

    def _lost(self, why: str) -> None:
        """Throw the connection away; try again later, each time a little later."""
        if self._note != why:
            log.warning("dispatch: %s", why)
        self._note = why
        self._drop_link()
        self._try_at = self._monotonic() + self._backoff_s
        self._backoff_s = min(BACKOFF_MAX_S, self._backoff_s * 2)

    def _drop_link(self) -> None:
        link, self._link, self._up = self._link, None, False
        if link is not None:
            link.close()
        unsent, self._flight.executions = list(self._flight.executions.values()), {}
        self._flight.messages = {}
        if unsent:
            self._store(lambda: self._release(unsent))

    def _mark(self) -> None:
        """Store what the broker has acknowledged, many at a time."""
        flight = self._flight
        if not flight.marks and not flight.gone:
            return
        with self._platform.unit(self._actor) as unit:
            left = mark_sent(unit, flight.marks, self._owner) if flight.marks else []
            if flight.gone:
                outbound.published(unit, flight.gone)
        flight.marks, flight.gone = set(left), set()
        self._more = True

    def _publish(self) -> None:
        if not (self._up and self._more):
            return
        self._more = False
        try:
            self._publish_messages()
            self._publish_executions()
        except LinkDown as error:
            self._lost(str(error))

    def _publish_messages(self) -> None:
        room = self._room() - len(self._flight.messages)
        if not self._orderly or room <= 0:
            return
        with self._platform.unit(self._actor, write=False) as unit:
            rows, overtaken = outbound.waiting(unit, self._flight.message_ids, room)
        self._flight.gone |= overtaken
        self._more = self._more or bool(overtaken)
        for row in rows:
            mid = self._publish_one(row.topic, row.payload.encode(), outbound.QOS, row.retain)
            self._flight.messages[mid] = row.id

    def _publish_executions(self) -> None:
        batch = self._settings.dispatch_batch
        if len(self._flight.executions) + batch > self._room():
            return  # acknowledgements come first; they set `_more`
        with self._platform.unit(self._actor, write=False) as unit:
            if not anything_due(unit):
                return
        with self._platform.unit(self._actor) as unit:
            parcels = claim_due(unit, self._owner, batch)
        self._more = self._more or len(parcels) == batch
        self._send(parcels)

    def _send(self, parcels: list[Parcel]) -> None:
        for number, parcel in enumerate(parcels):
            try:
                mid = self._publish_one(parcel.topic, parcel.payload, parcel.qos, False)
            except LinkDown:
                self._release([left.execution_id for left in parcels[number:]])
                raise
            self._flight.executions[mid] = parcel.execution_id

    def _publish_one(self, topic: str, payload: bytes, qos: int, retain: bool) -> int:
        if self._link is None:
            raise LinkDown("the connection to the broker is lost")
        return self._link.publish(topic, payload, qos, retain=retain)

    def _release(self, ids: list[str]) -> None:
        with self._platform.unit(self._actor) as unit:
            release(unit, ids, self._owner)

    def _say_goodbye(self) -> None:
        """Wait a moment for what is on its way, so that little is sent twice."""
        until = self._monotonic() + GOODBYE_S
        while self._up and self._flight.executions and self._monotonic() < until:
            self._hear(0.1)
            self._mark()

    def _give_back(self) -> None:
        for lease in (self._slot, self._order):
            if lease is not None:
                self._store(lease.release)

    def _store(self, write: Callable[[], None]) -> None:
        """Write what is better said than left to run out; without a database it runs out."""
        try:
            write()
        except SQLAlchemyError as error:
            log.warning("dispatch: a lease is left to run out: %s", str(error).splitlines()[0])

    def _room(self) -> int:
        return self._settings.dispatch_batch * IN_FLIGHT

    def _lease(self, name: str) -> RoleLease:
        seconds = self._settings.dispatch_lease_s
        return RoleLease(self._platform.units, self._actor, name, self._owner, seconds)
