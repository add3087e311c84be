"""Kafka as a source of the pipeline: what the bridge wrote, as if it came from the broker."""

import logging
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from muster_broker.receiver import Received
from muster_platform.settings import Settings
from muster_platform.stream.kafka import client, topics
from muster_platform.stream.messages import Item, Reader

log = logging.getLogger(__name__)

LAG_TIMEOUT_S = 2.0


class KafkaSource:
    """A consumer of the raw topics; offsets are committed when the batch is stored.

    Attributes:
        problem: why nothing comes, or None.
        places: (topic, partition) of all that was received last.
    """

    def __init__(self, settings: Settings) -> None:
        """Join the group: all ingest processes of an installation share one."""
        self.problem: str | None = None
        self.places: set[tuple[str, int]] = set()
        self._consumer = Consumer(client.consumer(settings, settings.kafka_group))
        self._consumer.subscribe(list(topics.RAW), on_revoke=self._on_revoke)
        self._offsets: dict[tuple[str, int], int] = {}
        self._paused: list[TopicPartition] = []
        self._early: list[Message] = []

    def receive(self, max_messages: int, window_s: float, timeout_s: float) -> list[Received]:
        """Wait for messages; with 0 stay in the group and take none."""
        if max_messages == 0:
            self._idle(timeout_s)
            return []
        self._resume()
        first = [] if self._early else self._consumer.consume(1, timeout_s)
        if not first and not self._early:
            return []
        rest = self._consumer.consume(max_messages - 1, window_s) if max_messages > 1 else []
        first, self._early = [*self._early, *first], []
        self.places.clear()
        return [got for message in (*first, *rest) if (got := self._take(message)) is not None]

    def ack(self, batch: Sequence[Received]) -> None:  # noqa: ARG002 - one at a time
        """Commit what was received so far: all of it is stored."""
        if not self._offsets:
            return
        offsets = [
            TopicPartition(topic, partition, offset)
            for (topic, partition), offset in self._offsets.items()
        ]
        self._offsets.clear()
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # It comes again, to us or to another; the ledger knows it.
            log.warning("offsets are not committed: %s", error.args[0].str())

    def lag(self) -> int:
        """Count the records that wait, as far as the partitions of this process go."""
        waiting = 0
        for place in self._consumer.position(self._consumer.assignment()):
            try:
                _, end = self._consumer.get_watermark_offsets(place, LAG_TIMEOUT_S, cached=True)
            except KafkaException:
                continue
            if end > 0 and place.offset >= 0:
                waiting += max(0, end - place.offset)
        return waiting

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _take(self, message: Message) -> Received | None:
        if message.error() is not None:
            self._note(message)
            return None
        self.problem = None
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            return None
        self._offsets[topic, partition] = offset + 1
        self.places.add((topic, partition))
        given: Any = message.headers() or ()
        headers = {name: _bytes(value) for name, value in given}
        if headers.get("channel", b"").decode(errors="replace") in topics.FROM_MQTT:
            return None  # ingest has it from MQTT already, stored or in quarantine
        stamp = headers.get("received_at", b"")
        received_at = int(stamp) if stamp.isdigit() else message.timestamp()[1]
        name = headers.get("topic", b"").decode(errors="replace")
        payload = _bytes(message.value())
        return Received(name, payload, 1, offset, False, False, received_at, partition)

    def _note(self, message: Message | None) -> None:
        error = None if message is None else message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            self.problem = f"Kafka: {error.str()}"

    def _idle(self, timeout_s: float) -> None:
        """Stay in the group; a partition that comes to us meanwhile is not paused yet."""
        self._paused = self._consumer.assignment()
        self._consumer.pause(self._paused)
        message = self._consumer.poll(timeout_s)
        if message is not None and message.error() is None:
            self._early.append(message)
        else:
            self._note(message)

    def _resume(self) -> None:
        if self._paused:
            self._consumer.resume(self._paused)
            self._paused = []

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            self._offsets.pop((place.topic, place.partition), None)
        gone = {(place.topic, place.partition) for place in partitions}
        self._paused = [p for p in self._paused if (p.topic, p.partition) not in gone]
        self._early = [m for m in self._early if (m.topic(), m.partition()) not in gone]


class KafkaReader(Reader):
    """Names a message by its place in Kafka: read again, it is the same message."""

    def read(self, raw: Received, origin: str = "") -> Item:
        """Read one message; never raises, whatever it holds."""
        return super().read(raw, origin or f"kafka.{raw.connection}.{raw.packet_id}")


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
