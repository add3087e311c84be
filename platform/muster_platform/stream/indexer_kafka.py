"""Documents out of Kafka's `muster.records`: one consumer group, offsets committed by hand."""

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from muster_platform.errors import ConfigurationError, Unavailable
from muster_platform.settings import Settings
from muster_platform.stream.kafka.client import consumer
from muster_platform.stream.records import RECORDS_TOPIC

GROUP = "muster-indexer"
POLL_MS = 600_000
LEFT = (KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError._ASSIGNMENT_LOST)
"""Others have our share, or will: what is not committed comes again, and is known then."""


class KafkaRecords:
    """Implements indexer.Source."""

    def __init__(self, settings: Settings, group: str = GROUP) -> None:
        """Join the group.

        Raises:
            ConfigurationError: no Kafka is configured.
        """
        if not settings.kafka_brokers:
            raise ConfigurationError("the indexer reads Kafka; name it", where="kafka_brokers")
        self._consumer = Consumer(consumer(settings, group) | {"max.poll.interval.ms": POLL_MS})
        self._consumer.subscribe([RECORDS_TOPIC], on_revoke=self._on_revoke)
        self._next: dict[int, int] = {}
        self._early: list[Message] = []

    def receive(self, most: int, timeout_s: float) -> Sequence[bytes]:
        """See Source.

        Raises:
            Unavailable: Kafka refuses for good.
        """
        found = []
        new = self._consumer.consume(max(1, most - len(self._early)), timeout_s)
        messages, self._early = [*self._early, *new], []
        for message in messages:
            error = message.error()
            if error is None:
                self._note(message)
                found.append(message.value() or b"")
            elif error.fatal():
                raise Unavailable(f"Kafka: {error.str()}")
        return found

    def idle(self, seconds: float) -> None:
        """See Source."""
        held = self._consumer.assignment()
        if not held:
            time.sleep(seconds)
            return
        self._consumer.pause(held)
        # A partition that we were given just now is not paused: what comes of it is for later.
        if (message := self._consumer.poll(seconds)) is not None:
            self._early.append(message)
        self._consumer.resume(self._consumer.assignment())

    def commit(self) -> None:
        """See Source; where the group was shared out anew meanwhile, they come again."""
        places = [TopicPartition(RECORDS_TOPIC, *place) for place in self._next.items()]
        self._next.clear()
        if not places:
            return
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            known: KafkaError = error.args[0]
            if known.code() not in LEFT:
                raise Unavailable(f"Kafka: {known.str()}") from error

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _note(self, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if partition is not None and offset is not None:
            self._next[partition] = offset + 1

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {place.partition for place in partitions}
        self._next = {one: at for one, at in self._next.items() if one not in gone}
        self._early = [m for m in self._early if m.partition() not in gone]
