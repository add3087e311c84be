"""Python's logging, carried to the platform."""

import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator

import msgspec

from muster_protocol import limits
from muster_protocol.messages import ExceptionInfo, Level, LogRecord

BATCH_BYTES = 48 * 1024
BATCH_RECORDS = 100
STACK_CHARS = 16_384
MESSAGE_CHARS = 16_384
"""A record must fit into one payload, whatever its characters cost in UTF-8 and in JSON."""

_OWN_LOGGERS = ("muster_agent", "paho", "urllib3")
_LEVELS = (
    (logging.CRITICAL, Level.FATAL),
    (logging.ERROR, Level.ERROR),
    (logging.WARNING, Level.WARN),
    (logging.INFO, Level.INFO),
    (logging.DEBUG, Level.DEBUG),
)


def level_of(number: int) -> Level:
    """Give the protocol's level for one of Python's logging."""
    return next((level for bound, level in _LEVELS if number >= bound), Level.TRACE)


def exception_info(error: BaseException) -> ExceptionInfo:
    """Describe an exception: its class with module, text, and the end of its stack trace."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    text = "".join(traceback.format_exception(error))
    return ExceptionInfo(
        type=f"{module}{kind.__qualname__}"[: limits.TEXT_CHARS],
        message=str(error)[: limits.TEXT_CHARS],
        stacktrace=text[-STACK_CHARS:],
    )


def pack(records: Iterable[LogRecord]) -> Iterator[list[LogRecord]]:
    """Divide records into messages that each fit into a payload."""
    batch: list[LogRecord] = []
    size = 0
    for record in records:
        cost = len(msgspec.json.encode(record)) + 1
        if batch and (size + cost > BATCH_BYTES or len(batch) >= limits.RECORDS_PER_MESSAGE):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += cost
    if batch:
        yield batch


class PlatformLogHandler(logging.Handler):
    """Sends what an app logs to the platform.

    Records are gathered for up to a second, and stored in the spool together; one of level
    ERROR or above is stored at once, with those before it. Until then they are in memory.

    Args:
        send: stores and sends records.
        stamp: the time, ms since the epoch.
    """

    def __init__(self, send: Callable[[list[LogRecord]], None], stamp: Callable[[], int]) -> None:
        super().__init__()
        self._send = send
        self._stamp = stamp
        self._buffer: list[LogRecord] = []
        self._buffer_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the standard library's logging."""
        if record.name.split(".", 1)[0] in _OWN_LOGGERS:
            return
        try:
            error = record.exc_info[1] if record.exc_info else None
            line = LogRecord(
                level=level_of(record.levelno),
                message=record.getMessage()[:MESSAGE_CHARS],
                ts=self._stamp(),
                logger=record.name[: limits.NAME_CHARS],
                exception=exception_info(error) if error is not None else None,
            )
        except Exception:
            self.handleError(record)
            return
        with self._buffer_lock:
            self._buffer.append(line)
            due = len(self._buffer) >= BATCH_RECORDS
        if due or record.levelno >= logging.ERROR:
            self.flush()

    def flush(self) -> None:
        """Store what was gathered."""
        with self._buffer_lock:
            records, self._buffer = self._buffer, []
        if records:
            self._send(records)
