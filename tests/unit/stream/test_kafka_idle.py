"""What comes from Kafka while nothing can be stored is not lost: it belongs to the next batch."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from muster_platform.settings import Settings
from muster_platform.stream import indexer_kafka
from muster_platform.stream.indexer_kafka import KafkaRecords
from muster_platform.stream.kafka import source, topics
from muster_platform.stream.kafka.source import KafkaSource
from muster_platform.stream.records import RECORDS_TOPIC

LOGS = topics.TOPIC_OF["logs"]
SETTINGS = Settings(kafka_brokers=("nowhere:9092",))


class FakeConsumer:
    """One member of a group, as the library behaves: what is polled is never given again."""

    def __init__(self, _settings: Any) -> None:
        self.held: dict[tuple[str, int], list[Any]] = {}
        self.paused: set[tuple[str, int]] = set()
        self.committed: dict[tuple[str, int], int] = {}
        self.comes: Callable[[], None] = lambda: None

    def subscribe(self, _topics: list[str], on_revoke: Any = None) -> None:
        self.on_revoke = on_revoke

    def give(self, topic: str, partition: int, *values: bytes) -> None:
        self.held[topic, partition] = [
            SimpleNamespace(
                error=lambda: None,
                topic=lambda: topic,
                partition=lambda: partition,
                offset=lambda at=at: at,
                value=lambda value=value: value,
                headers=lambda: [("topic", topic), ("received_at", b"1")],
                timestamp=lambda: (1, 1),
            )
            for at, value in enumerate(values)
        ]

    def take(self, topic: str, partition: int) -> None:
        self.on_revoke(self, [TopicPartition(topic, partition)])
        del self.held[topic, partition]

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(*place) for place in self.held]

    def pause(self, places: list[TopicPartition]) -> None:
        self.paused |= {(place.topic, place.partition) for place in places}

    def resume(self, places: list[TopicPartition]) -> None:
        self.paused -= {(place.topic, place.partition) for place in places}

    def poll(self, _timeout_s: float) -> Any:
        self.comes()
        free = [one for place, one in self.held.items() if place not in self.paused and one]
        return free[0].pop(0) if free else None

    def consume(self, most: int, _timeout_s: float) -> list[Any]:
        found: list[Any] = []
        while len(found) < most and (message := self.poll(0.0)) is not None:
            found.append(message)
        return found

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed |= {(place.topic, place.partition): place.offset for place in offsets}


def test_ingest_keeps_what_a_new_partition_gives_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "Consumer", FakeConsumer)
    given = KafkaSource(SETTINGS)
    consumer: Any = given._consumer
    consumer.give(LOGS, 0, b"a")
    first = given.receive(10, 0.0, 0.0)
    consumer.comes = lambda: (LOGS, 1) in consumer.held or consumer.give(LOGS, 1, b"b", b"c", b"d")
    for _ in range(3):
        assert given.receive(0, 0.0, 0.0) == []
    given.ack(first)
    assert consumer.committed == {(LOGS, 0): 1}
    rest = given.receive(10, 0.0, 0.0)
    assert [raw.payload for raw in rest] == [b"b", b"c", b"d"]
    given.ack(rest)
    assert consumer.committed[LOGS, 1] == 3


def test_ingest_leaves_what_it_kept_of_a_partition_that_is_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "Consumer", FakeConsumer)
    given = KafkaSource(SETTINGS)
    consumer: Any = given._consumer
    consumer.comes = lambda: consumer.held or consumer.give(LOGS, 1, b"b")
    assert given.receive(0, 0.0, 0.0) == []
    consumer.comes = lambda: None
    consumer.give(LOGS, 0)
    consumer.take(LOGS, 1)
    assert given.receive(10, 0.0, 0.0) == []


def test_the_indexer_commits_no_record_that_it_only_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer_kafka, "Consumer", FakeConsumer)
    given = KafkaRecords(SETTINGS)
    consumer: Any = given._consumer
    consumer.give(RECORDS_TOPIC, 0, b"a")
    assert given.receive(10, 0.0) == [b"a"]
    place = (RECORDS_TOPIC, 1)
    consumer.comes = lambda: place in consumer.held or consumer.give(*place, b"b", b"c")
    given.idle(0.0)
    given.commit()
    assert consumer.committed == {(RECORDS_TOPIC, 0): 1}
    assert given.receive(10, 0.0) == [b"b", b"c"]
    given.commit()
    assert consumer.committed[place] == 2
