"""The agent as an app embeds it: `from muster_agent import Agent, AgentOptions`."""

import logging
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from muster_agent.app import AppThreads
from muster_agent.child import Child
from muster_agent.clock import Clock, SystemClock
from muster_agent.commands import Registry, load_builtins
from muster_agent.commands.registry import Function
from muster_agent.core import Core, CoreOptions, Effect
from muster_agent.errors import ConfigError, MusterError, StoreError
from muster_agent.identity import StateDir
from muster_agent.logs import PlatformLogHandler, exception_info, level_of, pack
from muster_agent.net import Backoff, Broker, Driver, Peer
from muster_agent.sources import Source, Sources
from muster_agent.store import Database
from muster_agent.values import pack as pack_points
from muster_agent.values import point
from muster_protocol.messages import Component, Event, LogRecord, Logs, Point
from muster_protocol.states import PresenceReason

_log = logging.getLogger("muster_agent")

STOP_WAIT_S = 10.0
_EARLY_RECORDS = 1_000


@dataclass(frozen=True, kw_only=True)
class AgentOptions(CoreOptions):
    """Options of an embedded agent, beside those of the core.

    Attributes:
        state_dir: where identity, spool and journal are; made by `muster agent enrol`.
        profile: "" takes the profile that the device was enrolled with.
        keepalive_s: MQTT keep-alive; the broker notices a lost device after 1.5 times this.
        ca_file: certificates to trust instead of the system's.
        flush_s: how long `stop` lets what waits go out before the goodbye.
        reconnect_first_s, reconnect_limit_s: delays between attempts, doubling, with jitter.
    """

    profile: str = ""
    state_dir: Path
    keepalive_s: int = 60
    ca_file: str | None = None
    flush_s: float = 2.0
    reconnect_first_s: float = 1.0
    reconnect_limit_s: float = 60.0


class Agent:
    """One device. Declare commands, sources and settings, then `run()` (or `start()`).

    It runs once: to wake after a sleep, make a new one.

    Raises:
        StateError: the state folder is not enrolled, damaged, or in use.
    """

    def __init__(self, options: AgentOptions, clock: Clock | None = None) -> None:
        self.options = options
        self._clock = clock or SystemClock()
        self._state = StateDir(options.state_dir)
        try:
            self.identity = self._state.require()
            self._brokers = [Broker.parse(url) for url in self.identity.brokers]
            self._db = Database(self._state.database)
        except MusterError:
            self._state.close()
            raise
        self._registry = Registry(load_builtins())
        self._settings: dict[str, Callable[[Any], Any]] = {}
        self._sources = Sources(self._clock)
        self._log_handlers: list[PlatformLogHandler] = []
        self._early_records: list[LogRecord] = []
        self._at_start: list[Callable[[], None]] = []
        self._driver: Driver | None = None
        self._peer: Peer | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    # -- what the app declares -------------------------------------------------------------

    def command(
        self, name: str, *, cancelable: bool = False, resumable: bool = False, child: str = ""
    ) -> Callable[[Function], Function]:
        """Declare the handler of a command; before `start`.

        Args:
            child: id of the gateway's child whose command it is; "" for the device's own.
            cancelable: it looks at `call.canceled` or uses `call.wait`.
            resumable: it may run again if the agent is killed while it runs; without this it
                is reported FAILED with the code `interrupted` and not run again.
        """

        def declare(function: Function) -> Function:
            self._registry.add(
                name, function, cancelable=cancelable, resumable=resumable, child=child
            )
            return function

        return declare

    def telemetry(
        self, every_s: float
    ) -> Callable[[Callable[[], Mapping[str, Any]]], Callable[[], Mapping[str, Any]]]:
        """Declare a function that gives values, called every so many seconds."""

        def declare(function: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
            self._sources.add(Source(function.__name__, function, every_s))
            return function

        return declare

    def setting(self, name: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Declare how a setting is put into force.

        The function gets the desired value and raises ValueError if it cannot be; what it
        returns (None: the value itself) is reported as in force.
        """

        def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self._settings[name] = function
            return function

        return declare

    def on_start(self, function: Callable[[], None]) -> Callable[[], None]:
        """Declare what `start` calls at its end: children to introduce, a first event."""
        self._at_start.append(function)
        return function

    # -- running ---------------------------------------------------------------------------

    def start(self) -> None:
        """Begin: settle what an earlier start left, connect, call sources. Returns at once.

        Raises:
            StoreError: the state folder cannot be written.
        """
        if self._driver is not None:
            raise ConfigError("the agent has been started already")
        core = Core(
            self.identity.device_id,
            self.identity.install_id,
            self._core_options(),
            self._db,
            self._registry,
            self._clock,
        )
        options = self.options
        driver = Driver(self._clock, every_loop=self._every_loop)
        app = AppThreads(self._registry, self._settings, driver, core, options.parallel)
        peer = Peer(
            core,
            app,
            self.identity.secret,
            self._brokers,
            self._clock,
            Backoff(Random(), options.reconnect_first_s, options.reconnect_limit_s),  # noqa: S311
            self._open_session,
            keepalive_s=options.keepalive_s,
            ca_file=options.ca_file,
        )
        app.peer = peer
        driver.add(peer)
        self._driver, self._peer, self._app = driver, peer, app
        self._sources.start(self.send_telemetry, self.log)
        peer.run(core.tick())
        peer.wake()
        self._thread = threading.Thread(target=driver.run, name="muster-agent", daemon=True)
        self._thread.start()
        early, self._early_records = self._early_records, []
        self._send_records(early)
        for function in self._at_start:
            function()

    def _core_options(self) -> CoreOptions:
        names = CoreOptions.__dataclass_fields__
        values = {name: getattr(self.options, name) for name in names}
        values["profile"] = self.options.profile or self.identity.profile
        return CoreOptions(**values)

    def _open_session(self) -> int:
        peer = self._started()
        session = peer.core.open_session(self.identity.last_session)
        self.identity.last_session = session
        self._state.save(self.identity)
        return session

    def run(self) -> None:
        """Start, and return after SIGTERM or SIGINT, having said goodbye.

        Raises:
            MusterError: the network thread ended by itself (a defect, or the disk).
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self.start()
        while not self._stopping.wait(1.0):
            if self._thread is None or not self._thread.is_alive():
                raise MusterError("the agent's network thread has ended; the log says why")
        self.stop()

    def stop(
        self,
        reason: PresenceReason = PresenceReason.DISCONNECTED,
        until: int | None = None,
    ) -> None:
        """Say goodbye and close. What was not confirmed stays in the spool.

        Args:
            reason: DISCONNECTED, or SLEEP with `until` (ms since the epoch).
        """
        driver, peer = self._driver, self._peer
        if driver is not None and peer is not None and self._thread is not None:
            self.flush_logs()
            self._sources.stop()
            with driver.lock:
                peer.leave(reason, until, self.options.flush_s)
            driver.wake()
            peer.stopped.wait(STOP_WAIT_S)
            driver.stop()
            self._thread.join(STOP_WAIT_S)
            self._app.stop()
        self._db.close()
        self._state.close()

    # -- what the app says -----------------------------------------------------------------

    def send_telemetry(
        self, values: Mapping[str, Any], ts: int | None = None, *, sure: bool = True
    ) -> None:
        """Send values measured together. When this returns they are on disk.

        Args:
            values: name -> number, bool, str or (latitude, longitude).
            ts: ms since the epoch; None: now.
            sure: False sends with QoS 0: no spool, no ledger, gone if not connected.

        Raises:
            ConfigError: a value is not allowed.
            StoreError: it could not be stored, and was not accepted.
        """
        core = self._started().core
        item = point(values, core.stamp() if ts is None else ts)
        if not item.values:
            return
        if sure:
            self.send_points([item])
        else:
            message = next(pack_points([item]))
            self._do(lambda: core.send_unsure("telemetry", message))

    def send_points(self, points: Sequence[Point]) -> None:
        """Send many points at once (a buffer read out of a sensor): one commit a message.

        Raises:
            StoreError: as `send_telemetry`; earlier parts may have been accepted.
        """
        core = self._started().core
        for message in pack_points(points):
            self._do(lambda message=message: core.send("telemetry", message))  # type: ignore[misc]

    def send_event(self, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Send an app event (user consented, button pressed).

        Raises:
            ConfigError, StoreError: as `send_telemetry`.
        """
        core = self._started().core
        event = Event(name=name, data=dict(data or {}), ts=core.stamp())
        self._do(lambda: core.send("events", event))

    def log(
        self,
        level: int,
        message: str,
        fields: Mapping[str, Any] | None = None,
        error: BaseException | None = None,
        logger: str = "",
    ) -> None:
        """Send one log record; `level` is one of Python's logging.

        Raises:
            StoreError: it could not be stored.
        """
        record = LogRecord(
            level=level_of(level),
            message=message[:16_384],
            ts=self._stamp(),
            logger=logger[:128],
            fields=dict(fields or {}),
            exception=exception_info(error) if error is not None else None,
        )
        self._send_records([record])

    def log_handler(self) -> logging.Handler:
        """Give a handler for Python's logging that sends to the platform.

        What is logged before `start` is kept in memory until then (the last 1,000 records).
        """
        handler = PlatformLogHandler(self._send_records, self._stamp)
        self._log_handlers.append(handler)
        return handler

    def inventory_changed(self) -> None:
        """Report the inventory again, without a new connection."""
        core = self._started().core
        self._do(core.inventory_changed)

    def child(
        self,
        child_id: str,
        profile: str,
        inventory: Sequence[Component] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> Child:
        """Speak for a child behind this gateway: says its hello, now and at each connection.

        Raises:
            ConfigError: not a device id.
        """
        core = self._started().core
        with self._locked().lock:
            core.family.join(child_id, profile, inventory, attributes)
        self._do(lambda: core.child_hello(child_id))
        return Child(child_id, core, self._do)

    # -- what the app may ask --------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Whether a connection is up."""
        return self._peer is not None and self._peer.core.online

    @property
    def desired_settings(self) -> dict[str, Any]:
        """The settings last desired, also without a connection."""
        with self._locked().lock:
            return dict(self._started().core.settings.state.desired)

    def status(self) -> dict[str, Any]:
        """Give session, spool and settings version, for the app's own display."""
        self._started()
        return self._app.status()

    def flush_logs(self) -> None:
        """Store log records that the handlers have gathered."""
        for handler in self._log_handlers:
            handler.flush()

    # -- inner -----------------------------------------------------------------------------

    def _started(self) -> Peer:
        if self._peer is None:
            raise ConfigError("start the agent first: agent.start() or agent.run()")
        return self._peer

    def _locked(self) -> Driver:
        if self._driver is None:
            raise ConfigError("start the agent first: agent.start() or agent.run()")
        return self._driver

    def _do(self, act: Callable[[], list[Effect]]) -> None:
        """Tell the core something and carry out what follows, from any thread."""
        driver, peer = self._locked(), self._started()
        with driver.lock:
            peer.run(act())
        driver.wake()

    def _stamp(self) -> int:
        return self._clock.wall_ms() if self._peer is None else self._peer.core.stamp()

    def _send_records(self, records: list[LogRecord]) -> None:
        if self._peer is None:
            self._early_records = (self._early_records + records)[-_EARLY_RECORDS:]
            return
        core = self._peer.core
        for batch in pack(records):
            try:
                self._do(lambda batch=batch: core.send("logs", Logs(records=batch)))  # type: ignore[misc]
            except StoreError as error:
                _log.error("%d log records could not be stored: %s", len(batch), error)

    def _every_loop(self) -> None:
        self._sources.tick()
        self.flush_logs()
