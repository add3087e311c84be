"""Device logs: searched, counted over a range, seen around one record, exported.

Following them live runs over signals of kind `log` (`muster_platform.live`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from muster_platform.errors import InvalidInput, NotFound
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.narrowing import narrowed, readable
from muster_platform.logs.ranges import Part, fill, width_of
from muster_platform.logs.store import Facet, LogQuery, LogStore, Position
from muster_platform.logs.stores import store_of
from muster_platform.logs.views import LogView
from muster_platform.paging import PageRequest, decode_cursor, encode_cursor
from muster_platform.unit import Unit
from muster_protocol.messages import Level

__all__ = ["LogContext", "LogFilter", "LogHistogram", "LogPage", "LogService"]

FACETS = (Facet.LOGGER, Facet.DEVICE, Facet.FINGERPRINT, Facet.EXCEPTION)
FACET_LINES = 8
FACET_RECORDS = 20_000
"""Facets count the newest of the records only: what people narrow by shows there already."""
CONTEXT_MAX = 200

_NEWEST, _OLDEST = "ts-", "ts"
_KINDS = (int, str)


@dataclass(frozen=True, slots=True)
class LogPage:
    """One part of a search.

    Attributes:
        next_cursor: further on in the order of the search; None at its end.
        previous_cursor: back towards its beginning, where new records may have come since;
            None on a first page without any record.
    """

    items: list[LogView]
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LogHistogram:
    """Records over a range, in equal parts, oldest first. Times are ms since the epoch."""

    since: int
    until: int
    width_ms: int
    parts: list[Part]

    @property
    def total(self) -> int:
        """Give all of it."""
        return sum(part.total for part in self.parts)

    @property
    def levels(self) -> dict[Level, int]:
        """Give all of it by level, the worst first; levels without any are left out."""
        sums = {level: sum(p.counts.get(level, 0) for p in self.parts) for level in Level}
        return {level: sums[level] for level in reversed(Level) if sums[level]}


@dataclass(frozen=True, slots=True)
class LogContext:
    """A record and what its device wrote around it, oldest first."""

    before: list[LogView]
    record: LogView
    after: list[LogView]
    has_earlier: bool
    has_later: bool


class LogService:
    """Reads the log store."""

    def __init__(self, unit: Unit, store: LogStore | None = None) -> None:
        self._unit = unit
        self._store = store or store_of(unit)

    def search(self, wanted: LogFilter, page: PageRequest) -> LogPage:
        """Search, newest first (or oldest first); a cursor goes on in its own direction.

        Raises:
            PermissionDenied: without logs:read on the device's group, or on any group at all.
            NotFound: the filter names a device or group that is not there for the actor.
            InvalidInput: the text cannot be read, or the cursor does not fit.
        """
        query = narrowed(self._unit, wanted)
        size = min(page.size, self._unit.settings.page_size_max)
        ahead = _OLDEST if wanted.oldest_first else _NEWEST
        order, beyond = _position(page.cursor, ahead)
        found = self._store.search(query, size + 1, beyond, newest_first=order == _NEWEST)
        has_more, items = len(found) > size, found[:size]
        if order != ahead:
            items.reverse()
        back = _OLDEST if ahead == _NEWEST else _NEWEST
        goes_on = has_more or order != ahead
        return LogPage(
            items,
            next_cursor=_cursor(ahead, items[-1]) if items and goes_on else None,
            previous_cursor=_cursor(back, items[0]) if items else None,
        )

    def get(self, record_id: str) -> LogView:
        """Get one.

        Raises:
            NotFound: no such record that the actor may read.
            PermissionDenied: without logs:read on any group at all.
        """
        found = self._store.get(readable(self._unit), record_id)
        if found is None:
            raise NotFound("log record", record_id)
        return found

    def context(self, record_id: str, before: int = 20, after: int = 20) -> LogContext:
        """Give what the same device wrote around a record, whatever its level.

        Args:
            before, after: most records on each side, at most CONTEXT_MAX.

        Raises:
            NotFound: as `get`.
        """
        record = self.get(record_id)
        query = narrowed(self._unit, LogFilter(device_id=record.device_id))
        here = Position(record.ts, record.id)
        sides = [min(max(number, 0), CONTEXT_MAX) for number in (before, after)]
        earlier, later = (
            self._store.search(query, size + 1, here, newest_first=newest)
            for size, newest in zip(sides, (True, False), strict=True)
        )
        return LogContext(
            before=earlier[: sides[0]][::-1],
            record=record,
            after=later[: sides[1]],
            has_earlier=len(earlier) > sides[0],
            has_later=len(later) > sides[1],
        )

    def histogram(self, wanted: LogFilter, bars: int = 60) -> LogHistogram | None:
        """Count what matches by level over the range; None where no range is given and nothing is.

        Where the filter leaves an end of the range open, it is that of the records. The first
        part begins at a multiple of its width.

        Raises:
            PermissionDenied, NotFound, InvalidInput: as `search`.
        """
        query = narrowed(self._unit, wanted)
        since, until = wanted.since, wanted.until
        if since is None or until is None:
            span = self._store.span(query)
            if span is None and since is None:
                return None
            since = span[0] if since is None and span else since or 0
            last = span[1] + 1 if span else since + 1
            until = until if until is not None else max(last, min(self._unit.now(), last + 1))
        until = max(until, since + 1)
        width = width_of(since, until, bars)
        start = since // width * width
        found = self._store.histogram(replace(query, since=since, until=until), start, width)
        return LogHistogram(start, until, width, fill(found, start, until, width))

    def facets(self, wanted: LogFilter) -> dict[Facet, Sequence[tuple[str, int]]]:
        """Count the newest FACET_RECORDS of what matches by FACETS, most first.

        Raises:
            PermissionDenied, NotFound, InvalidInput: as `search`.
        """
        query = narrowed(self._unit, wanted)
        return {by: self._store.counts(query, by, FACET_LINES, FACET_RECORDS) for by in FACETS}

    def export(self, wanted: LogFilter) -> Iterator[LogView]:
        """Give all that matches, in the order of `search`, up to the setting export_rows_max.

        Raises:
            PermissionDenied, NotFound, InvalidInput: as `search`; at once, not with the first row.
        """
        return self._walk(narrowed(self._unit, wanted), newest_first=not wanted.oldest_first)

    def _walk(self, query: LogQuery, *, newest_first: bool) -> Iterator[LogView]:
        left, beyond = self._unit.settings.export_rows_max, None
        while left > 0:
            size = min(left, self._unit.settings.page_size_max)
            found = self._store.search(query, size, beyond, newest_first=newest_first)
            yield from found
            left -= len(found)
            if len(found) < size:
                return
            beyond = Position(found[-1].ts, found[-1].id)


def _cursor(order: str, record: LogView) -> str:
    return encode_cursor(order, (record.ts, record.id))


def _position(cursor: str | None, ahead: str) -> tuple[str, Position | None]:
    """Give the order in which a cursor goes on, and from where.

    Raises:
        InvalidInput: it is none.
    """
    if cursor is None:
        return ahead, None
    try:
        order, values = _NEWEST, decode_cursor(cursor, _NEWEST, _KINDS)
    except InvalidInput:
        order, values = _OLDEST, decode_cursor(cursor, _OLDEST, _KINDS)
    return order, Position(*values)
