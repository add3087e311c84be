"""The fleet: enrols its devices, connects and drives them all in one thread."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from uuid import NAMESPACE_URL, uuid5

from muster_agent.clock import Clock, SystemClock
from muster_agent.core import Core, CoreOptions
from muster_agent.enrolment import EnrolClient, Pending
from muster_agent.errors import ConfigError, UnavailableError
from muster_agent.identity import Identity, StateDir
from muster_agent.net import Backoff, Broker, Driver, Peer
from muster_agent.simulator.machine import Machine, Nature, SimCommands
from muster_agent.simulator.scenario import Scenario, share_out
from muster_agent.simulator.timers import Timers
from muster_agent.store import Database, Memo
from muster_protocol.states import PresenceReason

_ENROL_THREADS = 4
_CONNECTORS = 8
_STOP_S = 8.0
_IDENTITY = "identity"
_SPOOL_BYTES = 256 * 1024
"""A simulated device's spool is small: a fleet of them shares one machine's memory."""


class Fleet:
    """All devices of one run.

    Args:
        tokens: enrolment token by profile; the key "" is for all other profiles.
        state_dir: where identities, spools and journals are kept between runs; None: memory.

    Raises:
        StateError: the state folder cannot be used.
    """

    def __init__(
        self,
        scenario: Scenario,
        count: int,
        seed: int,
        server: str,
        tokens: dict[str, str],
        state_dir: Path | None,
        version: str,
    ) -> None:
        self.scenario = scenario
        self.count = count
        self._seed = seed
        self._tokens = tokens
        self._version = version
        self._clock: Clock = SystemClock()
        self._client = EnrolClient(server)
        self._folder = StateDir(state_dir) if state_dir else None
        # Not forced to disk: simulated devices survive the process, not the machine.
        self._db = Database(self._folder.database if self._folder else None, durable=False)
        self._timers = Timers(self._clock)
        self.driver = Driver(self._clock, connectors=_CONNECTORS, every_loop=self._timers.run_due)
        self.machines: list[Machine] = []
        self.stopping = threading.Event()

    # -- enrolment -------------------------------------------------------------------------

    def device_ids(self) -> list[tuple[str, str]]:
        """Give (device id, profile) of all devices; the same for the same scenario and count."""
        prefix = self.scenario.prefix
        numbers: dict[str, int] = {}
        result = []
        for profile in share_out(self.scenario, self.count):
            numbers[profile] = numbers.get(profile, 0) + 1
            result.append((f"{prefix}-{profile}-{numbers[profile]:04d}", profile))
        return result

    def enrol_all(self, tell: Callable[[str], None]) -> list[Identity]:
        """Give the identities of all devices, enrolling those that have none yet.

        Raises:
            MusterError: the server refused one, or cannot be reached and we are stopped.
        """
        wanted = self.device_ids()
        known = {device_id: self._load(device_id) for device_id, _ in wanted}
        missing = [(d, p) for d, p in wanted if known[d] is None]
        with ThreadPoolExecutor(_ENROL_THREADS) as pool:
            enrolled = pool.map(lambda w: self._enrol(w[0], w[1], tell), missing)
            for done, identity in enumerate(enrolled, 1):
                if identity is None:
                    break
                with self.driver.lock:
                    Memo(self._db, identity.device_id).put(_IDENTITY, identity)
                known[identity.device_id] = identity
                if done % 100 == 0 or done == len(missing):
                    tell(f"enrolled {done} of {len(missing)}")
        return [identity for identity in known.values() if identity is not None]

    def _load(self, device_id: str) -> Identity | None:
        identity = Memo(self._db, device_id).get(
            _IDENTITY, Identity, Identity(device_id=device_id, install_id="")
        )
        return identity if identity.enrolled else None

    def _enrol(self, device_id: str, profile: str, tell: Callable[[str], None]) -> Identity | None:
        # The same device of the same seed is the same installation: without a state folder a
        # second run within ten minutes gets its secret replaced instead of being refused.
        install_id = str(uuid5(NAMESPACE_URL, f"muster-simulate:{self._seed}:{device_id}"))
        token = self._tokens.get(profile) or self._tokens.get("")
        if token is None:
            raise ConfigError(f"no enrolment token for profile {profile}: --token {profile}=TOKEN")
        delay_s = 0.5
        while not self.stopping.is_set():
            try:
                answer = self._client.enrol(token, device_id, install_id, profile)
            except UnavailableError as error:
                tell(f"waiting for the server: {error}")
                self.stopping.wait(error.retry_after_s or delay_s)
                delay_s = min(10.0, delay_s * 2)
                continue
            if isinstance(answer, Pending):
                self.stopping.wait(answer.retry_after_s)
                continue
            return Identity(
                device_id=device_id,
                install_id=install_id,
                secret=answer.secret,
                profile=answer.profile or profile,
                brokers=[broker.url for broker in answer.broker],
            )
        return None

    # -- life ------------------------------------------------------------------------------

    def populate(self, identities: list[Identity]) -> None:
        """Make the devices and let them connect, spread over the scenario's time."""
        draw = Random(f"{self._seed}:connect")  # noqa: S311
        profiles = dict(self.device_ids())
        with self.driver.lock:
            for identity in identities:
                machine = self._machine(identity, profiles[identity.device_id])
                peer = self._peer(identity, machine)
                self.machines.append(machine)
                self.driver.add(peer)
                machine.begin(peer)
                peer.wake(draw.uniform(0, self.scenario.connect_over_s))

    def _machine(self, identity: Identity, profile: str) -> Machine:
        nature = Nature(self.scenario.profiles[profile], self._seed, identity.device_id)
        options = CoreOptions(
            profile=identity.profile,
            agent_name="muster-simulate",
            agent_version=self._version,
            inventory=lambda: nature.inventory,
            attributes=nature.attributes,
            expect_every_s=nature.table.expect_every_s,
            spool_bytes=_SPOOL_BYTES,
            update_modes=nature.table.updates.modes,
            correct_stamps=nature.skew_s == 0,
        )

        def make_core(options: CoreOptions, commands: SimCommands, clock: Clock) -> Core:
            return Core(identity.device_id, identity.install_id, options, self._db, commands, clock)

        return Machine(nature, self._timers, options, make_core, self._clock)

    def _peer(self, identity: Identity, machine: Machine) -> Peer:
        memo = Memo(self._db, identity.device_id)

        def open_session() -> int:
            identity.last_session = machine.core.open_session(identity.last_session)
            memo.put(_IDENTITY, identity)
            return identity.last_session

        return Peer(
            machine.core,
            machine,
            identity.secret,
            [Broker.parse(url) for url in identity.brokers],
            self._clock,
            Backoff(Random(f"{self._seed}:{identity.device_id}:backoff"), 1.0, 30.0),  # noqa: S311
            open_session,
            keepalive_s=self.scenario.keepalive_s,
        )

    def line(self) -> str:
        """Give the progress line."""
        with self.driver.lock:
            peers = self.driver.peers
            online = sum(peer.core.online for peer in peers)
            sent = sum(peer.published for peer in peers)
            acked = sum(peer.acked for peer in peers)
            done = sum(machine.done for machine in self.machines)
        return (
            f"{online} of {len(peers)} devices connected, {sent} messages sent, "
            f"{acked} acknowledged, {done} commands done"
        )

    def stop(self) -> None:
        """Let every device say goodbye, then end; to be called from outside the loop."""
        self.stopping.set()
        with self.driver.lock:
            for machine in self.machines:
                machine.stop()
            for peer in self.driver.peers:
                peer.leave(PresenceReason.DISCONNECTED)
        self.driver.wake()
        deadline = time.monotonic() + _STOP_S
        for peer in self.driver.peers:
            peer.stopped.wait(max(0.0, deadline - time.monotonic()))
        self.driver.stop()

    def close(self) -> None:
        """Close files and connections, after the loop has ended."""
        self._client.close()
        self._db.close()
        if self._folder is not None:
            self._folder.close()
