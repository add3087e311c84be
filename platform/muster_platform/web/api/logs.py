"""Device logs: searched, counted, seen around one record, exported."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.errors import NotFound
from muster_platform.logs.filter import LogFilter, parse_fields, parse_pair
from muster_platform.logs.ranges import BARS
from muster_platform.logs.service import CONTEXT_MAX, LogHistogram, LogPage, LogService
from muster_platform.logs.text_query import QUERY_CHARS
from muster_platform.logs.views import LogView
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api import streaming
from muster_platform.web.api.common import Cursor, DeviceId, Input, Key, Limit, Millis, Name
from muster_platform.web.api.routing import Csv, JsonLines, Routes
from muster_platform.web.site.csv_safe import lines
from muster_protocol.messages import Level

routes = Routes("Logs")

READ = Permission.LOGS_READ

Pair = Annotated[str, Meta(min_length=1, max_length=321)]
Side = Annotated[int, Meta(ge=0, le=CONTEXT_MAX)]


class DeviceLogChoice(Input, kw_only=True):
    """Which records of a device.

    Attributes:
        text: words that all occur in message or exception, "phrases", -not; case does not matter.
        level: any of these; min_level: this one or worse.
        logger: its name begins so.
        field: `name=value` of the record's own fields; several must all fit.
        since: from then on; until: before then.
    """

    text: Annotated[str, Meta(max_length=QUERY_CHARS)] = ""
    level: list[Level] = []
    min_level: Level | None = None
    logger: Annotated[str, Meta(max_length=128)] = ""
    exception_type: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    fingerprint: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    log_session: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    field: list[Pair] = []
    since: Millis | None = None
    until: Millis | None = None
    oldest_first: bool = False

    def filter(self) -> LogFilter:
        """Give it as the service takes it.

        Raises:
            InvalidInput: a field that cannot be read.
        """
        return LogFilter(
            text=self.text,
            levels=frozenset(self.level),
            min_level=self.min_level,
            logger=self.logger,
            exception_type=self.exception_type,
            fingerprint=self.fingerprint,
            log_session=self.log_session,
            fields=parse_fields(self.field),
            since=self.since,
            until=self.until,
            oldest_first=self.oldest_first,
        )


class LogChoice(DeviceLogChoice, kw_only=True):
    """Which records.

    Attributes:
        group: of devices in this group or inside it.
        profile: of devices with this profile.
        tag: of devices with it: `name` or `name=value`.
        component: of devices that have it: `name` or `name=version`.
    """

    device_id: DeviceId | None = None
    group: Key | None = None
    profile: Name | None = None
    tag: Pair | None = None
    component: Pair | None = None

    def filter(self) -> LogFilter:
        """Give it as the service takes it."""
        return replace(
            DeviceLogChoice.filter(self),
            device_id=self.device_id,
            group_id=self.group,
            profile=self.profile,
            tag=parse_pair(self.tag),
            component=parse_pair(self.component),
        )


class DeviceLogQuery(DeviceLogChoice, kw_only=True):
    """Which records of a device, and which part of them."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class LogQuery(LogChoice, kw_only=True):
    """Which records, and which part of them."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class HistogramQuery(LogChoice, kw_only=True):
    """Which records, and in how many parts at most."""

    bars: Annotated[int, Meta(ge=1, le=500)] = BARS


class ContextQuery(Input, kw_only=True):
    """How many records on each side."""

    before: Side = 20
    after: Side = 20


class FoundLogs(msgspec.Struct, kw_only=True):
    """A part of a search.

    Attributes:
        next_cursor: further on; null at the end.
        previous_cursor: back, where new records may have come since; null where there is none.
    """

    items: list[LogView]
    next_cursor: str | None
    previous_cursor: str | None


class PartAnswer(msgspec.Struct, kw_only=True):
    """A part of a range, ms since the epoch; `end` is not in it. Levels without records lack."""

    start: int
    end: int
    counts: dict[Level, int]


class HistogramAnswer(msgspec.Struct, kw_only=True):
    """Records over a range, in equal parts, oldest first; empty where nothing matches at all.

    Attributes:
        levels: all of it by level.
    """

    since: int
    until: int
    width_ms: int
    levels: dict[Level, int]
    parts: list[PartAnswer]


class FacetLine(msgspec.Struct, kw_only=True):
    """How many records have this value."""

    value: str
    count: int


class FacetsAnswer(msgspec.Struct, kw_only=True):
    """What the newest 20,000 of the matching records have in common, most first."""

    logger: list[FacetLine]
    device: list[FacetLine]
    fingerprint: list[FacetLine]
    exception: list[FacetLine]


class ContextAnswer(msgspec.Struct, kw_only=True):
    """A record and what its device wrote around it, oldest first."""

    before: list[LogView]
    record: LogView
    after: list[LogView]
    has_earlier: bool
    has_later: bool


@routes.add("GET", "/logs", permission=READ, errors=(NotFound,))
def search_logs(unit: Unit, query: LogQuery) -> FoundLogs:
    """Search the logs of all devices that you may read, newest first."""
    page = PageRequest(query.limit, query.cursor)
    return _found(LogService(unit).search(query.filter(), page))


@routes.add("GET", "/logs/histogram", permission=READ, errors=(NotFound,))
def get_log_histogram(unit: Unit, query: HistogramQuery) -> HistogramAnswer:
    """Count what matches by level over the range."""
    return _histogram(LogService(unit).histogram(query.filter(), query.bars))


@routes.add("GET", "/logs/facets", permission=READ, errors=(NotFound,))
def get_log_facets(unit: Unit, query: LogChoice) -> FacetsAnswer:
    """Count what matches by logger, device, fingerprint and type of exception."""
    found = LogService(unit).facets(query.filter())
    listed = {
        str(by): [FacetLine(value=value, count=count) for value, count in counts]
        for by, counts in found.items()
    }
    return FacetsAnswer(**listed)


@routes.add("GET", "/logs.csv", permission=READ, errors=(NotFound,))
def export_logs(unit: Unit, query: LogChoice) -> Csv:
    """Export what matches as CSV; no cell is a formula.

    Ends after the setting `export_rows_max`.
    """
    sent: Csv = streaming.answer(Csv, lines(CSV_HEADER, map(row_of, _all(unit, query))))
    return sent


@routes.add("GET", "/logs.jsonl", permission=READ, errors=(NotFound,))
def export_logs_lines(unit: Unit, query: LogChoice) -> JsonLines:
    """Export what matches as JSON, one record a line; ends likewise."""
    sent: JsonLines = streaming.answer(JsonLines, json_lines(_all(unit, query)))
    return sent


@routes.add("GET", "/logs/{record_id}", permission=READ)
def get_log(unit: Unit, record_id: str) -> LogView:
    """Get a log record."""
    return LogService(unit).get(record_id)


@routes.add("GET", "/logs/{record_id}/context", permission=READ)
def get_log_context(unit: Unit, record_id: str, query: ContextQuery) -> ContextAnswer:
    """Get what the same device wrote before and after a record."""
    found = LogService(unit).context(record_id, query.before, query.after)
    names = ContextAnswer.__struct_fields__
    return ContextAnswer(**{name: getattr(found, name) for name in names})


@routes.add("GET", "/devices/{device_id}/logs", permission=READ)
def list_device_logs(unit: Unit, device_id: str, query: DeviceLogQuery) -> FoundLogs:
    """Search a device's logs, newest first."""
    wanted = replace(query.filter(), device_id=device_id)
    return _found(LogService(unit).search(wanted, PageRequest(query.limit, query.cursor)))


CSV_HEADER = (
    *("ts", "level", "device_id", "logger", "message", "exception_type", "exception_message"),
    *("stacktrace", "fields", "fingerprint", "log_session", "id"),
)


def row_of(record: LogView) -> tuple[object, ...]:
    """Give a record as a line of the CSV export."""
    fields = msgspec.json.encode(record.fields).decode() if record.fields else ""
    return (
        *(record.ts, record.level, record.device_id, record.logger, record.message),
        *(record.exception_type, record.exception_message, record.stacktrace),
        *(fields, record.fingerprint, record.log_session, record.id),
    )


def _all(unit: Unit, query: LogChoice) -> Iterator[LogView]:
    wanted = query.filter()
    return streaming.rows(unit, lambda own, page: LogService(own).search(wanted, page))


def json_lines(records: Iterator[LogView]) -> Iterator[str]:
    """Write records as JSON, one a line."""
    return (f"{msgspec.json.encode(record).decode()}\n" for record in records)


def _found(page: LogPage) -> FoundLogs:
    return FoundLogs(
        items=page.items, next_cursor=page.next_cursor, previous_cursor=page.previous_cursor
    )


def _histogram(found: LogHistogram | None) -> HistogramAnswer:
    if found is None:
        return HistogramAnswer(since=0, until=0, width_ms=1, levels={}, parts=[])
    return HistogramAnswer(
        since=found.since,
        until=found.until,
        width_ms=found.width_ms,
        levels=found.levels,
        parts=[PartAnswer(start=p.start, end=p.end, counts=p.counts) for p in found.parts],
    )
