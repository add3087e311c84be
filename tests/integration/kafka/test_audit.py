"""The audit log in Kafka: every entry, in order, from where the last sweep stopped."""

from collections.abc import Iterator

import msgspec
import pytest

from muster_platform.access import audit
from muster_platform.stream.kafka import setup, topics
from muster_platform.stream.kafka.audit import AuditOut
from muster_platform.stream.kafka.writer import KafkaRecord, KafkaWriter, RecordRefused
from muster_platform.stream.ports import SinkAway
from tests.services import kafka as service
from tests.services.database import ADMIN, TestPlatform
from tests.services.kafka import Kafka


@pytest.fixture
def broker() -> Iterator[Kafka]:
    """Give a Kafka of the test's own: the names of topics are fixed."""
    with service.running() as server:
        yield server


def act(platform: TestPlatform, name: str) -> None:
    with platform.unit(ADMIN) as unit:
        audit.record(unit, "device.rename", "device", 7, name, before={"name": "x"})


def names(broker: Kafka) -> list[str]:
    values = [msgspec.json.decode(record[2]) for record in broker.read_all(topics.AUDIT)]
    return [value["muster"]["subject"]["name"] for value in values]


class _Away:
    def __init__(self) -> None:
        self.asked = 0

    def write(self, records: list[KafkaRecord]) -> None:
        self.asked += 1
        raise SinkAway("nobody there")


def test_entries_are_published_once_across_restarts(broker: Kafka, platform: TestPlatform) -> None:
    platform.configure(kafka_brokers=(broker.address,), kafka_partitions=1)
    setup.set_up(platform.settings, lambda line: None)
    writer = KafkaWriter(platform.settings)
    act(platform, "first")
    act(platform, "second")
    assert AuditOut(platform.units, writer).step() >= 2
    act(platform, "third")
    assert AuditOut(platform.units, writer).step() == 1
    assert AuditOut(platform.units, writer).step() == 0
    writer.close()
    assert names(broker)[-3:] == ["first", "second", "third"]
    document = msgspec.json.decode(broker.read_all(topics.AUDIT)[-1][2])
    assert document["event"]["action"] == "device.rename"
    assert document["muster"]["before"] == {"name": "x"}


def test_what_kafka_does_not_take_is_published_later(broker: Kafka, platform: TestPlatform) -> None:
    platform.configure(kafka_brokers=(broker.address,), kafka_partitions=1)
    setup.set_up(platform.settings, lambda line: None)
    act(platform, "kept")
    away = AuditOut(platform.units, _Away())  # type: ignore[arg-type]
    assert away.step() == 0
    assert away.problem == "nobody there"
    writer = KafkaWriter(platform.settings)
    AuditOut(platform.units, writer).step()
    writer.close()
    assert names(broker)[-1] == "kept"


class _Narrow:
    """Takes records of a few bytes."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def write(self, records: list[KafkaRecord]) -> None:
        if any(len(record.value) > 2_000 for record in records):
            raise RecordRefused("too large")
        self.taken += [record.value for record in records]


def test_an_entry_that_is_too_large_holds_none_back(platform: TestPlatform) -> None:
    for name, size in (("first", 1), ("large", 5_000), ("last", 1)):
        with platform.unit(ADMIN) as unit:
            audit.record(unit, "device.rename", "device", 7, name, after={"name": "x" * size})
    narrow = _Narrow()
    out = AuditOut(platform.units, narrow)  # type: ignore[arg-type]
    assert out.step() >= 3
    found = [msgspec.json.decode(value)["muster"] for value in narrow.taken[-3:]]
    assert [one["subject"]["name"] for one in found] == ["first", "large", "last"]
    assert [one["after"] for one in found] == [{"name": "x"}, None, {"name": "x"}]
    assert AuditOut(platform.units, narrow).step() == 0  # type: ignore[arg-type]


def test_a_kafka_that_is_away_is_asked_seldom_since_messages_of_devices_wait_meanwhile(
    platform: TestPlatform,
) -> None:
    act(platform, "kept")
    now, away = [0.0], _Away()
    out = AuditOut(platform.units, away, monotonic=lambda: now[0])  # type: ignore[arg-type]
    for second in range(60):
        now[0] = float(second)
        out.step()
    assert away.asked == 2
