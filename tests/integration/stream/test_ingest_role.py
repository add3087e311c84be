"""`muster run ingest` between a real broker and a real database: killed, cut off, replaced."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from muster_platform.bootstrap import Platform, build
from muster_platform.clock import SystemClock
from muster_platform.db import migrate
from muster_platform.settings import Settings
from muster_platform.stream.ingest import IngestRole
from tests.integration.stream.helpers import ACTOR, register
from tests.services import mosquitto
from tests.services.muster import MusterProcess

LIMIT_S = 40.0
POLL_S = 0.05
CONNECTED = "connected to mqtt"
"""Before its first subscription a broker keeps nothing for ingest; only an agent's ledger helps."""
DEVICES = [f"d{index}" for index in range(8)]
HELLO = {
    "boot": "b1",
    "seq": 1,
    "session": 100,
    "install_id": "i",
    "agent": {"name": "n", "version": "1"},
    "profile": "p",
}


class Site:
    """A broker, a database with devices, a state folder: what ingest stands between."""

    def __init__(self, platform: Platform, broker: mosquitto.Mosquitto) -> None:
        self.platform, self.broker = platform, broker
        self.heard: dict[str, list[dict[str, object]]] = defaultdict(list)
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="fleet")
        self.client.on_message = self._hear
        self.client.connect(broker.host, broker.port)
        self.client.subscribe("muster/1/+/down/#", 1)
        self.client.loop_start()

    def _hear(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        self.heard[message.topic].append(json.loads(message.payload))

    def publish(self, device: str, channel: str, message: dict[str, object]) -> None:
        info = self.client.publish(f"muster/1/{device}/up/{channel}", json.dumps(message), qos=1)
        info.wait_for_publish(LIMIT_S)

    def numbered(self, first: int, last: int) -> None:
        """Publish telemetry first … last of every device."""
        for seq in range(first, last + 1):
            for device in DEVICES:
                values = {"n": float(seq)}
                message = {"boot": "b1", "seq": seq, "points": [{"values": values}]}
                self.publish(device, "telemetry", message)

    def count(self, table: str) -> int:
        with self.platform.unit(ACTOR, write=False) as unit:
            statement = f"SELECT COUNT(*) FROM {table}"
            return int(unit.session.connection().exec_driver_sql(statement).scalar_one())

    def execute(self, statement: str) -> None:
        with self.platform.unit(ACTOR) as unit:
            unit.session.connection().exec_driver_sql(statement)

    def all_stored_once(self, messages: int) -> None:
        """Wait for the last of them, then look for what is missing or doubled."""
        until(lambda: self.count("telemetry") >= messages * len(DEVICES))
        with self.platform.unit(ACTOR, write=False) as unit:
            connection = unit.session.connection()
            found = connection.exec_driver_sql(
                "SELECT d.device_id, COUNT(*), COUNT(DISTINCT t.num), MAX(t.num) FROM telemetry t"
                " JOIN devices d ON d.id = t.device_key GROUP BY d.device_id"
            ).fetchall()
        assert {tuple(row) for row in found} == {
            (device, messages, messages, float(messages)) for device in DEVICES
        }

    def environment(self, **more: str) -> dict[str, str]:
        settings = self.platform.settings
        return {
            "MUSTER_STATE_DIR": str(settings.state_dir),
            "MUSTER_DATABASE_URL": settings.database_url,
            "MUSTER_BROKER_PORT": str(self.broker.port),
            "MUSTER_INGEST_LEASE_S": "1",
        } | more

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(POLL_S)


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with mosquitto.running() as broker:
        settings = Settings(
            state_dir=tmp_path / "state",
            database_url=database_url,
            broker_port=broker.port,
            ingest_lease_s=1,
            ledger_every_s=1,
        )
        platform = build(settings, SystemClock())
        migrate.upgrade(platform.engine)
        register(platform, *DEVICES)
        made = Site(platform, broker)
        yield made
        made.close()
        platform.close()


@pytest.fixture
def ingest(site: Site) -> Iterator[IngestRole]:
    role, stop = IngestRole(site.platform), threading.Event()
    thread = threading.Thread(target=role.run, args=(stop,))
    thread.start()
    until(lambda: role.health().startswith("ok"))
    yield role
    stop.set()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


def test_what_a_device_says_is_stored_and_answered(site: Site, ingest: IngestRole) -> None:
    site.publish("d1", "presence", {"session": 100, "online": True, "reason": "connected"})
    site.publish("d1", "hello", HELLO)
    site.publish("d1", "telemetry", {"boot": "b1", "seq": 2, "points": [{"values": {"t": 1.5}}]})
    site.publish("d1", "logs", {"level": "ERROR", "message": "it broke"})
    site.publish("d1", "events", {"boot": "b1", "seq": 1, "name": "pressed"})
    site.publish("d1", "inventory", {"inventory": [{"component": "app", "version": "2"}]})
    site.publish("d1", "settings", {"version": 0, "reported": {"rate": 5}})
    site.publish("d1", "commands", {"execution": "not its own", "state": "SUCCEEDED"})
    until(lambda: site.count("quarantine") == 1)
    told = site.heard["muster/1/d1/down/ledger"]
    # At once after the hello; whatever was stored later is told a second later.
    complete = {
        "stored": {"b1": {"hello": 1, "events": 1, "telemetry": 0}},
        "resend": {"b1": {"telemetry": [[1, 1]]}},
    }
    until(lambda: complete in told)
    assert site.heard["muster/1/d1/down/hello"][0]["session"] == 100
    counts = {table: site.count(table) for table in ("telemetry", "log_records", "inventory_items")}
    assert counts == {"telemetry": 1, "log_records": 1, "inventory_items": 1}
    with site.platform.unit(ACTOR, write=False) as unit:
        connection = unit.session.connection()
        (reason,) = connection.exec_driver_sql("SELECT reason FROM quarantine").one()
        assert reason == "foreign_execution"
        (fingerprint,) = connection.exec_driver_sql("SELECT fingerprint FROM log_records").one()
        assert fingerprint


def test_a_database_that_is_away_fills_the_spool_then_everything_is_there_once(
    site: Site, ingest: IngestRole
) -> None:
    site.numbered(1, 5)
    until(lambda: site.count("telemetry") == 5 * len(DEVICES))
    site.execute("ALTER TABLE ledger RENAME TO away")
    site.numbered(6, 10)
    until(lambda: f"in the spool {5 * len(DEVICES)}" in ingest.health())
    assert "the store is away" in ingest.health()
    site.execute("ALTER TABLE away RENAME TO ledger")
    site.numbered(11, 15)
    site.all_stored_once(15)
    until(lambda: "in the spool 0" in ingest.health())
    assert ingest.health().startswith("ok")


def test_killed_again_and_again_it_loses_and_doubles_nothing(
    site: Site, muster_process: Callable[..., MusterProcess]
) -> None:
    run = muster_process("run", "ingest", env=site.environment())
    run.wait_for(CONNECTED)
    fleet = threading.Thread(target=site.numbered, args=(1, 120))
    fleet.start()
    for share in (1, 2, 3):
        until(lambda share=share: site.count("telemetry") >= share * 200)  # type: ignore[misc]
        run.kill()
        run = muster_process("run", "ingest", env=site.environment())
        run.wait_for(CONNECTED)
    fleet.join(LIMIT_S)
    site.all_stored_once(120)
    assert run.terminate() == 0


def test_killed_with_a_full_spool_it_drains_it_first(
    site: Site, muster_process: Callable[..., MusterProcess]
) -> None:
    run = muster_process("run", "ingest", env=site.environment())
    run.wait_for(CONNECTED)
    site.numbered(1, 5)
    until(lambda: site.count("telemetry") == 5 * len(DEVICES))
    site.execute("ALTER TABLE ledger RENAME TO away")
    site.numbered(6, 10)
    run.wait_for(r"in the spool [1-9]")
    run.kill()
    site.execute("ALTER TABLE away RENAME TO ledger")
    site.numbered(11, 15)
    muster_process("run", "ingest", env=site.environment()).wait_for(CONNECTED)
    site.all_stored_once(15)


def test_one_stands_by_and_takes_over(
    site: Site, muster_process: Callable[..., MusterProcess], tmp_path: Path
) -> None:
    first = muster_process("run", "ingest", env=site.environment())
    first.wait_for(CONNECTED)
    elsewhere = {"MUSTER_STATE_DIR": str(tmp_path / "other")}
    second = muster_process("run", "ingest", env=site.environment(**elsewhere))
    second.wait_for("stands by")
    site.numbered(1, 5)
    until(lambda: site.count("telemetry") == 5 * len(DEVICES))
    assert CONNECTED not in second.output()
    first.kill()
    second.wait_for(CONNECTED)
    site.numbered(6, 10)
    site.all_stored_once(10)
