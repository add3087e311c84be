"""Searching the logs of all devices that the person may read."""

from types import SimpleNamespace

from flask import Response, request, url_for
from flask_admin import expose

from muster_platform.errors import InvalidInput
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import exports, gate
from muster_platform.web.site.views.device_parts import log_level

PAGE = 100
RANGES = {
    "15m": ("Last 15 minutes", 15 * 60_000),
    "1h": ("Last hour", 3_600_000),
    "24h": ("Last day", 86_400_000),
    "7d": ("Last 7 days", 7 * 86_400_000),
    "all": ("Any time", None),
}
DEFAULT_RANGE = "24h"
LEVEL_CHOICES = (
    ("", "All levels"),
    ("DEBUG", "Debug and up"),
    ("INFO", "Info and up"),
    ("WARN", "Warnings and up"),
    ("ERROR", "Errors and up"),
)


class Logs(gate.SiteView):
    """Log search."""

    @expose("/")
    def index(self) -> str:
        """Show what matches, newest first."""
        with gate.reading() as unit:
            page = LogService(unit).search(
                log_filter(unit), PageRequest(PAGE, request.args.get("cursor") or None)
            )
        return self.render(
            "site/logs.html",
            records=page.items,
            wanted=_wanted(),
            levels=LEVEL_CHOICES,
            ranges=[(key, text) for key, (text, _ms) in RANGES.items()],
            older_url=gate.older(page.next_cursor),
            export_url=gate.query(url_for(".export"), cursor=None),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export what matches, up to the installation's limit."""
        header = ("ts", "level", "device", "logger", "message", "exception")
        records = exports.rows(lambda unit, page: LogService(unit).search(log_filter(unit), page))
        rows = (
            (r.ts, r.level, r.device_id, r.logger, r.message, r.exception_type or "")
            for r in records
        )
        return exports.csv("logs", header, rows)


def log_filter(unit: Unit) -> LogFilter:
    """Read the filter from the address.

    Raises:
        InvalidInput: a level or range that is none.
    """
    wanted = _wanted()
    if wanted.range not in RANGES:
        raise InvalidInput(f"range is one of {', '.join(RANGES)}", where="range")
    back_ms = RANGES[wanted.range][1]
    return LogFilter(
        device_id=wanted.device or None,
        min_level=log_level(wanted.level),
        text=wanted.text,
        logger=wanted.logger,
        since=unit.now() - back_ms if back_ms is not None else None,
    )


def _wanted() -> SimpleNamespace:
    names = ("text", "device", "logger", "level")
    given = {name: request.args.get(name, "").strip() for name in names}
    return SimpleNamespace(**given, range=request.args.get("range", DEFAULT_RANGE))
