"""One device on the network: its core, its connection, and when to try again."""

import threading
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from muster_agent.clock import Clock
from muster_agent.core import ApplySettings, Cancel, Core, Drop, Effect, Publish, Start, StartUpdate
from muster_agent.net.backoff import Backoff
from muster_agent.net.link import REFUSED_CREDENTIALS, Broker, Link, LinkEvents
from muster_protocol.states import PresenceReason
from muster_protocol.topics import device_filters

TICK_S = 1.0
CONNACK_S = 15.0
GOODBYE_S = 3.0
STEADY_S = 10.0
_GOODBYE = 0
"""Token of the goodbye; rows of the spool count from 1, empties from -1 downward."""


class App(Protocol):
    """Who carries out what is not the network's: the agent's threads, or the simulator."""

    def start(self, call: Start) -> None:
        """Run a command's handler."""

    def update(self, call: StartUpdate) -> None:
        """Notify of an update, or install it."""

    def cancel(self, call: Cancel) -> None:
        """Ask a handler, or an update, to stop."""

    def apply(self, call: ApplySettings) -> None:
        """Put settings into force."""

    def connection(self, text: str, *, up: bool) -> None:
        """Hear that the connection came or went, in words for the log."""


class Stage(Enum):
    """Where the connection stands."""

    WAITING = 1
    CONNECTING = 2
    OPENING = 3
    ONLINE = 4
    LEAVING = 5
    STOPPED = 6


_DRIVEN = frozenset({Stage.OPENING, Stage.ONLINE, Stage.LEAVING})


class Peer:
    """A device that keeps connected. All methods are called under the driver's lock.

    Args:
        open_session: numbers the next session and stores it durably before it is used.

    Attributes:
        published, acked: stored messages handed to a connection, and those of them that the
            broker acknowledged.
    """

    def __init__(
        self,
        core: Core,
        app: App,
        secret: str,
        brokers: Sequence[Broker],
        clock: Clock,
        backoff: Backoff,
        open_session: Callable[[], int],
        *,
        keepalive_s: int = 60,
        ca_file: str | None = None,
    ) -> None:
        self.core = core
        self._app = app
        self._secret = secret
        self._brokers = brokers
        self._clock = clock
        self._backoff = backoff
        self._open_session = open_session
        self._keepalive_s = keepalive_s
        self._ca_file = ca_file
        self._attempt = 0
        self.link: Link | None = None
        self.on_change: Callable[[Peer], None] = _ignore
        self.stage = Stage.STOPPED
        self.stopped = threading.Event()
        self.published = 0
        self.acked = 0
        self._since = self._due = self._misc_at = 0.0
        self._farewell: tuple[PresenceReason, int | None] | None = None
        self._said_goodbye = False

    @property
    def driven(self) -> Link | None:
        """The link whose socket is to be watched; None while there is none, or it opens."""
        return self.link if self.stage in _DRIVEN else None

    # -- coming and going ------------------------------------------------------------------

    def wake(self, delay_s: float = 0.0) -> bool:
        """Begin to connect, after a delay; False if it is connecting, connected or leaving."""
        if self.stage not in (Stage.STOPPED, Stage.WAITING):
            return False
        self._farewell = None
        self._move(Stage.WAITING, delay_s)
        return True

    def wants_connect(self) -> bool:
        """Whether an attempt to connect is due."""
        return self.stage is Stage.WAITING and self._clock.mono_s() >= self._due

    def make_link(self) -> Link:
        """Prepare the next attempt; the driver connects it in another thread."""
        self._open_session()
        broker = self._brokers[self._attempt % len(self._brokers)]
        self._attempt += 1
        events = LinkEvents(self._opened, self._refused, self._message, self._acked, self._closed)
        self.link = Link(
            broker,
            self.core.device_id,
            self._secret,
            self.core.will(),
            events,
            keepalive_s=self._keepalive_s,
            ca_file=self._ca_file,
        )
        self._move(Stage.CONNECTING)
        return self.link

    def connected(self, error: OSError | None) -> None:
        """Take the outcome of the attempt."""
        if error is None and self._farewell is None:
            self._move(Stage.OPENING, CONNACK_S)
        elif self.link is not None:
            self.link.cut("cannot connect: " + (str(error) if error else "stopped"))

    def leave(self, reason: PresenceReason, until: int | None = None, flush_s: float = 0.0) -> None:
        """Say goodbye and close, after up to `flush_s` for what still waits to go out."""
        self._farewell = (reason, until)
        self._said_goodbye = False
        if self.stage is Stage.ONLINE:
            self._move(Stage.LEAVING, flush_s)
            self._go_on_leaving()
        elif self.stage is Stage.WAITING:
            self._move(Stage.STOPPED)
        elif self.stage is Stage.OPENING and self.link is not None:
            self.link.close()

    def cut(self, away_s: float = 0.0) -> bool:
        """Lose the connection without a word, and stay away for a while (faults).

        Returns:
            False while a helper thread opens the connection: it cannot be cut just then.
        """
        if self.stage is Stage.CONNECTING:
            return False
        if self.link is not None:
            self.link.cut("cut")
            if self.stage is Stage.WAITING and away_s:
                self._move(Stage.WAITING, away_s)
        return True

    def trouble(self, reason: str) -> None:
        """Drop the connection, or give up an attempt that did not come to one; try again later."""
        if self.link is not None:
            self.link.cut(reason)
        elif self.stage is Stage.WAITING:
            self._try_later(f"no connection: {reason}")

    def replace_core(self, core: Core) -> None:
        """Put a new start of the same device in the place of the old one, which is gone."""
        self.core.disconnected()
        self.core = core

    def _go_on_leaving(self) -> None:
        if self.link is None or self._farewell is None:
            return
        now = self._clock.mono_s()
        if self._said_goodbye:
            if now >= self._due:
                self.link.close()
        elif now >= self._due or self.core.idle:
            self._said_goodbye = True
            self._due = now + GOODBYE_S
            *children, own = self.core.goodbye(*self._farewell)
            self.run(children)
            if isinstance(own, Publish):
                self.link.publish(own._replace(token=_GOODBYE))

    # -- what the link says ----------------------------------------------------------------

    def _opened(self) -> None:
        self._move(Stage.ONLINE)
        if self.link is not None:
            for topic_filter in device_filters(self.core.device_id):
                self.link.subscribe(topic_filter)
        self._app.connection("connected", up=True)
        self.run(self.core.connected())

    def _refused(self, reason: str) -> None:
        hint = ""
        if reason in REFUSED_CREDENTIALS:
            hint = " (is the device disabled or deleted? else enrol it again)"
        self._app.connection(f"the broker refused {self.core.device_id}: {reason}{hint}", up=False)

    def _message(self, topic: str, payload: bytes) -> None:
        self.run(self.core.received(topic, payload))

    def _acked(self, token: int) -> None:
        if token == _GOODBYE:
            self._due = 0.0  # the next tick closes; not from within paho's own callback
        else:
            self.acked += 1
            self.run(self.core.acked(token))

    def _closed(self, reason: str) -> None:
        was_online = self.core.online
        now = self._clock.mono_s()
        if was_online and now - self._since > STEADY_S:
            self._backoff.reset()
        self.link = None
        if was_online:
            self.core.disconnected()
        if self._farewell is not None:
            self._move(Stage.STOPPED)
            return
        what = "connection lost" if was_online else "no connection"
        self._try_later(f"{what}: {reason}")

    def _try_later(self, text: str) -> None:
        delay = self._backoff.next_s()
        self._move(Stage.WAITING, delay)
        self._app.connection(f"{text}; next attempt in {delay:.1f} s", up=False)

    # -- work ------------------------------------------------------------------------------

    def run(self, effects: Sequence[Effect]) -> None:
        """Carry out what the core asks for."""
        for effect in effects:
            match effect:
                case Publish():
                    if self.link is not None and self.core.online:
                        self.published += effect.token is not None
                        self.link.publish(effect)
                case Drop(reason):
                    if self.link is not None:
                        self.link.cut(reason)
                case _:
                    self._hand_over(effect)
        if self.link is not None and self.link.wants_write:
            self.on_change(self)

    def _hand_over(self, effect: Start | StartUpdate | Cancel | ApplySettings) -> None:
        match effect:
            case Start():
                self._app.start(effect)
            case StartUpdate():
                self._app.update(effect)
            case Cancel():
                self._app.cancel(effect)
            case ApplySettings():
                self._app.apply(effect)

    def tick(self) -> None:
        """Do what is due: the core's timers, keep-alive, time limits of the connection."""
        now = self._clock.mono_s()
        if self.stage in (Stage.ONLINE, Stage.WAITING):
            self.run(self.core.tick())
        if self.stage is Stage.LEAVING:
            self._go_on_leaving()
        link = self.link
        if link is None:
            return
        if self.stage is Stage.OPENING and now >= self._due:
            link.cut("the broker did not answer CONNECT")
        elif self.stage is Stage.ONLINE and now >= self._misc_at:
            self._misc_at = now + self._keepalive_s / 8
            link.misc()

    def _move(self, stage: Stage, delay_s: float = 0.0) -> None:
        self.stage = stage
        self._since = self._clock.mono_s()
        self._due = self._since + delay_s
        if stage is Stage.STOPPED:
            self.stopped.set()
        else:
            self.stopped.clear()
        self.on_change(self)


def _ignore(_peer: Peer) -> None:
    return
