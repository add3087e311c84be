"""Who hears what: signals of the platform, given to the browsers that may hear them."""

from collections import defaultdict

from muster_platform.access.permissions import Permission
from muster_platform.live.connection import Connection
from muster_platform.live.rules import FLEET, KIND_PERMISSION, Wanted
from muster_platform.logs.tail import Tail
from muster_platform.outbox import EpochChanged, Live, SessionEnded

LOG = "log"
TAIL_PERMISSIONS = (Permission.DEVICES_READ, Permission.LOGS_READ)
SIGNED_OUT = 4401
"""Close code: the token no longer counts. The browser renews it and comes again."""
TRY_AGAIN = 1013
"""Close code (RFC 6455 registry): the server cannot serve now."""


class Hub:
    """All open connections of this process."""

    def __init__(self) -> None:
        self._by_topic: dict[tuple[str, str], set[Connection]] = defaultdict(set)
        self.connections: set[Connection] = set()
        self._tails: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        """Take a connection in."""
        self.connections.add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection and all that it heard."""
        self.connections.discard(connection)
        self._tails.discard(connection)
        for wanted in list(connection.wanted):
            self.unsubscribe(connection, wanted)

    def subscribe(self, connection: Connection, wanted: Wanted) -> None:
        """Let a connection hear a topic; the caller has checked that it may."""
        connection.wanted.add(wanted)
        self._by_topic[wanted.signal_topic, wanted.kind].add(connection)

    def unsubscribe(self, connection: Connection, wanted: Wanted) -> None:
        """Stop that."""
        connection.wanted.discard(wanted)
        key = (wanted.signal_topic, wanted.kind)
        self._by_topic[key].discard(connection)
        if not self._by_topic[key]:
            del self._by_topic[key]

    def follow(self, connection: Connection, tail: Tail | None) -> None:
        """Let a connection follow log records, in place of what it followed; None: no more."""
        connection.tail = tail
        (self._tails.discard if tail is None else self._tails.add)(connection)

    def publish(self, signal: Live) -> None:
        """Give a change to those who asked for it and may hear it where it happened now.

        The group of the signal is that of the device at this moment: one that was moved out of
        a person's groups falls silent at once.
        """
        permission = KIND_PERMISSION.get(signal.kind)
        if permission is None:
            return
        if signal.kind == LOG:
            self._tail(signal)
        scope, _, subject = signal.topic.partition(":")
        if scope != FLEET:
            wanted = Wanted(scope, subject, signal.kind)
            for connection in self._by_topic.get((signal.topic, signal.kind), ()):
                if connection.actor.may(permission, signal.group_path):
                    connection.offer(wanted, signal.data)
        fleet = Wanted(FLEET, "", signal.kind)
        for connection in self._by_topic.get((FLEET, signal.kind), ()):
            if connection.actor.may(permission, signal.group_path):
                connection.offer_fleet(fleet)

    def _tail(self, signal: Live) -> None:
        records, left_out = signal.data.get("records", []), signal.data.get("left_out", 0)
        for connection in self._tails:
            tail, may = connection.tail, connection.actor.may
            if tail is None or not tail.is_about(signal.topic, signal.group_path):
                continue
            if not all(may(permission, signal.group_path) for permission in TAIL_PERMISSIONS):
                continue
            chosen = tail.chosen(records)
            if chosen or left_out:
                told = {"device": signal.data.get("device", ""), "left_out": left_out}
                connection.offer_tail({**told, "records": chosen})

    def rights_changed(self, signal: EpochChanged) -> None:
        """Close what was opened with rights that no longer hold."""
        for connection in self.connections:
            if connection.actor.id == signal.user_id and connection.actor.epoch != signal.epoch:
                connection.close(SIGNED_OUT, "your rights changed")

    def session_ended(self, signal: SessionEnded) -> None:
        """Close what was opened by a sign-in that has ended."""
        for connection in self.connections:
            if connection.actor.session == signal.family:
                connection.close(SIGNED_OUT, "this session was ended")

    def all_lagged(self) -> None:
        """Tell everybody that something may have been missed."""
        for connection in self.connections:
            connection.lag()

    def close_all(self, code: int, reason: str) -> None:
        """Close everything."""
        for connection in self.connections:
            connection.close(code, reason)
