"""Everything that a device needs to be served, as processes that can be stopped and killed."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from muster_agent.identity import StateDir, new_identity
from muster_platform import config
from muster_platform.bootstrap import Platform, build
from muster_platform.db.migrate import upgrade
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LedgerRow, LedgerTotal, Metric, telemetry
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.service import JobService
from muster_platform.jobs.views import Limits
from muster_platform.settings import Settings
from muster_platform.stream.mosquitto import write_installation
from muster_platform.up.prepare import accounts
from muster_platform.up.probes import answers_tcp
from muster_protocol.channels import Direction
from muster_protocol.codec import decode_as
from muster_protocol.messages import Report
from muster_protocol.topics import parse
from tests.services.base import free_port, program
from tests.services.database import ADMIN
from tests.services.muster import MusterProcess

LIMIT_S = 60.0
APP = Path(__file__).with_name("device_app.py")

AGENT = """
[agent]
handlers = "device_app:declare"
parallel = 1
expect_every_s = 5
keepalive_s = 5
flush_s = 5
reconnect_first_s = 0.2
reconnect_limit_s = 0.5
system_metrics_every_s = 0
"""

COMMANDS: dict[str, tuple[str, str]] = {
    "web": ("web", ""),
    "broker": ("broker", ""),
    "ingest": ("run ingest", ""),
    "dispatch": ("run dispatch", ""),
    "worker": ("worker --beat", "ready"),
}
"""Part -> its command, and what it prints when it is there."""

ON_MOSQUITTO = {"dispatch": ("run dispatch accounts", "")}
"""As `muster up --broker mosquitto` has them; the broker is another program."""


def eventually(check: Callable[[], Any], what: Callable[[], str] | str) -> Any:
    """Wait until it holds and give it; the limit only ends a test that has failed."""
    until = time.monotonic() + LIMIT_S
    while not (found := check()):
        if time.monotonic() > until:
            raise AssertionError(f"never: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)
    return found


class Ear:
    """Hears the reports that devices publish, beside ingest.

    Attributes:
        heard: (execution, state) so far.
        subscribed: how often it has come to a broker and is served by it.
    """

    def __init__(self, settings: Settings) -> None:
        self.heard: set[tuple[str, str]] = set()
        self.subscribed = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "_doctor")
        self._client.username_pw_set("_doctor", settings.mqtt_password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda c, *_: c.subscribe("muster/1/+/up/commands", qos=0)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        host, port, _ = settings.platform_broker
        self._client.connect_async(host, port, keepalive=300)
        self._client.loop_start()

    def _on_subscribe(self, *_: Any) -> None:
        self.subscribed += 1

    def _on_message(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        channel = parse(message.topic).channel
        report = decode_as(Report, Direction.UP, channel, message.payload)
        self.heard.add((report.execution, str(report.state)))

    def close(self) -> None:
        """Stop listening."""
        self._client.disconnect()
        self._client.loop_stop()


class Stack:
    """One installation and its devices.

    Attributes:
        kind: what it is called in the table.
    """

    def __init__(
        self, folder: Path, kind: str, database_url: str, redis_url: str, broker: str
    ) -> None:
        web = free_port()
        settings = config.load(
            environ={},
            state_dir=folder / "state",
            database_url=database_url,
            redis_url=redis_url,
            web_port=web,
            broker_port=free_port(),
            broker_ws_port=0,
            broker_kind=broker,
            broker_platform_port=free_port() if broker == "mosquitto" else 0,
            resend_after_s=3,
            dispatch_lease_s=4,
            dispatch_poll_s=0.2,
            ingest_lease_s=3,
            sweep_every_s=1,
            ledger_every_s=1,
            log_level="INFO",
        )
        self.settings, self._folder, self.kind = settings, folder, kind
        self.platform: Platform = build(settings)
        self.env = config.environment(settings) | {
            "MUSTER_BROKER_ACCOUNTS_FILE": str(settings.accounts_file),
            "MUSTER_BROKER_PLATFORM_URL": f"http://127.0.0.1:{web}",
        }
        self.processes: dict[str, MusterProcess] = {}
        self.gates = folder / "gates"
        self.gates.mkdir()
        self._lock = threading.Lock()
        upgrade(self.platform.engine)
        accounts(settings)
        self._commands = COMMANDS
        self._mosquitto: Path | None = None
        if broker == "mosquitto":
            self._mosquitto = write_installation(settings)[0]
            self._commands = COMMANDS | ON_MOSQUITTO
        with self.platform.unit(ADMIN) as unit:
            ProfileService(unit).create("pump", "Pump")

    # -- processes ---------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start parts or devices; give back when they are there."""
        for name in names:
            log = self._folder / f"{name}.log"
            log.write_text("")
            self.processes[name] = self._spawn(name, log)
        for name in names:
            if name == "broker":
                host, port, _ = self.settings.platform_broker
                eventually(lambda h=host, p=port: answers_tcp(h, p), "the broker")
            elif ready := self._commands.get(name, ("", "runs; brokers"))[1]:
                self.processes[name].wait_for(ready, LIMIT_S)

    def _spawn(self, name: str, log: Path) -> MusterProcess:
        if name == "broker" and self._mosquitto:
            arguments = ("-c", str(self._mosquitto))
            return MusterProcess(arguments, log, cwd=self._folder, binary=program("mosquitto"))
        if name in self._commands:
            return MusterProcess(
                tuple(self._commands[name][0].split()), log, self.env, self._folder
            )
        home = self._folder / name
        agent = ("agent", "run", "--state", str(home), "--config", str(home / "a.toml"))
        return MusterProcess(agent, log, {"MUSTER_KILL_DIARY": str(self.diary(name))}, self._folder)

    def kill(self, name: str) -> None:
        """End a process with all its children as a power cut would."""
        process = self.processes.pop(name)
        process.kill()
        process.reap()

    def save_nothing(self) -> None:
        """Have Mosquitto start again such that it writes nothing down until it is told to stop."""
        assert self._mosquitto
        self.processes.pop("broker").terminate()
        text, often = self._mosquitto.read_text(), "autosave_interval 1\n"
        assert often in text
        self._mosquitto.write_text(text.replace(often, "autosave_interval 86400\n"))
        self.start("broker")

    def pause(self, name: str) -> None:
        """Stop a process where it stands (SIGSTOP), but not while it holds SQLite's lock.

        Standing still with the lock would stop everybody else: that is no fault worth a test,
        since whoever is killed gives it up.
        """
        with self.platform.unit(ADMIN) as unit:
            unit.session.execute(select(1))
            os.kill(self.processes[name].pid, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """Let a paused process go on, if it is still there."""
        if name in self.processes:
            os.kill(self.processes[name].pid, signal.SIGCONT)

    def close(self) -> None:
        """End everything."""
        for name in list(self.processes):
            self.kill(name)
        self.platform.close()

    # -- devices -----------------------------------------------------------------------------

    def add_device(self, name: str) -> None:
        """Register a device and give it a home with its app, as enrolment would."""
        with self.platform.unit(ADMIN) as unit:
            DeviceService(unit).register(name, "pump")
            secret = CredentialService(unit).rotate(name)
        home = self._folder / name
        home.mkdir()
        (home / "a.toml").write_text(AGENT)
        (home / APP.name).write_text(APP.read_text())
        state = StateDir(home)
        identity = new_identity(name)
        identity.secret, identity.profile = secret, "pump"
        identity.brokers = [f"mqtt://127.0.0.1:{self.settings.broker_port}"]
        state.save(identity)
        state.close()

    def add_absent_device(self, name: str) -> None:
        """Register a device that never comes."""
        with self.platform.unit(ADMIN) as unit:
            DeviceService(unit).register(name, "pump")

    def diary(self, name: str) -> Path:
        """Give the file in which a device's app notes what it did."""
        return self._folder / name / "diary"

    def noted(self, name: str, word: str) -> list[str]:
        """Give what the app noted under a word."""
        path = self.diary(name)
        text = path.read_text() if path.exists() else ""
        lines = [line.split() for line in text.splitlines()]
        return [line[1] for line in lines if line[0] == word]

    # -- operations --------------------------------------------------------------------------

    def gate(self, name: str) -> Path:
        """Name a file for which a command waits; touch it to let the command end."""
        return self.gates / name

    def send(self, device: str, gate: Path | None = None, delivery_s: int = 300) -> str:
        """Send the command; give the id of its only execution."""
        limits = Limits(queue_s=300, delivery_s=delivery_s, timeout_s=120, step_timeout_s=90)
        args = {"gate": str(gate)} if gate else {}
        with self.platform.unit(ADMIN) as unit:
            job = JobService(unit).create_command(
                "work", args, target={"devices": [device]}, limits=limits
            )
            query = select(Execution.id).where(Execution.job_id == job.id)
            return unit.session.scalars(query).one()

    def execution(self, execution_id: str) -> Execution:
        """Read an execution."""
        with self.platform.unit(ADMIN, write=False) as unit:
            return unit.session.get_one(Execution, execution_id)

    def job_state(self, execution_id: str) -> str:
        """Read the state of an execution's job."""
        with self.platform.unit(ADMIN, write=False) as unit:
            query = select(Job.state).join(Execution).where(Execution.id == execution_id)
            return unit.session.scalars(query).one()

    def wait_state(self, execution_id: str, *states: str) -> None:
        """Wait until it stands in one of the states."""
        eventually(
            lambda: self.execution(execution_id).state in states,
            lambda: f"{states}; it is {vars(self.execution(execution_id))}",
        )

    def presence(self, device: str) -> str:
        """Read what is believed of a device's connection."""
        with self.platform.unit(ADMIN, write=False) as unit:
            return DeviceService(unit).get(device).presence.state

    # -- telemetry ---------------------------------------------------------------------------

    def stored(self, device: str) -> list[int]:
        """Give every number of a device that is in the telemetry table, with repetitions."""
        with self.platform.unit(ADMIN, write=False) as unit:
            query = (
                select(telemetry.c.num)
                .join(Device, Device.id == telemetry.c.device_key)
                .join(Metric, Metric.id == telemetry.c.metric_id)
                .where(Device.device_id == device, Metric.name == "n")
            )
            return sorted(int(number) for number in unit.session.scalars(query))

    def ledger(self, device: str) -> dict[str, int]:
        """Sum the ledger of a device's telemetry: stored, lost, and ranges still missing."""
        with self.platform.unit(ADMIN, write=False) as unit:
            key = select(Device.id).where(Device.device_id == device).scalar_subquery()
            sums = {"stored": 0, "lost": 0, "missing": 0, "quarantined": 0}
            for kind in (LedgerRow, LedgerTotal):
                query = select(
                    func.coalesce(func.sum(kind.stored), 0),
                    func.coalesce(func.sum(kind.lost), 0),
                    func.coalesce(func.sum(kind.quarantined), 0),
                ).where(kind.device_key == key, kind.channel == "telemetry")
                for name, value in zip(
                    ("stored", "lost", "quarantined"),
                    unit.session.execute(query).one(),
                    strict=True,
                ):
                    sums[name] += int(value)
            rows = unit.session.scalars(
                select(LedgerRow.missing).where(
                    LedgerRow.device_key == key, LedgerRow.channel == "telemetry"
                )
            )
            sums["missing"] = sum(len(row) for row in rows)
        return sums
