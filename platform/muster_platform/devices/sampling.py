"""History of one series down-sampled in the database: N buckets of min, max, mean, last, count."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from muster_platform.devices.stream_models import telemetry

POINTS = 500
POINTS_MAX = 5_000
MEAN_BOUND = 1e290
"""A larger value counts as this in a mean: a sum of such values would be none."""

Value = float | bool | str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The values of a time [ts, ts + bucket_ms).

    Attributes:
        ts: its beginning, or the value's own time where nothing was gathered; ms since the epoch.
        count: how many values.
        min, max, mean: of the numbers; None without any. A boolean is 0 or 1.
        last: the newest value as it was sent; of several at one time the greatest.
        different: how many different texts.
    """

    ts: int
    count: int
    min: float | None
    max: float | None
    mean: float | None
    last: Value
    different: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """Which values: of a device and a metric, in a time [since, until)."""

    device_key: int
    metric_id: int
    kind: str
    since: int
    until: int

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Give the conditions, which the index (device_key, metric_id, ts) answers."""
        columns = telemetry.c
        return (
            columns.device_key == self.device_key,
            columns.metric_id == self.metric_id,
            columns.ts >= self.since,
            columns.ts < self.until,
        )


def value_of(kind: str, num: float | None, txt: str | None) -> Value:
    """Give a value as it was sent; a metric may change its kind, then what is stored counts."""
    if num is None:
        return txt
    return bool(num) if kind == "boolean" and num in (0, 1) else num


def sample(session: Session, series: Series, points: int) -> tuple[int, list[Bucket]]:
    """Give at most so many buckets, oldest first; those without a value are left out.

    Returns:
        The width of a bucket in ms, and the buckets. The width is 0 where there are no more
        values than points: each is then a bucket of its own.
    """
    few = _values(session, series, points)
    if few is not None:
        return 0, few
    width = -(-(series.until - series.since) // points)
    rows = session.execute(statement(series, width)).all()
    newest = _newest(session, series, [row.newest for row in rows])
    return width, [_bucket(row, series, width, newest) for row in rows]


def statement(series: Series, width: int) -> Any:
    """Give the query that gathers: whole numbers only decide the bucket, on both databases."""
    columns = telemetry.c
    number = ((columns.ts - series.since) // width).label("bucket")
    num = columns.num
    bounded = case((num > MEAN_BOUND, MEAN_BOUND), (num < -MEAN_BOUND, -MEAN_BOUND), else_=num)
    gathered = [
        number,
        func.count().label("count"),
        func.count(num).label("numbers"),
        func.min(num).label("least"),
        func.max(num).label("most"),
        func.sum(bounded).label("total"),
        func.max(columns.ts).label("newest"),
    ]
    if series.kind == "text":
        gathered.append(func.count(columns.txt.distinct()).label("different"))
    return select(*gathered).where(*series.conditions()).group_by(number).order_by(number)


def _values(session: Session, series: Series, points: int) -> list[Bucket] | None:
    """Give the values themselves, None where there are more than that."""
    columns = telemetry.c
    rows = session.execute(
        select(columns.ts, columns.num, columns.txt)
        .where(*series.conditions())
        .order_by(columns.ts)
        .limit(points + 1)
    ).all()
    if len(rows) > points:
        return None
    return [
        Bucket(ts, 1, num, num, num, value_of(series.kind, num, txt), int(txt is not None))
        for ts, num, txt in rows
    ]


def _newest(session: Session, series: Series, moments: list[int]) -> dict[int, Value]:
    """Give the value at each of these times; an aggregate over all rows would cost far more."""
    columns = telemetry.c
    rows = session.execute(
        select(columns.ts, columns.num, columns.txt).where(
            columns.device_key == series.device_key,
            columns.metric_id == series.metric_id,
            columns.ts.in_(moments),
        )
    ).all()
    ordered = sorted(rows, key=lambda row: (row.ts, row.num is None, row.num or 0, row.txt or ""))
    return {ts: value_of(series.kind, num, txt) for ts, num, txt in ordered}


def _bucket(row: Any, series: Series, width: int, newest: dict[int, Value]) -> Bucket:
    mean = None
    if row.numbers:
        # Rounding may carry a mean of equal values past them.
        mean = min(max(row.total / row.numbers, row.least), row.most)
    return Bucket(
        series.since + row.bucket * width,
        row.count,
        row.least,
        row.most,
        mean,
        newest.get(row.newest),
        row.different if series.kind == "text" else 0,
    )


def with_gaps(buckets: list[Bucket], bucket_ms: int) -> list[Bucket | None]:
    """Put None where a device was silent for long: a line must not be drawn across.

    Long is more than three times the usual distance between two.
    """
    if len(buckets) < 3:
        return list(buckets)
    steps = [later.ts - one.ts for one, later in pairwise(buckets)]
    usual = sorted(steps)[len(steps) // 2]
    longest = max(3 * usual, 2 * bucket_ms, 1_000)
    shown: list[Bucket | None] = [buckets[0]]
    for step, bucket in zip(steps, buckets[1:], strict=True):
        if step > longest:
            shown.append(None)
        shown.append(bucket)
    return shown
