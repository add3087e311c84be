"""Panels over device logs: how much, how bad, which faults, who is loud."""

from dataclasses import dataclass

from muster_platform.access.permissions import Permission
from muster_platform.logs.fingerprint_views import FingerprintFilter, FingerprintView
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.overview import LogOverview, NoisyDevice
from muster_platform.logs.ranges import Part
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.logs.views import LogView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site.home.panel import DAY_MS, ROWS, Panel
from muster_protocol.messages import Level

TONES: dict[Level, str] = {
    Level.FATAL: "bad",
    Level.ERROR: "bad",
    Level.WARN: "warn",
    Level.INFO: "busy",
    Level.DEBUG: "mute",
    Level.TRACE: "mute",
}
"""Level -> tone of its share in bars."""
STACK = ("bad", "warn", "busy", "mute")
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a bar: in units of the drawing, from the top."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the histogram; `start` is ms since the epoch."""

    start: int
    total: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """The histogram of a day; `most` is the height of its highest bar in records."""

    columns: list[Column]
    total: int
    most: int


def volume(unit: Unit) -> Volume:
    """Give how much was logged in the last day."""
    parts = LogOverview(unit).volume(unit.now() - DAY_MS, unit.now())
    most = max((part.total for part in parts), default=0)
    return Volume(
        [Column(part.start, part.total, _blocks(part, most)) for part in parts],
        sum(part.total for part in parts),
        most,
    )


def _blocks(part: Part, most: int) -> tuple[Block, ...]:
    """Stack a bar, the worst level at the bottom, where it is seen first."""
    found, y = [], float(HEIGHT)
    for tone in STACK:
        number = sum(n for level, n in part.counts.items() if TONES[level] == tone)
        if number:
            height = max(1.0, HEIGHT * number / most)
            y -= height
            found.append(Block(tone, round(y, 2), round(height, 2)))
    return tuple(found)


def levels(unit: Unit) -> list[tuple[Level, str, int]]:
    """Give (level, tone, records) of the last day, the worst first."""
    counts = LogOverview(unit).levels(unit.now() - DAY_MS)
    return [(level, TONES[level], number) for level, number in counts.items()]


def faults(unit: Unit) -> list[FingerprintView]:
    """Give the faults with most records in the last day."""
    return LogOverview(unit).top_fingerprints(unit.now() - DAY_MS, ROWS)


def new_faults(unit: Unit) -> list[FingerprintView]:
    """Give the faults that were never seen before the last day, the newest first."""
    wanted = FingerprintFilter(new_since=unit.now() - DAY_MS, sort="first_seen")
    return FingerprintService(unit).search(wanted, PageRequest(ROWS)).items


def loud(unit: Unit) -> list[NoisyDevice]:
    """Give the devices that log most."""
    return LogOverview(unit).noisy_devices(unit.now() - DAY_MS, ROWS)


def errors(unit: Unit) -> list[LogView]:
    """Give the newest errors in logs."""
    wanted = LogFilter(min_level=Level.ERROR, since=unit.now() - DAY_MS)
    return LogService(unit).search(wanted, PageRequest(ROWS)).items


def ask(_unit: Unit) -> None:
    """Give nothing: the form is all there is."""


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    may_read = (Permission.LOGS_READ,)
    return [
        Panel(name="ask", title="", permissions=may_read, read=ask),
        Panel(
            name="volume",
            title="Records in 24 hours",
            permissions=may_read,
            read=volume,
            every_s=15,
            more=("Search logs", "logs.index"),
        ),
        Panel(name="levels", title="By level", permissions=may_read, read=levels, every_s=15),
        Panel(
            name="faults",
            title="Most frequent faults",
            permissions=may_read,
            read=faults,
            every_s=15,
            more=("All faults", "fingerprints.index"),
        ),
        Panel(
            name="new_faults",
            title="New faults in 24 hours",
            permissions=may_read,
            read=new_faults,
            topics="fleet:log",
            more=("All faults", "fingerprints.index"),
        ),
        Panel(name="loud", title="Loudest devices", permissions=may_read, read=loud, every_s=30),
        Panel(
            name="errors",
            title="Latest errors in logs",
            permissions=may_read,
            read=errors,
            topics="fleet:log",
            more=("Search logs", "logs.index"),
        ),
    ]
