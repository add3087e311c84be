"""What the charts of a device page are drawn from."""

from typing import Any

from flask import request

from muster_platform.devices.sampling import Bucket, with_gaps
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit
from muster_platform.web.site.views.forms import positive_integer

METRICS_PER_REQUEST = 16
POINTS = 400
"""Buckets of one chart: about one for each pixel of its width."""
DAY_MS = 24 * 3600 * 1000
WINDOW_MS_MAX = 20 * 366 * DAY_MS


def window(now: int) -> tuple[int, int]:
    """Read the asked time [since, until) in ms: `range_ms` up to now, or `since` and `until`.

    Raises:
        InvalidInput: no whole numbers, or the end before the beginning.
    """
    args = request.args
    if "since" in args or "until" in args:
        since = positive_integer(args.get("since", ""), "since")
        until = positive_integer(args.get("until", ""), "until")
        if not since < until <= since + WINDOW_MS_MAX:
            raise InvalidInput("until lies behind since, at most 20 years", where="until")
        return since, until
    range_ms = positive_integer(args.get("range_ms", "3600000"), "range_ms")
    return max(0, now + 1 - range_ms), now + 1


def charts(unit: Unit, device_id: str, metrics: list[str]) -> dict[str, Any]:
    """Give from, to, and of each metric ts, min, max and mean (null where a line breaks).

    Raises:
        InvalidInput: too many metrics at once, or a time that is none.
    """
    if len(metrics) > METRICS_PER_REQUEST:
        raise InvalidInput(f"at most {METRICS_PER_REQUEST} metrics at once", where="metric")
    service = TelemetryService(unit)
    since, until = window(unit.now())
    series = []
    for name in metrics:
        found = service.sampled(device_id, name, since, until, POINTS)
        numbers = [bucket for bucket in found.buckets if bucket.mean is not None]
        series.append({"name": name, **_columns(numbers, found.bucket_ms)})
    return {"from": since, "to": until, "series": series}


def _columns(buckets: list[Bucket], bucket_ms: int) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {"ts": [], "min": [], "max": [], "mean": []}
    last = 0
    for bucket in with_gaps(buckets, bucket_ms):
        # A bucket is drawn at its middle; a break just behind the value before it.
        last = last + 1 if bucket is None else bucket.ts + bucket_ms // 2
        columns["ts"].append(last)
        for name in ("min", "max", "mean"):
            columns[name].append(None if bucket is None else getattr(bucket, name))
    return {**columns, "bucket_ms": bucket_ms}
