"""Documents out of Kafka's `muster.records`: one consumer group, offsets committed by hand."""

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException

from muster_platform.errors import ConfigurationError, Unavailable
from muster_platform.settings import Settings
from muster_platform.stream.kafka.client import consumer
from muster_platform.stream.records import RECORDS_TOPIC

GROUP = "muster-indexer"
POLL_MS = 600_000
REFRESH_MS = 2_000


class KafkaRecords:
    """Implements indexer.Source."""

    def __init__(self, settings: Settings, group: str = GROUP) -> None:
        """Join the group.

        Raises:
            ConfigurationError: no Kafka is configured.
        """
        if not settings.kafka_brokers:
            raise ConfigurationError("the indexer reads Kafka; name it", where="kafka_brokers")
        self._consumer = Consumer(
            consumer(settings, group)
            | {
                "max.poll.interval.ms": POLL_MS,
                "allow.auto.create.topics": True,
                # A topic that is made after we came is seen soon, not after five minutes.
                "topic.metadata.refresh.interval.ms": REFRESH_MS,
            }
        )
        self._consumer.subscribe([RECORDS_TOPIC])

    def receive(self, most: int, timeout_s: float) -> Sequence[bytes]:
        """See Source.

        Raises:
            Unavailable: Kafka refuses for good.
        """
        found = []
        for message in self._consumer.consume(most, timeout_s):
            error = message.error()
            if error is None:
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
        self._consumer.poll(seconds)
        self._consumer.resume(self._consumer.assignment())

    def commit(self) -> None:
        """See Source; where the group was shared out anew meanwhile, they come again."""
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            known: KafkaError = error.args[0]
            if known.code() not in (KafkaError._NO_OFFSET, KafkaError.ILLEGAL_GENERATION):
                raise Unavailable(f"Kafka: {known.str()}") from error

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
