"""What a full buffer, and a Kafka that is away, make of a batch."""

import pytest

from muster_platform.settings import Settings
from muster_platform.stream.kafka.writer import KafkaRecord, KafkaWriter
from muster_platform.stream.ports import SinkAway
from tests.services.base import free_port

KIB = 1024


def test_a_batch_larger_than_the_buffer_waits_for_a_kafka_that_is_away() -> None:
    settings = Settings(
        kafka_brokers=(f"127.0.0.1:{free_port()}",),
        kafka_buffer_bytes=1024 * KIB,
        kafka_delivery_s=1,
    )
    writer = KafkaWriter(settings)
    records = [KafkaRecord("muster.logs", b"d", bytes(64 * KIB), []) for _ in range(40)]
    with pytest.raises(SinkAway):
        writer.write(records)
    writer.close()
