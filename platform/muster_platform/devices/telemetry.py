"""Telemetry, read: the latest values and the history of one metric."""

from dataclasses import dataclass

from sqlalchemy import select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.unit import Unit

HISTORY_POINTS = 1_000
HISTORY_POINTS_MAX = 10_000

Value = float | bool | str | None


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
        points: (ts in ms, value).
        more: there are older ones within the time asked for.
    """

    metric: str
    kind: str
    points: list[tuple[int, Value]]
    more: bool


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
        return [Latest(name, kind, ts, _value(kind, num, txt)) for name, kind, ts, num, txt in rows]

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
            until: ms since the epoch, not included; None for now.
            limit: most points, at most HISTORY_POINTS_MAX.

        Raises:
            NotFound: no such device that the actor may read, or no such metric of it.
            PermissionDenied: without telemetry:read on its group.
            InvalidInput: the limit is out of range.
        """
        if not 1 <= limit <= HISTORY_POINTS_MAX:
            raise InvalidInput(f"limit is 1 to {HISTORY_POINTS_MAX}", where="limit")
        device = find_device(self._unit, device_id, Permission.TELEMETRY_READ)
        known = self._session.execute(
            select(Metric.id, Metric.kind)
            .join(LatestValue, LatestValue.metric_id == Metric.id)
            .where(Metric.name == metric, LatestValue.device_key == device.id)
        ).one_or_none()
        if known is None:
            raise NotFound("metric", f"{metric} of {device_id}")
        columns = telemetry.c
        statement = select(columns.ts, columns.num, columns.txt).where(
            columns.device_key == device.id, columns.metric_id == known.id
        )
        if since is not None:
            statement = statement.where(columns.ts >= since)
        if until is not None:
            statement = statement.where(columns.ts < until)
        newest = self._session.execute(statement.order_by(columns.ts.desc()).limit(limit + 1)).all()
        points = [(ts, _value(known.kind, num, txt)) for ts, num, txt in newest[:limit]]
        return History(metric, known.kind, points[::-1], more=len(newest) > limit)


def _value(kind: str, num: float | None, txt: str | None) -> Value:
    """Give a value as it was sent; a metric may change its kind, then what is stored counts."""
    if num is None:
        return txt
    return bool(num) if kind == "boolean" and num in (0, 1) else num
