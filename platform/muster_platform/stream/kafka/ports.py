"""What takes the documents of log records before the database commits."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from muster_platform.stream.records import Row


class Records(Protocol):
    """Publishes documents (`kafka.records.RecordPublisher` does)."""

    def publish(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Publish what these rows become.

        Raises:
            SinkAway: they are not taken now; the caller must not commit.
        """
        ...
