"""Log records into the database, each once by its identity."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from muster_platform.db.bulk import Column, insert
from muster_platform.db.text import clean, clean_json
from muster_protocol.clocks import believe
from muster_protocol.messages import LEVEL_NUMBER, LogRecord, Logs

Fingerprint = Callable[[LogRecord], str]
Row = tuple[Any, ...]

TOLD_CHARS = 500
_COLUMNS = (
    Column("id", "text"),
    Column("device_key"),
    Column("ts"),
    Column("ts_device"),
    Column("received_at"),
    Column("clamped", "boolean"),
    Column("level", "integer"),
    Column("logger", "text"),
    Column("message", "text"),
    Column("fields", "jsonb"),
    Column("exception_type", "text"),
    Column("exception_message", "text"),
    Column("stacktrace", "text"),
    Column("fingerprint", "text"),
    Column("log_session", "text"),
)


def rows(
    device_key: int, message: Logs, received_at: int, identity: str, fingerprint: Fingerprint
) -> Iterator[Row]:
    """Make the rows of a message.

    Args:
        device_key: whose log.
        message: as decoded.
        received_at: ms since the epoch.
        identity: `{boot}.{seq}`, or what stands for it; the record's index is added.
        fingerprint: gives "" below ERROR.
    """
    session = clean(message.log_session) if message.log_session is not None else None
    for index, record in enumerate(message.records):
        stamp = believe(record.ts, received_at)
        failure = record.exception
        yield (
            f"{device_key}.{identity}.{index}",
            device_key,
            stamp.ts,
            record.ts,
            received_at,
            stamp.clamped,
            LEVEL_NUMBER[record.level],
            clean(record.logger),
            clean(record.message),
            _json(record.fields),
            clean(failure.type) if failure else None,
            clean(failure.message) if failure else None,
            clean(failure.stacktrace) if failure else None,
            fingerprint(record),
            session,
        )


def write(connection: Connection, given: list[Row]) -> None:
    """Store rows; one that is there already stays as it is."""
    insert(connection, "log_records", _COLUMNS, given, conflict="(id) DO NOTHING")


def told(row: Row) -> dict[str, Any]:
    """Give what is told live of a row: short, the level as its number."""
    return {
        "id": row[0],
        "ts": row[2],
        "level": row[6],
        "logger": row[7],
        "message": row[8][:TOLD_CHARS],
        "fault": row[10][:TOLD_CHARS] if row[10] else None,
    }


def _json(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(clean_json(fields)).decode() if fields else "{}"
