"""The bridge and ingest through a real Kafka."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from sqlalchemy import func, select

from muster_broker.receiver import Received
from muster_platform.clock import SystemClock
from muster_platform.logs.models import LogRecord
from muster_platform.settings import Settings
from muster_platform.stream.kafka import setup, topics
from muster_platform.stream.kafka.ingest import KafkaIngestRole
from muster_platform.stream.kafka.light import LightReader
from muster_platform.stream.kafka.sink import KafkaSink
from muster_platform.stream.kafka.writer import KafkaWriter
from muster_platform.stream.messages import Envelope, Quarantined
from muster_platform.stream.pipeline import Pipeline
from muster_platform.stream.ports import SinkAway
from muster_platform.stream.spool import Spool
from tests.integration.worker.test_worker import eventually
from tests.services import kafka as service
from tests.services.database import ADMIN, TestPlatform
from tests.services.kafka import Kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """Give a Kafka of this file's own: its topics have names that others use too."""
    with service.running() as server:
        yield server


def message(device: str, channel: str, payload: object, received_at: int = 1_700_000_000_000):
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return Received(f"muster/1/{device}/up/{channel}", raw, 1, 1, False, False, received_at, 1)


def write(writer: KafkaWriter, *messages: Received) -> None:
    items = [LightReader().read(raw) for raw in messages]
    envelopes = [item for item in items if isinstance(item, Envelope)]
    quarantined = [item for item in items if isinstance(item, Quarantined)]
    KafkaSink(writer, lambda: None).write(envelopes, quarantined)


def logs(boot: str, seq: int, text: str) -> dict:
    return {"boot": boot, "seq": seq, "records": [{"level": "INFO", "message": text}]}


class Given:
    """Implements the pipeline's Source with what there is."""

    def __init__(self, messages: list[Received]) -> None:
        self._messages, self.acknowledged = messages, 0

    def receive(self, *_limits: float) -> list[Received]:
        given, self._messages = self._messages, []
        return given

    def ack(self, batch) -> None:
        self.acknowledged += len(batch)


def test_what_devices_say_reaches_kafka_and_the_database_once(
    broker: Kafka, platform: TestPlatform, tmp_path: Path
):
    platform.clock = SystemClock()
    platform.configure(kafka_brokers=(broker.address,), kafka_partitions=2)
    settings = platform.settings
    said: list[str] = []
    setup.set_up(settings, said.append)
    assert setup.missing(settings) == []
    from muster_platform.devices.profiles import ProfileService
    from muster_platform.devices.service import DeviceService

    name = f"pump-{tmp_path.name[-8:]}"
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).create("pump")
        DeviceService(unit).register(name, "pump")
    now = platform.clock.now_ms()
    writer = KafkaWriter(settings)
    write(
        writer,
        message(name, "logs", logs("b1", 1, "one"), now),
        message(name, "logs", b"no json", now),
        message(name, "logs", logs("b1", 2, "two"), now),
        message(name, "logs", logs("b1", 1, "one"), now),
        message(name, "hello", {"boot": "b1", "seq": 1}, now),
    )
    writer.close()
    found = [one for one in broker.read_all(topics.LOGS) if one[1] == name.encode()]
    assert [one[3]["seq"] for one in found] == [b"1", b"2", b"1"]
    assert found[0][2] == msgspec.json.encode(logs("b1", 1, "one"))
    stop = threading.Event()
    role = KafkaIngestRole(platform)
    thread = threading.Thread(target=role.run, args=(stop,))
    thread.start()
    try:

        def stored():
            with platform.unit(ADMIN, write=False) as unit:
                rows = unit.session.scalars(select(LogRecord.message).order_by(LogRecord.message))
                return list(rows) == ["one", "two"]

        eventually(stored, "both records")
        eventually(lambda: "waiting in Kafka 0" in role.health(), "all is read")
    finally:
        stop.set()
        thread.join()
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(select(func.count()).select_from(LogRecord)) == 2
    records = [one for one in broker.read_all(topics.RECORDS) if one[1] == name.encode()]
    texts = {
        (d["event"]["id"], d["message"]) for one in records if (d := msgspec.json.decode(one[2]))
    }
    assert sorted(text for _, text in texts) == ["one", "two"]


def configured(tmp_path: Path, broker: Kafka, **more: int) -> Settings:
    chosen = Settings(
        state_dir=tmp_path, kafka_brokers=(broker.address,), kafka_partitions=1, **more
    )
    setup.set_up(chosen, lambda line: None)
    return chosen


def limit(broker: Kafka, largest: int) -> None:
    """Let topics take records of so many bytes."""
    value = ConfigEntry(
        "max.message.bytes", str(largest), incremental_operation=AlterConfigOpType.SET
    )
    resources = [
        ConfigResource(ResourceType.TOPIC, name, incremental_configs=[value])
        for name in (topics.LOGS, topics.QUARANTINE)
    ]
    admin = broker.admin()
    for future in admin.incremental_alter_configs(resources).values():
        future.result()


def test_a_kafka_that_hangs_is_away_and_what_follows_is_taken(tmp_path: Path):
    with service.running() as own:
        writer = KafkaWriter(configured(tmp_path, own, kafka_delivery_s=2))
        write(writer, message("a", "logs", logs("b", 1, "x")))
        own.pause()
        with pytest.raises(SinkAway):
            write(writer, message("a", "logs", logs("b", 2, "x")))
        own.resume()
        write(writer, message("a", "logs", logs("b", 2, "x")))
        writer.close()
        seqs = [one[3]["seq"] for one in own.read_all(topics.LOGS)]
        assert list(dict.fromkeys(seqs)) == [b"1", b"2"]


def test_what_a_topic_never_takes_is_cut_and_stops_nothing(broker: Kafka, tmp_path: Path):
    writer = KafkaWriter(configured(tmp_path, broker))
    large = os.urandom(50_000)
    source = Given([message("cut", "logs", large), message("cut", "logs", logs("b", 2, "x"))])
    pipeline = Pipeline(source, KafkaSink(writer, lambda: None), Spool(":memory:", 0))
    limit(broker, 20_000)
    try:
        pipeline.step(0)
    finally:
        limit(broker, 2_000_000)
    writer.close()
    assert source.acknowledged == 2
    found = [one for one in broker.read_all(topics.QUARANTINE) if one[3].get("cut_from")]
    assert [(body, head["cut_from"]) for _, _, body, head in found] == [(large[:4096], b"50000")]
    good = {one[3]["seq"] for one in broker.read_all(topics.LOGS) if one[1] == b"cut"}
    assert good == {b"2"}  # Kafka may hold it twice: it was in a batch that was refused
