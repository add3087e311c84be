"""The state machine of one device: told what happened, it says what to do.

It is called under one lock, by whichever thread has news; it never blocks but on its database.
"""

import logging
from typing import Any

import msgspec

from muster_agent.clock import Clock, ServerClock
from muster_agent.core.desk import Desk, Outcome
from muster_agent.core.effects import Drop, Effect, Publish
from muster_agent.core.executions import Commands, Executions
from muster_agent.core.family import Family
from muster_agent.core.greeter import Greeter
from muster_agent.core.held import Held
from muster_agent.core.options import CoreOptions
from muster_agent.core.outbox import Outbox
from muster_agent.core.settings import SettingsKeeper
from muster_agent.core.updates import CHANNEL as UPDATES
from muster_agent.core.updates import Updates
from muster_agent.errors import ConfigError, StoreError
from muster_agent.store import Database, Journal, Memo, Row, Spool
from muster_protocol import limits, topics
from muster_protocol.channels import RESERVED, Direction
from muster_protocol.clocks import next_session
from muster_protocol.codec import DecodeError, decode
from muster_protocol.ids import uuid7
from muster_protocol.messages import (
    Action,
    Command,
    HelloAnswer,
    InventoryReport,
    Ledger,
    Level,
    LogRecord,
    Logs,
    Message,
    Settings,
    Update,
)
from muster_protocol.states import PresenceReason

PAYLOAD_BYTES = limits.PAYLOAD_BYTES - 128
"""What a message may hold before boot and seq are added."""

_PRUNE_EVERY_S = 3600.0
_TELL_DROPPED_EVERY_S = 60.0

_log = logging.getLogger("muster_agent")


class Core:
    """One device.

    Args:
        device_id: also the MQTT client id and user name.
        install_id: new with each installation.
        commands: the handlers that exist.
        boot: id of this start; made here when None.

    Attributes:
        online: whether a connection is up.
        session: number of the present or last connection.
    """

    def __init__(
        self,
        device_id: str,
        install_id: str,
        options: CoreOptions,
        db: Database,
        commands: Commands,
        clock: Clock,
        boot: str | None = None,
    ) -> None:
        self.device_id = device_id
        self.options = options
        self.server_clock = ServerClock(clock)
        self.online = False
        self.session = 0
        self._clock = clock
        self._commands = commands
        self._db = db
        memo = Memo(db, device_id)
        self.spool = Spool(db, device_id, boot or uuid7(), options.spool_bytes)
        self._outbox = Outbox(self.spool, options)
        self.family = Family(memo, clock)
        self._greeter = Greeter(
            device_id, install_id, options, self.family, self.spool, self._outbox
        )
        desk = Desk(
            db, Journal(db, device_id), self.server_clock, self.accept, self._outbox.resend_row
        )
        self.executions = Executions(desk, commands, options, clock, self.server_clock)
        self.updates = Updates(desk, options, clock, self.server_clock)
        self._held = Held()
        self._answered, self._hello_wait_s = False, options.hello_first_s
        self._hello_at = self._last_sent = self._pruned_at = self._told_at = clock.mono_s()
        self.settings = SettingsKeeper(memo)

    # -- what the connection tells ---------------------------------------------------------

    def open_session(self, last: int) -> int:
        """Number the connection that is about to be made; the caller stores it first."""
        self.session = next_session(max(last, self.session), self._clock.wall_ms())
        return self.session

    def will(self) -> Publish:
        """Give the will of the session: what the broker says when the connection is lost."""
        return self._presence(PresenceReason.LOST)

    def connected(self) -> list[Effect]:
        """Introduce the device: hello, presence, then whatever waits in the spool."""
        self.online = True
        self._answered, self._hello_wait_s = False, self.options.hello_first_s
        self._outbox.connected()
        try:
            self.spool.mark_published()
            effects = self._hello()
            effects.append(self._presence(PresenceReason.CONNECTED))
            for child in self.family.present():
                self.family.renew(child)
                effects += self._hello(child)
                effects.append(self._presence(PresenceReason.CONNECTED, child=child))
            self.updates.inventory(self.options.inventory())
        except StoreError as error:
            return [Drop(str(error))]
        return effects + self._flush()

    def disconnected(self) -> None:
        """Note the end of the connection; what the broker had not acknowledged goes again."""
        self.online = False
        self._outbox.disconnected()

    def acked(self, token: int) -> list[Effect]:
        """Note the broker's acknowledgement of a Publish."""
        self._outbox.acked(token)
        return self._flush()

    def received(self, topic: str, payload: bytes) -> list[Effect]:
        """Take a message of the platform; what cannot be read is logged to the platform."""
        try:
            place = topics.parse(topic)
            if place.direction is not Direction.DOWN or place.channel == RESERVED:
                return []
            message = decode(Direction.DOWN, place.channel, payload)
        except (topics.TopicError, DecodeError) as error:
            self.log(Level.WARN, f"cannot read a message on {topic}: {error}")
            return self._flush()
        try:
            effects = self._dispatch(message, place.channel, place.child or "")
        except StoreError as error:
            # Nothing of it happened; the platform sends it again.
            _log.error("a message on %s could not be taken: %s", topic, error)
            return []
        return effects + self._flush()

    def _dispatch(self, message: Message, channel: str, child: str) -> list[Effect]:
        match message:
            case HelloAnswer() if not child:
                return self._hello_answer(message)
            case Ledger():
                self._outbox.ledger(child, message)
            case Command(action=Action.CANCEL) | Update(action=Action.CANCEL):
                self._held.drop(message.execution)
                keeper = self.updates if channel == UPDATES else self.executions
                return keeper.cancel(message.execution, child)
            case Command() | Update():
                # Whether it has expired is known only once the server has told its time.
                self._held.add(message, child)
                if self.server_clock.known:
                    self._release_held()
            case Settings() if not child:
                return self.settings.desired(message)
            case _:
                pass
        return []

    def _hello_answer(self, answer: HelloAnswer) -> list[Effect]:
        if answer.session > self.session:
            self.session = answer.session
            return [Drop(f"the platform has seen session {answer.session}, newer than this one")]
        if answer.session < self.session or self._answered:
            return []
        self._answered = True
        self.server_clock.adjust(answer.ts, self._hello_at)
        self._release_held()
        return []

    def _release_held(self) -> None:
        for message, child in self._held.take():
            if isinstance(message, Update):
                self.updates.update(message, child)
            else:
                self.executions.command(message, child)

    # -- what the app tells ----------------------------------------------------------------

    def accept(self, channel: str, message: msgspec.Struct, child: str = "") -> Row:
        """Store a message for the platform; when this returns it will not be lost.

        Raises:
            ConfigError: it is larger than a payload may be.
            StoreError: it could not be stored and is not accepted.
        """
        payload = msgspec.json.encode(message)
        if len(payload) > PAYLOAD_BYTES:
            raise ConfigError(
                f"a message of {len(payload)} bytes on {channel}: at most {PAYLOAD_BYTES} fit, "
                "send it in parts"
            )
        row = self.spool.append(channel, payload, child)
        self._outbox.added(row)
        return row

    def send(self, channel: str, message: msgspec.Struct, child: str = "") -> list[Effect]:
        """Store a message and let it go out if there is room.

        Raises:
            ConfigError, StoreError: as `accept`.
        """
        self.accept(channel, message, child)
        return self._flush()

    def send_unsure(self, channel: str, message: msgspec.Struct, child: str = "") -> list[Effect]:
        """Publish with QoS 0, without spool and ledger; nothing while not connected."""
        if not self.online:
            return []
        topic = topics.up(self.device_id, channel, child or None)
        return [Publish(topic, msgspec.json.encode(message), qos=0)]

    def stamp(self) -> int:
        """Give the time that new points and records are stamped with, ms since the epoch."""
        if self.options.correct_stamps:
            return self.server_clock.now_ms()
        return self._clock.wall_ms()

    def log(self, level: Level, message: str, **fields: Any) -> None:
        """Store a record of the agent itself; what cannot be stored is let go."""
        text = message[: limits.LOG_MESSAGE_CHARS]
        record = LogRecord(
            level=level, message=text, ts=self.stamp(), logger="muster.agent", fields=fields
        )
        try:
            self.accept("logs", Logs(records=[record]))
        except (StoreError, ConfigError):
            return

    def inventory_changed(self) -> list[Effect]:
        """Report the inventory without a new connection."""
        self._tell_inventory()
        return self._flush()

    def update_progress(
        self, execution: str, step: str, fraction: float | None, message: str
    ) -> list[Effect]:
        """Report a step of an update."""
        self.updates.progress(execution, step, fraction, message)
        return self._flush()

    def update_finished(self, execution: str, outcome: Outcome) -> list[Effect]:
        """Take the end of an update; what is installed now is told before it."""
        self.updates.finished(execution, outcome, self._tell_inventory)
        return self._flush()

    def _tell_inventory(self) -> None:
        components = list(self.options.inventory())
        self.accept("inventory", InventoryReport(inventory=components, ts=self.stamp()))
        self.updates.inventory(components)

    def progress(
        self, execution: str, step: str, fraction: float | None, message: str
    ) -> list[Effect]:
        """Report on a running command."""
        self.executions.progress(execution, step, fraction, message)
        return self._flush()

    def finished(self, execution: str, outcome: Outcome) -> list[Effect]:
        """Take the end of a command's handler."""
        self.executions.finished(execution, outcome)
        return self._flush()

    def goodbye(self, reason: PresenceReason, until: int | None = None) -> list[Effect]:
        """Say goodbye: DISCONNECTED, or SLEEP until a time (ms). The driver then closes."""
        effects: list[Effect] = [
            self._presence(reason, child=child) for child in self.family.present()
        ]
        return [*effects, self._presence(reason, until=until)]

    def settings_applied(
        self, version: int, reported: dict[str, Any], errors: dict[str, str]
    ) -> list[Effect]:
        """Take the outcome of ApplySettings: keep it and report it."""
        with self._db.transaction():
            report = self.settings.applied(version, reported, errors)
            if report is not None:
                self.accept("settings", report)
        return self._flush()

    # -- time ------------------------------------------------------------------------------

    def tick(self) -> list[Effect]:
        """Do what is due. To be called about once a second."""
        now = self._clock.mono_s()
        effects = [*self.executions.tick(), *self.updates.tick()]
        self._outbox.tick(now)
        if now - self._pruned_at > _PRUNE_EVERY_S:
            self._pruned_at = now
            self.executions.prune()
        if now - self._told_at > _TELL_DROPPED_EVERY_S:
            self._told_at = now
            self._tell_dropped()
        if self.online:
            effects += self._tick_online(now)
        return effects + self._flush()

    def _tick_online(self, now: float) -> list[Effect]:
        since_hello = now - self._hello_at
        if self._held and since_hello > self.options.clock_wait_s:
            self._release_held()
        if since_hello > self.options.ledger_wait_s and self._outbox.in_doubt:
            self._outbox.release_doubt()
        if not self._answered and since_hello > self._hello_wait_s:
            self._hello_wait_s = min(2 * self._hello_wait_s, self.options.hello_again_s)
            return self._hello()
        if now - self._last_sent > self.options.expect_every_s:
            return [self._presence(PresenceReason.CONNECTED)]
        return []

    def _tell_dropped(self) -> None:
        dropped = self.spool.take_dropped()
        if dropped:
            self.log(
                Level.WARN,
                f"spool over its budget of {self.spool.budget_bytes} bytes: the oldest messages "
                "were dropped",
                **{f"dropped_{channel}": count for channel, count in dropped.items()},
            )

    def _flush(self) -> list[Effect]:
        """Begin waiting commands and updates, and publish what the window allows."""
        effects = [*self.executions.begin(), *self.updates.begin()]
        if self.online:
            now = self._clock.mono_s()
            rows = self._outbox.next_rows(now)
            effects += [self._publish(row) for row in rows]
        return effects

    def _publish(self, row: Row) -> Publish:
        self._last_sent = self._clock.mono_s()
        topic = topics.up(self.device_id, row.channel, row.child or None)
        return Publish(topic, row.wire(), token=row.id)

    def _hello(self, child: str = "") -> list[Effect]:
        """Store and publish a hello; it goes ahead of everything else."""
        now = self._clock.mono_s()
        if not child:
            self._hello_at = now
        hello = self._greeter.hello(
            child,
            self.session,
            self._commands.names(child),
            [*self.updates.open_ids, *self.executions.open_ids],
            self.stamp(),
        )
        row = self.accept("hello", hello, child)
        self._outbox.sent(row.id, now)
        return [self._publish(row)]

    def _presence(
        self, reason: PresenceReason, *, until: int | None = None, child: str = ""
    ) -> Publish:
        if not child:
            self._last_sent = self._clock.mono_s()
        return self._greeter.presence(self.session, reason, until, child)

    def child_hello(self, child: str) -> list[Effect]:
        """Introduce a child of the gateway (told to the family before), if connected."""
        if not self.online:
            return []
        presence = self._presence(PresenceReason.CONNECTED, child=child)
        return [*self._hello(child), presence, *self._flush()]

    def child_goodbye(self, child: str, reason: PresenceReason) -> list[Effect]:
        """Say that a child has gone."""
        effects = [self._presence(reason, child=child)] if self.online else []
        self.family.leave(child)
        return list(effects)

    @property
    def idle(self) -> bool:
        """Whether everything accepted was acknowledged by the broker."""
        return self._outbox.idle
