"""Telemetry as CSV, for the API and the site."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from muster_platform.devices.sampling import Value
from muster_platform.web.site import csv_safe

HEADER = ("time", "ts", "metric", "value")


def lines(rows: Iterable[tuple[str, int, Value]]) -> Iterator[str]:
    """Write (metric, ts, value) one line at a time; times as ISO 8601 in UTC and in ms."""
    return csv_safe.lines(HEADER, map(_line, rows))


def _line(row: tuple[str, int, Value]) -> tuple[object, ...]:
    name, ts, value = row
    moment = datetime.fromtimestamp(ts / 1000, UTC).isoformat(timespec="milliseconds")
    return moment, ts, name, value
