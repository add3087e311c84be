"""Writes the finished document of each log record to Kafka, before the database commits.

In this order nothing that is committed is missing downstream. A crash between the two writes the
same documents again, under the same `event.id`: whoever stores them stores each once.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from muster_platform.stream.kafka.writer import KafkaRecord, KafkaWriter
from muster_platform.stream.records import RECORDS_TOPIC, Row, documents
from muster_platform.stream.records_context import device_contexts


class RecordPublisher:
    """Writes documents; each call ends when Kafka has them."""

    def __init__(self, writer: KafkaWriter) -> None:
        self._writer = writer

    def publish(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write the documents of rows that are about to be committed.

        Raises:
            SinkAway: Kafka does not take them now; the caller must not commit.
        """
        if not rows:
            return
        made = documents(rows, device_contexts(connection, {row[1] for row in rows}))
        self._writer.write(KafkaRecord(RECORDS_TOPIC, key, value, []) for key, value in made)
