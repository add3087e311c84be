"""What keeps log records, and answers questions about them.

Services decide what an actor may see and hand over the devices; a store never decides. The
database is one (`logs.database`); a search engine can be another, behind the same pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Select

from muster_platform.logs.text_query import Term
from muster_platform.logs.views import LogView


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A question, narrowed already; what is None or empty does not narrow further.

    Attributes:
        devices: selects the keys of the devices that count; one that cannot use it as a
            condition runs it.
        levels: numbers.
        since, until: ms since the epoch by ts; since is included, until is not.
    """

    devices: Select[Any]
    terms: tuple[Term, ...] = ()
    levels: frozenset[int] | None = None
    logger: str = ""
    exception_type: str | None = None
    fingerprint: str | None = None
    log_session: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    until: int | None = None


class Position(NamedTuple):
    """Where a record stands: by time, then by id."""

    ts: int
    id: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Records of one level in one part of a range; `start` is ms since the epoch."""

    start: int
    level: int
    count: int


class Facet(StrEnum):
    """What matching records can be counted by."""

    LEVEL = "level"
    LOGGER = "logger"
    DEVICE = "device"
    FINGERPRINT = "fingerprint"
    EXCEPTION = "exception"


class LogStore(Protocol):
    """Keeps log records."""

    def search(
        self, query: LogQuery, size: int, beyond: Position | None = None, *, newest_first: bool
    ) -> list[LogView]:
        """Give records in order, those beyond a position (the position itself left out)."""
        ...

    def get(self, devices: Select[Any], record_id: str) -> LogView | None:
        """Give one, if it is of one of these devices."""
        ...

    def span(self, query: LogQuery) -> tuple[int, int] | None:
        """Give ts of the oldest and the newest record, None where none matches."""
        ...

    def histogram(self, query: LogQuery, since: int, width_ms: int) -> list[Bar]:
        """Count by level in parts of that width from `since` on; those without any are left out."""
        ...

    def counts(
        self, query: LogQuery, by: Facet, size: int, most: int | None = None
    ) -> Sequence[tuple[str, int]]:
        """Count by something, most first.

        Args:
            size: most lines.
            most: look at this many of the newest records only; None: at all of them.
        """
        ...
