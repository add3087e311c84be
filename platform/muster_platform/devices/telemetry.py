"""Telemetry, read: the latest values, and the history of a metric, raw or gathered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device
from muster_platform.devices.sampling import (
    POINTS,
    POINTS_MAX,
    Bucket,
    Series,
    Value,
    sample,
    value_of,
)
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.limits import CLOCK_FUTURE_MS

HISTORY_POINTS = 1_000
HISTORY_POINTS_MAX = 10_000
RAW_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Latest:
    """Newest value of a metric.

    Attributes:
        kind: number, boolean or text.
        ts: ms since the epoch.
    """

    metric: str
    kind: str
    ts: int
    value: Value


@dataclass(frozen=True, slots=True)
class History:
    """Values of one metric, oldest first.

    Attributes:
        points: (ts in ms, value); empty where it was asked to gather.
        more: there are older ones within the time asked for.
        bucket_ms: time that each of `buckets` gathers; 0 where each is one value.
        buckets: gathered, oldest first; those without a value are left out.
    """

    metric: str
    kind: str
    points: list[tuple[int, Value]]
    more: bool
    bucket_ms: int = 0
    buckets: list[Bucket] = field(default_factory=list)


class TelemetryService:
    """Reads telemetry of devices."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def latest(self, device_id: str) -> list[Latest]:
        """Give the newest value of every metric, by name.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without telemetry:read on its group.
        """
        device = find_device(self._unit, device_id, Permission.TELEMETRY_READ)
        rows = self._session.execute(
            select(Metric.name, Metric.kind, LatestValue.ts, LatestValue.num, LatestValue.txt)
            .join(Metric, Metric.id == LatestValue.metric_id)
            .where(LatestValue.device_key == device.id)
            .order_by(Metric.name)
        )
        return [
            Latest(name, kind, ts, value_of(kind, num, txt)) for name, kind, ts, num, txt in rows
        ]

    def history(
        self,
        device_id: str,
        metric: str,
        since: int | None = None,
        until: int | None = None,
        limit: int = HISTORY_POINTS,
    ) -> History:
        """Give the newest values of a metric within a time.

        Args:
            since: ms since the epoch, included; None for the beginning.
            until: ms since the epoch, not included; None for all that has come.
            limit: most points, at most HISTORY_POINTS_MAX.

        Raises:
            NotFound: no such device that the actor may read, or no such metric of it.
            PermissionDenied: without telemetry:read on its group.
            InvalidInput: the limit is out of range.
        """
        if not 1 <= limit <= HISTORY_POINTS_MAX:
            raise InvalidInput(f"limit is 1 to {HISTORY_POINTS_MAX}", where="limit")
        known = self._series(device_id, metric, since, until)
        columns = telemetry.c
        newest = self._session.execute(
            select(columns.ts, columns.num, columns.txt)
            .where(*known.conditions())
            .order_by(columns.ts.desc())
            .limit(limit + 1)
        ).all()
        points = [(ts, value_of(known.kind, num, txt)) for ts, num, txt in newest[:limit]]
        return History(metric, known.kind, points[::-1], more=len(newest) > limit)

    def sampled(
        self,
        device_id: str,
        metric: str,
        since: int | None = None,
        until: int | None = None,
        points: int = POINTS,
    ) -> History:
        """Give the history of a metric in at most so many buckets, gathered in the database.

        Args:
            since, until: as `history`; without since, from the oldest value on.
            points: most buckets, 1 to POINTS_MAX.

        Raises:
            NotFound, PermissionDenied: as `history`.
            InvalidInput: points are out of range.
        """
        if not 1 <= points <= POINTS_MAX:
            raise InvalidInput(f"points are 1 to {POINTS_MAX}", where="points")
        known = self._series(device_id, metric, since, until)
        if since is None:
            oldest = self._session.scalar(
                select(func.min(telemetry.c.ts)).where(*known.conditions())
            )
            known = replace(known, since=known.until if oldest is None else oldest)
        width, buckets = sample(self._session, known, points)
        return History(metric, known.kind, [], more=False, bucket_ms=width, buckets=buckets)

    def raw(
        self,
        device_id: str,
        metrics: Sequence[str] = (),
        since: int | None = None,
        until: int | None = None,
    ) -> Iterator[tuple[str, int, Value]]:
        """Give (metric, ts, value) of some or all metrics, oldest first within each metric.

        Ends after `export_rows_max` rows.

        Raises:
            NotFound, PermissionDenied: as `history`.
        """
        names = metrics or [latest.metric for latest in self.latest(device_id)]
        left = self._unit.settings.export_rows_max
        chosen = [(name, self._series(device_id, name, since, until)) for name in names]
        return self._rows(chosen, left)

    def _rows(
        self, chosen: list[tuple[str, Series]], left: int
    ) -> Iterator[tuple[str, int, Value]]:
        columns = telemetry.c
        for name, series in chosen:
            if left <= 0:
                return
            rows = self._session.execute(
                select(columns.ts, columns.num, columns.txt)
                .where(*series.conditions())
                .order_by(columns.ts)
                .limit(left),
                execution_options={"yield_per": RAW_BATCH},
            )
            for ts, num, txt in rows:
                left -= 1
                yield name, ts, value_of(series.kind, num, txt)

    def _series(self, device_id: str, metric: str, since: int | None, until: int | None) -> Series:
        device = find_device(self._unit, device_id, Permission.TELEMETRY_READ)
        known = self._session.execute(
            select(Metric.id, Metric.kind)
            .join(LatestValue, LatestValue.metric_id == Metric.id)
            .where(Metric.name == metric, LatestValue.device_key == device.id)
        ).one_or_none()
        if known is None:
            raise NotFound("metric", f"{metric} of {device_id}")
        begin = 0 if since is None else since
        end = self._unit.now() + CLOCK_FUTURE_MS + 1 if until is None else until
        return Series(device.id, known.id, known.kind, begin, max(begin, end))
