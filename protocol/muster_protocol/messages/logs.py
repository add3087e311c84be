"""Log records and app events."""

from enum import StrEnum
from typing import Annotated

import msgspec

from muster_protocol import limits
from muster_protocol.messages.base import (
    Data,
    Id,
    Message,
    Millis,
    Name,
    Text,
    UpMessage,
    check_depth,
)


class Level(StrEnum):
    """Severity, from least to most."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"


LEVEL_NUMBER: dict[Level, int] = {level: (i + 1) * 10 for i, level in enumerate(Level)}
"""TRACE 10 … FATAL 60: how levels are stored and compared."""


class ExceptionInfo(Message, kw_only=True):
    """An exception as the language reports it."""

    type: Text
    message: Text = ""
    stacktrace: Annotated[str, msgspec.Meta(max_length=limits.STACKTRACE_CHARS)] = ""


class LogRecord(Message, kw_only=True):
    """One line of a device's log."""

    level: Level
    message: Annotated[str, msgspec.Meta(max_length=limits.LOG_MESSAGE_CHARS)]
    ts: Millis | None = None
    logger: Annotated[str, msgspec.Meta(max_length=limits.NAME_CHARS)] = ""
    fields: Data = {}
    exception: ExceptionInfo | None = None

    def __post_init__(self) -> None:
        """Refuse fields that are nested too deep."""
        if self.fields:
            check_depth("fields", self.fields)


class Logs(UpMessage, kw_only=True):
    """up/logs. A plain device may send {"level", "message"} alone: see codec.

    Attributes:
        log_session: id of the log session that asked for these records.
    """

    records: Annotated[list[LogRecord], msgspec.Meta(max_length=limits.RECORDS_PER_MESSAGE)]
    log_session: Id | None = None


class Event(UpMessage, kw_only=True):
    """up/events: something that happened in the app (user consented, button pressed)."""

    name: Name
    data: Data = {}
    ts: Millis | None = None

    def __post_init__(self) -> None:
        """Refuse data that is nested too deep."""
        check_depth("data", self.data)
