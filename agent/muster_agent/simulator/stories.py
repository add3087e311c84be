"""What simulated devices write into their logs: ordinary lines, and crashes that group well."""

from random import Random
from typing import NamedTuple

from muster_protocol.messages import ExceptionInfo, Level, LogRecord

_LINES: dict[Level, tuple[tuple[str, str], ...]] = {
    Level.TRACE: (("app.loop", "turn {n} took {ms} ms"),),
    Level.DEBUG: (
        ("app.cache", "cache holds {n} entries, {ms} ms since the last sweep"),
        ("app.radio", "signal {n} dBm on channel {small}"),
    ),
    Level.INFO: (
        ("app.sync", "synchronised {n} records in {ms} ms"),
        ("app.sensor", "calibration {small} finished after {ms} ms"),
        ("app.net", "address renewed for {n} s"),
        ("app.power", "charging stage {small} reached"),
    ),
    Level.WARN: (
        ("app.net", "request {n} took {ms} ms, retrying"),
        ("app.sensor", "reading {n} outside its range, taken again"),
        ("app.disk", "{small} % of the data partition is left"),
    ),
    Level.ERROR: (
        ("app.net", "upload {n} failed with status 50{small}"),
        ("app.sensor", "bus {small} does not answer, {n} readings missed"),
    ),
    Level.FATAL: (("app.main", "watchdog fired after {ms} ms"),),
}


class _Crash(NamedTuple):
    level: Level
    logger: str
    kind: str
    text: str
    frames: tuple[str, ...]


_CRASHES = (
    _Crash(
        Level.ERROR,
        "app.sensor",
        "sensor.ReadError",
        "register {n} gave no value",
        (
            'File "app/sensor.py", line 88, in read',
            'File "app/bus.py", line 41, in transfer',
        ),
    ),
    _Crash(
        Level.ERROR,
        "app.sync",
        "ValueError",
        "cannot parse entry {n}",
        (
            'File "app/sync.py", line 132, in pull',
            'File "app/entries.py", line 27, in parse',
        ),
    ),
    _Crash(
        Level.ERROR,
        "app.net",
        "TimeoutError",
        "no answer within {ms} ms",
        (
            'File "app/net.py", line 210, in send',
            'File "app/net.py", line 64, in _await_answer',
        ),
    ),
    _Crash(
        Level.FATAL,
        "app.main",
        "MemoryError",
        "frame {n}",
        (
            'File "app/main.py", line 51, in run',
            'File "app/camera.py", line 119, in grab',
        ),
    ),
)


def _fill(text: str, random: Random) -> str:
    return text.format(
        n=random.randint(1, 9999), ms=random.randint(3, 900), small=random.randint(1, 9)
    )


def ordinary(random: Random, levels: dict[Level, float], ts: int) -> LogRecord:
    """Write an ordinary line, of a level drawn by its share."""
    level = random.choices(list(levels), list(levels.values()))[0]
    logger, text = random.choice(_LINES[level])
    return LogRecord(level=level, message=_fill(text, random), ts=ts, logger=logger)


def crash(random: Random, ts: int) -> LogRecord:
    """Write a crash: one of a few kinds, so that fingerprints repeat over the fleet."""
    kind = random.choice(_CRASHES)
    text = _fill(kind.text, random)
    trace = "\n".join(f"  {frame}" for frame in kind.frames)
    return LogRecord(
        level=kind.level,
        message=f"unexpected {kind.kind}: {text}",
        ts=ts,
        logger=kind.logger,
        exception=ExceptionInfo(
            type=kind.kind,
            message=text,
            stacktrace=f"Traceback (most recent call last):\n{trace}\n{kind.kind}: {text}",
        ),
    )
