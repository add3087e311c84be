"""Log records as they are shown outside."""

from dataclasses import dataclass
from typing import Any

from muster_platform.logs.models import LogRecord
from muster_protocol.messages import LEVEL_NUMBER, Level

LEVELS: dict[int, Level] = {number: level for level, number in LEVEL_NUMBER.items()}


@dataclass(frozen=True, slots=True)
class LogView:
    """One record.

    Attributes:
        ts: ms since the epoch; the time of receipt where the device's was not believable.
        ts_device: what the device said, None where it said nothing.
        clamped: ts is not the device's.
        fingerprint: "" below ERROR.
    """

    id: str
    device_id: str
    ts: int
    ts_device: int | None
    received_at: int
    clamped: bool
    level: Level
    logger: str
    message: str
    fields: dict[str, Any]
    exception_type: str | None
    exception_message: str | None
    stacktrace: str | None
    fingerprint: str
    log_session: str | None


def view_of(row: LogRecord, device_id: str) -> LogView:
    """Make the view of a row."""
    return LogView(
        id=row.id,
        device_id=device_id,
        ts=row.ts,
        ts_device=row.ts_device,
        received_at=row.received_at,
        clamped=row.clamped,
        level=LEVELS[row.level],
        logger=row.logger,
        message=row.message,
        fields=row.fields,
        exception_type=row.exception_type,
        exception_message=row.exception_message,
        stacktrace=row.stacktrace,
        fingerprint=row.fingerprint,
        log_session=row.log_session,
    )
