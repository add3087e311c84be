"""Writes the finished document of each log record to Kafka, before the database commits.

In this order nothing that is committed is missing downstream. A crash between the two writes the
same documents again, under the same `event.id`: whoever stores them stores each once.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from muster_platform.db.bulk import among, member
from muster_platform.logs.counting import versions_of
from muster_platform.stream.kafka.writer import KafkaRecord, KafkaWriter
from muster_platform.stream.records import RECORDS_TOPIC, DeviceContext, Row, documents


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
        made = documents(rows, contexts(connection, {row[1] for row in rows}))
        self._writer.write(KafkaRecord(RECORDS_TOPIC, key, value, []) for key, value in made)


def contexts(connection: Connection, keys: set[int]) -> dict[int, DeviceContext]:
    """Read what documents say of devices: as they are now, in this transaction."""
    condition = member(connection, "d.id")
    rows = connection.exec_driver_sql(
        "SELECT d.id, d.device_id, d.display_name, p.name, g.path FROM devices d"  # noqa: S608
        f" JOIN profiles p ON p.id = d.profile_id JOIN groups g ON g.id = d.group_id"
        f" WHERE {condition}",
        (among(connection, sorted(keys)),),
    ).all()
    versions = versions_of(connection, keys)
    return {
        key: DeviceContext(device_id, name or "", profile, versions.get(key, ""), path)
        for key, device_id, name, profile, path in rows
    }
