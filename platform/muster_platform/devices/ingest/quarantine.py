"""What cannot be taken, kept whole for people to look at; and an integrator's own messages."""

from typing import NamedTuple

from sqlalchemy import Connection

from muster_platform.db.bulk import Column, insert
from muster_platform.db.text import clean


class QuarantineRow(NamedTuple):
    """One message that cannot be taken, and why."""

    received_at: int
    topic: str
    device_id: str
    device_key: int | None
    payload: bytes
    reason: str
    detail: str


class RawRow(NamedTuple):
    """One message on `up/x/#`, stored as it came."""

    device_key: int
    received_at: int
    topic: str
    payload: bytes


_QUARANTINE = (
    Column("received_at"),
    Column("topic", "text"),
    Column("device_id", "text"),
    Column("device_key"),
    Column("payload", "bytea"),
    Column("reason", "text"),
    Column("detail", "text"),
)
_RAW = (
    Column("device_key"),
    Column("received_at"),
    Column("topic", "text"),
    Column("payload", "bytea"),
)


UNSTORABLE = "unstorable"
"""Reason of a row that is kept bare: writing it as others are written failed."""
TIME_MAX = 2**62
TOPIC_CHARS = 65_535
"""Longest topic of MQTT."""


def bare_row(received_at: int, topic: str, payload: bytes, why: str) -> QuarantineRow:
    """Make a row that nothing in the message can keep from being written."""
    at = min(max(received_at, 0), TIME_MAX)
    return QuarantineRow(at, topic[:TOPIC_CHARS], "", None, bytes(payload), UNSTORABLE, why[:500])


def write_quarantine(connection: Connection, rows: list[QuarantineRow]) -> None:
    """Store messages that could not be taken."""
    cleaned = [
        row._replace(
            topic=clean(row.topic), device_id=clean(row.device_id)[:64], detail=clean(row.detail)
        )
        for row in rows
    ]
    insert(connection, "quarantine", _QUARANTINE, cleaned)


def write_raw(connection: Connection, rows: list[RawRow]) -> None:
    """Store an integrator's own messages."""
    cleaned = [row._replace(topic=clean(row.topic)) for row in rows]
    insert(connection, "raw_messages", _RAW, cleaned)
