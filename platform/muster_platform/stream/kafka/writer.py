"""Writes records and waits until Kafka has them: all of a call, or the call says that it failed."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from muster_platform.settings import Settings
from muster_platform.stream.kafka import client
from muster_platform.stream.ports import SinkAway

FLUSH_SLACK_S = 5
"""Longer than Kafka may take, so that it is the library that gives up."""
FULL_POLL_S = 0.05
REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.RECORD_LIST_TOO_LARGE,
    }
)
"""Errors that are about a record; all others are about Kafka."""

Headers = list[tuple[str, str | bytes | None]]


class KafkaRecord(NamedTuple):
    """What is written: where, under which key, and with which headers."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class RecordRefused(Exception):
    """Kafka takes everything else, but not this."""


class KafkaWriter:
    """A producer whose calls end when the records are safe.

    Attributes:
        meanwhile: called once in each call, while the records are on their way.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; connects by itself."""
        self._settings = settings
        self.meanwhile: Callable[[], None] = _nothing
        self._errors: list[KafkaError] = []
        self._producer = self._make()

    def write(self, records: Iterable[KafkaRecord]) -> None:
        """Write records in order and wait for Kafka to have them.

        Raises:
            SinkAway: Kafka does not take them now; some of them may stand there already.
            RecordRefused: one of them can never be taken.
        """
        self._errors.clear()
        produce = self._producer.produce
        try:
            for topic, key, value, headers in records:
                while not self._errors:
                    try:
                        produce(topic, value, key, headers=headers)
                        break
                    except BufferError:
                        self._make_room()
        except KafkaException as error:
            self._start_anew()
            raise _meaning(error.args[0]) from error
        self.meanwhile()
        waiting = self._producer.flush(self._settings.kafka_delivery_s + FLUSH_SLACK_S)
        if waiting or self._errors:
            found = self._errors[0] if self._errors else None
            self._start_anew()
            raise _meaning(found) if found else SinkAway(f"{waiting} records are not taken")

    def close(self) -> None:
        """Forget what was not taken: who wrote it has not been told that it was."""
        self._producer.purge()
        self._producer.flush(1)

    def _make_room(self) -> None:
        """Wait until half of what waits is taken, or Kafka fails; the bytes may be what is full.

        Raises:
            KafkaException: nothing waits, and yet there is no room.
        """
        waiting = len(self._producer)
        if not waiting:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        while len(self._producer) > waiting // 2 and not self._errors:
            self._producer.poll(FULL_POLL_S)

    def _start_anew(self) -> None:
        """Drop what waits: it is in the spool, and would come out of order behind what follows."""
        self.close()
        self._producer = self._make()

    def _make(self) -> Producer:
        # A method of ours would keep this object alive in the library.
        errors = self._errors

        def failed(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                errors.append(error)

        chosen: dict[str, Any] = client.producer(self._settings)
        return Producer(chosen | {"on_delivery": failed})


def _nothing() -> None:
    """Have nothing to do while records are on their way."""


def _meaning(error: KafkaError) -> Exception:
    if error.code() in REFUSED:
        return RecordRefused(error.str())
    return SinkAway(f"Kafka takes nothing: {error.str()}")
