"""Logs of all devices that the person may read: searched, seen around one record, followed."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
from flask import Response, request, stream_with_context, url_for
from flask_admin import expose

from muster_platform.errors import InvalidInput
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.service import CONTEXT_MAX, LogHistogram, LogPage, LogService
from muster_platform.logs.store import Facet
from muster_platform.logs.views import LogView
from muster_platform.paging import Page, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import exports, gate
from muster_platform.web.site.views import choices, log_filters
from muster_platform.web.site.views.device_parts import TAIL_RECORDS, log_level, log_record
from muster_protocol.messages import Level

PAGE = 100
CONTEXT = 20
CHART_WIDTH, CHART_HEIGHT = 960, 90
TONES = {
    Level.FATAL: "bad",
    Level.ERROR: "bad",
    Level.WARN: "warn",
    Level.INFO: "busy",
    Level.DEBUG: "mute",
    Level.TRACE: "mute",
}
FACETS = (
    (Facet.LOGGER, "Loggers", "logger"),
    (Facet.DEVICE, "Devices", "device"),
    (Facet.EXCEPTION, "Exceptions", "exception"),
    (Facet.FINGERPRINT, "Fingerprints", "fingerprint"),
)
HEADER = ("ts", "level", "device", "logger", "message", "exception", "fingerprint", "id")


class Logs(gate.SiteView):
    """Log search."""

    @expose("/")
    def index(self) -> str | tuple[str, int]:
        """Show what matches, newest first; a mistake is told above the form's results."""
        wanted, shown = log_filters.wanted(), SimpleNamespace(page=LogPage([]), mistake="")
        with gate.reading() as unit:
            try:
                shown = _search(unit, wanted)
            except InvalidInput as error:
                shown.mistake = gate.sentence(error)
        page = self.render(
            "site/logs/search.html",
            **vars(shown),
            wanted=wanted,
            levels=log_filters.LEVEL_CHOICES,
            all_levels=list(Level),
            ranges=[(key, text) for key, (text, _ms) in log_filters.RANGES.items()],
            groups=choices.groups(),
            profiles=choices.profiles(),
            newer_url=_page_url(shown.page.previous_cursor),
            older_url=_page_url(shown.page.next_cursor),
            csv_url=gate.query(url_for(".export"), cursor=None),
            lines_url=gate.query(url_for(".export_lines"), cursor=None),
        )
        return (page, 422) if shown.mistake else page

    @expose("/record/<record_id>")
    def record(self, record_id: str) -> str:
        """Show a record and what its device wrote around it."""
        before, after = _number("before"), _number("after")
        with gate.reading() as unit:
            found = LogService(unit).context(record_id, before, after)
        return self.render(
            "site/logs/record.html",
            context=found,
            record=found.record,
            earlier_url=gate.query(request.path, before=str(min(before * 2, CONTEXT_MAX)))
            if found.has_earlier and before < CONTEXT_MAX
            else "",
            later_url=gate.query(request.path, after=str(min(after * 2, CONTEXT_MAX)))
            if found.has_later and after < CONTEXT_MAX
            else "",
        )

    @expose("/follow")
    def follow(self) -> str:
        """Show what is written from now on."""
        with gate.reading() as unit:
            LogService(unit).search(LogFilter(since=unit.now()), PageRequest(1))
        return self.render(
            "site/logs/follow.html",
            wanted=log_filters.wanted(),
            levels=log_filters.LEVEL_CHOICES,
            groups=choices.groups(),
        )

    @expose("/tail.json")
    def tail(self) -> dict[str, Any]:
        """Give the newest records for the page that follows, oldest first."""
        args = request.args
        wanted = LogFilter(
            device_id=args.get("device_id") or None,
            group_id=log_filters.group_choice(args.get("group", "")),
            min_level=log_level(args.get("min_level", "")),
            text=args.get("text", ""),
            logger=args.get("logger", ""),
        )
        with gate.reading() as unit:
            page = LogService(unit).search(wanted, PageRequest(TAIL_RECORDS))
        records = [{**log_record(one), "device": one.device_id} for one in reversed(page.items)]
        return {"records": records}

    @expose("/export.csv")
    def export(self) -> Response:
        """Export what matches, up to the installation's limit."""
        rows = (
            (
                *(r.ts, r.level, r.device_id, r.logger, r.message, r.exception_type or ""),
                *(r.fingerprint, r.id),
            )
            for r in _all()
        )
        return exports.csv("logs", HEADER, rows)

    @expose("/export.jsonl")
    def export_lines(self) -> Response:
        """Export what matches, a JSON document a line, up to the installation's limit."""
        return Response(
            stream_with_context(msgspec.json.encode(record) + b"\n" for record in _all()),
            mimetype="application/jsonl",
            headers={"Content-Disposition": "attachment; filename=logs.jsonl"},
        )


def _all() -> Iterator[LogView]:
    wanted = log_filters.wanted()

    def fetch(unit: Unit, page: PageRequest) -> Page[LogView]:
        found = LogService(unit).search(wanted.filter(unit.now()), page)
        return Page(found.items, found.next_cursor)

    return exports.rows(fetch)


def _search(unit: Unit, wanted: log_filters.Wanted) -> SimpleNamespace:
    service, found = LogService(unit), wanted.filter(unit.now())
    page = service.search(found, PageRequest(PAGE, request.args.get("cursor") or None))
    bars = service.histogram(log_filters.without_default(found, unit.now()))
    facets = service.facets(found)
    titles = FingerprintService(unit).titles([value for value, _ in facets[Facet.FINGERPRINT]])
    return SimpleNamespace(
        page=page,
        mistake="",
        chart=chart(bars) if bars is not None and bars.total else None,
        moves=log_filters.moves(bars) if bars is not None else None,
        facets=[
            SimpleNamespace(
                title=title,
                lines=[
                    SimpleNamespace(
                        text=titles.get(value, value), count=count, url=_facet_url(name, value)
                    )
                    for value, count in facets[by]
                ],
            )
            for by, title, name in FACETS
            if facets[by]
        ],
    )


def chart(found: LogHistogram) -> SimpleNamespace:
    """Lay the bars of a histogram out as rectangles of an SVG."""
    highest = max(part.total for part in found.parts) or 1
    width = CHART_WIDTH / len(found.parts)
    bars = []
    for index, part in enumerate(found.parts):
        pieces, top = [], float(CHART_HEIGHT)
        for level in reversed(Level):
            count = part.counts.get(level, 0)
            height = CHART_HEIGHT * count / highest
            top -= height
            if count:
                pieces.append(SimpleNamespace(y=top, height=height, tone=TONES[level]))
        bars.append(
            SimpleNamespace(
                x=index * width,
                width=width,
                pieces=pieces,
                part=part,
                url=log_filters.narrowed_url(part.start, part.end),
            )
        )
    return SimpleNamespace(
        bars=bars,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
        since=found.since,
        until=found.parts[-1].end,
        width_s=found.width_ms // 1000,
        total=found.total,
        highest=highest,
        levels=[
            SimpleNamespace(
                level=level,
                count=count,
                tone=TONES[level],
                url=gate.query(url_for("logs.index"), cursor=None, only=str(level), level=None),
            )
            for level, count in found.levels.items()
        ],
        url=gate.query(url_for("logs.index"), cursor=None, range=None, since=None, until=None),
    )


def _facet_url(name: str, value: str) -> str:
    return gate.query(url_for("logs.index"), cursor=None, **{name: value})


def _page_url(cursor: str | None) -> str:
    return gate.query(request.path, cursor=cursor) if cursor else ""


def _number(name: str) -> int:
    text = request.args.get(name, str(CONTEXT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise InvalidInput(f"{name} is a number up to {CONTEXT_MAX}", where=name)
    return min(int(text), CONTEXT_MAX)
