"""Good and bad messages from MQTT through Kafka into the database: each once, none held up."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from sqlalchemy import select

from muster_platform.bootstrap import Platform, build
from muster_platform.clock import SystemClock
from muster_platform.db import migrate
from muster_platform.devices.stream_models import Quarantined, RawMessage, telemetry
from muster_platform.settings import Settings
from muster_platform.stream.bridge import BridgeRole
from muster_platform.stream.ingest import IngestRole
from muster_platform.stream.kafka import setup
from muster_platform.stream.kafka.ingest import KafkaIngestRole
from tests.integration.stream.helpers import ACTOR, register
from tests.integration.worker.test_worker import eventually
from tests.services import kafka as kafka_service
from tests.services import mosquitto

NOT_UTF8 = b"\xff\xfe{"
GIANT = b'{"points": "' + b"x" * 1_048_000
"""All but the largest that a broker lets through: more than a Kafka takes by itself."""
GOOD = [1.0, 2.0, 3.0, 4.0]
SENT: list[tuple[str, bytes]] = [
    ("d1/up/telemetry", json.dumps({"points": [{"values": {"n": 1}}]}).encode()),
    ("d1/up/telemetry", b"no json"),
    ("d1/up/telemetry", json.dumps({"points": [{"values": {"n": 2}}]}).encode()),
    ("d1/up/nonsense", b"{}"),
    ("d1/up/logs", NOT_UTF8),
    ("d1/up/telemetry", json.dumps({"points": [{"values": {"n": 3}}]}).encode()),
    ("stranger/up/telemetry", json.dumps({"points": [{"values": {"n": 9}}]}).encode()),
    ("d1/up/logs", json.dumps({"records": "not a list"}).encode()),
    ("d1/up/commands", b"{"),
    ("d1/up/hello", json.dumps({"boot": 7}).encode()),
    ("d1/up/x/own", b"anything"),
    ("d1/up/telemetry", GIANT),
    ("d1/up/telemetry", json.dumps({"points": [{"values": {"n": 4}}]}).encode()),
]
SHOWN = 100
BAD = sorted(
    [
        ("d1/up/telemetry", b"no json"),
        ("d1/up/nonsense", b"{}"),
        ("d1/up/logs", NOT_UTF8),
        ("stranger/up/telemetry", SENT[6][1]),
        ("d1/up/logs", SENT[7][1]),
        ("d1/up/commands", b"{"),
        ("d1/up/hello", SENT[9][1]),
        ("d1/up/telemetry", GIANT[:SHOWN]),
    ]
)


@pytest.fixture
def broker() -> Iterator[mosquitto.Mosquitto]:
    with mosquitto.running() as server:
        yield server


@pytest.fixture
def site(database_url: str, tmp_path: Path, broker: mosquitto.Mosquitto) -> Iterator[Platform]:
    with kafka_service.running() as kafka:
        settings = Settings(
            state_dir=tmp_path / "state",
            database_url=database_url,
            broker_port=broker.port,
            kafka_brokers=(kafka.address,),
            kafka_partitions=2,
        )
        platform = build(settings, SystemClock())
        migrate.upgrade(platform.engine)
        register(platform, "d1")
        setup.set_up(settings, lambda line: None)
        yield platform
        platform.close()


@pytest.fixture
def roles(site: Platform) -> Iterator[KafkaIngestRole]:
    stop = threading.Event()
    bridge, ingest, reader = BridgeRole(site), IngestRole(site), KafkaIngestRole(site)
    threads = [threading.Thread(target=role.run, args=(stop,)) for role in (bridge, ingest, reader)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: bridge.health().startswith("ok"), "the bridge hears devices")
        eventually(lambda: ingest.health().startswith("ok"), "ingest hears devices")
        yield reader
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def kept(site: Platform) -> tuple[list[float], list[tuple[str, bytes]], int]:
    """Give the values stored, the messages in quarantine, and how many raw ones there are."""
    with site.unit(ACTOR, write=False) as unit:
        values = sorted(unit.session.scalars(select(telemetry.c.num)))
        rows = unit.session.execute(select(Quarantined.topic, Quarantined.payload))
        bad = sorted((topic.removeprefix("muster/1/"), bytes(body)[:SHOWN]) for topic, body in rows)
        return values, bad, len(list(unit.session.scalars(select(RawMessage.id))))


def test_each_good_message_is_stored_and_each_bad_one_kept_once(
    site: Platform, roles: KafkaIngestRole, broker: mosquitto.Mosquitto
) -> None:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="fleet")
    client.connect(broker.host, broker.port)
    client.loop_start()
    for topic, payload in SENT:
        client.publish(f"muster/1/{topic}", payload, qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    eventually(lambda: "received 0" not in roles.health(), "Kafka is read")
    eventually(lambda: len(kept(site)[1]) >= len(BAD), "all bad ones are kept")
    eventually(lambda: "waiting in Kafka 0" in roles.health(), "nothing is left to read")
    assert kept(site) == (GOOD, BAD, 1)
