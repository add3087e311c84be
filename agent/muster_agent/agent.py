"""The agent as an app embeds it: `from muster_agent import Agent, AgentOptions`."""

import signal
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from muster_agent.agent_options import AgentOptions
from muster_agent.app import AppThreads
from muster_agent.clock import Clock, SystemClock
from muster_agent.commands import Registry, load_builtins
from muster_agent.commands.registry import Function
from muster_agent.core import Core, CoreOptions
from muster_agent.errors import ConfigError, MusterError
from muster_agent.identity import StateDir
from muster_agent.net import Backoff, Broker, Driver, Peer
from muster_agent.sources import Source, Sources
from muster_agent.store import Database
from muster_agent.trust import checked
from muster_agent.updates import Installer, Notice
from muster_agent.updates.declarations import InstallDeclaration, UpdateDeclarations
from muster_agent.updates.health import Health, healthy
from muster_agent.voice import Voice
from muster_protocol.messages import Component
from muster_protocol.states import PresenceReason

STOP_WAIT_S = 10.0


class Agent(Voice):
    """One device. Declare commands, sources and settings, then `run()` (or `start()`).

    It runs once: to wake after a sleep, make a new one.

    Raises:
        StateError: the state folder is not enrolled, damaged, or in use.
        ConfigError: `ca_file` cannot be read.
    """

    def __init__(self, options: AgentOptions, clock: Clock | None = None) -> None:
        self.options = options
        super().__init__(clock or SystemClock())
        self._state = StateDir(options.state_dir)
        try:
            self.identity = self._state.require()
            self._brokers = [Broker.parse(url) for url in self.identity.brokers]
            self._ca_file = self._trusted()
            self._db = Database(self._state.database)
        except MusterError:
            self._state.close()
            raise
        self._registry = Registry(load_builtins())
        self._settings: dict[str, Callable[[Any], Any]] = {}
        self._sources = Sources(self._clock)
        self._at_start: list[Callable[[], None]] = []
        self._updates = UpdateDeclarations()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def _trusted(self) -> str | None:
        """Give the certificates to trust: the options', else those it was enrolled with."""
        if self.options.ca_file:
            return checked(self.options.ca_file, "ca_file")
        if self.identity.ca_file:
            return checked(self.identity.ca_file, f"ca_file of {self._state.path}")
        return None

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

    def on_update(self, function: Callable[[Notice], object]) -> Callable[[Notice], object]:
        """Declare what shows an update to a person: this device takes notices.

        It is called once for each notice, and again after a restart while it is open. It need
        not wait: the update ends when the inventory shows the release (`set_inventory`), or by
        `notice.decline()`.
        """
        self._updates.notify = function
        return function

    def install_updates(
        self,
        installer: Installer,
        *,
        health: Health = healthy,
        restart: Callable[[], bool] | None = None,
        max_starts: int = 3,
    ) -> None:
        """Let updates be installed on this device; before `start`.

        Args:
            installer: `SlotInstaller(folder)`, or your own.
            health: gives "" when what was installed is healthy, else why not; it must come
                back by itself (`health_command` has a time limit).
            restart: begins the restart that makes the new one run; True: this process is about
                to end, and goes on at its next start. None: the new one needs no restart.
                Called as well after the old one was put back.
            max_starts: starts that may find the new one on trial before it is rolled back.
        """
        self._updates.install = InstallDeclaration(installer, health, restart, max_starts)

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
            ca_file=self._ca_file,
        )
        app.peer = peer
        app.updates = self._updates.threads(
            core, app.tell, self.options, self.identity, self._stopping.set, self._ca_file
        )
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
        values["inventory"] = self._inventory
        values["update_modes"] = self._updates.modes
        return CoreOptions(**values)

    def _inventory(self) -> list[Component]:
        """Give what is installed: said by the options, the installer and the app, in turn."""
        # What was installed stands in place of what the options say: a file is not rewritten by
        # an update. What the app itself says (set_inventory) is the last word.
        versions = {item.component: item.version for item in self.options.inventory()}
        versions |= {item.component: item.version for item in self._updates.inventory()}
        versions |= self._inventory_said
        return [Component(component=name, version=v) for name, v in versions.items()]

    def _open_session(self) -> int:
        peer = self._started()
        session = peer.core.open_session(self.identity.last_session)
        self.identity.last_session = session
        self._state.save(self.identity)
        return session

    def run(self) -> None:
        """Start, and return after SIGTERM or SIGINT, having said goodbye.

        It also returns when an update was installed whose restart ends this process.

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

    # -- inner -----------------------------------------------------------------------------

    def _every_loop(self) -> None:
        self._sources.tick()
        self.flush_logs()
