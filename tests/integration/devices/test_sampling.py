"""Gathering history in the database gives what a plain computation gives, by the index."""

import math
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text

from muster_platform.devices.sampling import Bucket, Series, statement, with_gaps
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.errors import InvalidInput, NotFound
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, NOBODY, actor

BEGIN = 1_700_000_000_000

MOMENTS = st.integers(0, 5_000)
NUMBERS = st.floats(-1e6, 1e6) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text("abc", max_size=2)


@pytest.fixture
def series(platform, fleet):
    with platform.unit(ADMIN) as unit:
        for name, kind in (("t", "number"), ("on", "boolean"), ("mode", "text")):
            unit.session.add(Metric(name=name, kind=kind))
        unit.session.flush()
        key = load(platform, "cam-1").id
        for metric in unit.session.query(Metric):
            unit.session.add(
                LatestValue(device_key=key, metric_id=metric.id, ts=BEGIN, num=None, txt=None)
            )
    return platform


def _store(platform, name, values):
    with platform.unit(ADMIN) as unit:
        metric = unit.session.query(Metric).filter_by(name=name).one()
        key = load(platform, "cam-1").id
        unit.session.execute(delete(telemetry))
        rows = [
            {
                "device_key": key,
                "metric_id": metric.id,
                "ts": BEGIN + ts,
                "num": None if isinstance(value, str) else float(value),
                "txt": value if isinstance(value, str) else None,
            }
            for ts, value in values
        ]
        if rows:
            unit.session.execute(insert(telemetry), rows)
        return Series(key, metric.id, metric.kind, BEGIN, BEGIN + 5_001)


def _sampled(platform, name, points, since=BEGIN, until=BEGIN + 5_001):
    with platform.unit(ADMIN, write=False) as unit:
        return TelemetryService(unit).sampled("cam-1", name, since, until, points)


def _naive(values, width):
    """Compute buckets of numbers as one would by hand."""
    gathered = defaultdict(list)
    for ts, value in values:
        gathered[ts // width].append((ts, value))
    found = {}
    for number, inside in gathered.items():
        numbers = [value for _, value in inside]
        found[BEGIN + number * width] = (
            len(numbers),
            min(numbers),
            max(numbers),
            math.fsum(value / len(numbers) for value in numbers),
            max(inside)[1],
        )
    return found


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.lists(st.tuples(MOMENTS, NUMBERS), max_size=60), points=st.integers(1, 30))
def test_buckets_of_numbers_are_what_one_computes_by_hand(series, values, points):
    _store(series, "t", values)
    history = _sampled(series, "t", points)
    if len(values) <= points:
        assert history.bucket_ms == 0
        assert sorted((b.ts - BEGIN, b.last) for b in history.buckets) == sorted(values)
        return
    width = -(-5_001 // points)
    assert history.bucket_ms == width
    assert len(history.buckets) <= points
    expected = _naive(values, width)
    assert [bucket.ts for bucket in history.buckets] == sorted(expected)
    for bucket in history.buckets:
        count, least, most, mean, last = expected[bucket.ts]
        assert (bucket.count, bucket.min, bucket.max, bucket.last) == (count, least, most, last)
        assert bucket.min <= bucket.mean <= bucket.max
        # Sums of numbers of both signs lose what is small beside them.
        largest = max(abs(least), abs(most))
        if largest < 1e290:
            assert math.isclose(bucket.mean, mean, rel_tol=1e-9, abs_tol=largest * 1e-9)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.tuples(MOMENTS, TEXTS), min_size=4, max_size=30))
def test_buckets_of_texts_hold_the_last_and_how_many_differ(series, values):
    _store(series, "mode", values)
    history = _sampled(series, "mode", 3)
    gathered = defaultdict(list)
    for ts, value in values:
        gathered[ts // 1_667].append((ts, value))
    for bucket in history.buckets:
        inside = gathered.pop((bucket.ts - BEGIN) // 1_667)
        assert (bucket.count, bucket.mean, bucket.min) == (len(inside), None, None)
        assert bucket.last == max(inside)[1]
        assert bucket.different == len({value for _, value in inside})
    assert not gathered


def test_a_boolean_has_the_share_of_time_it_was_true(series):
    _store(series, "on", [(n, n % 4 == 0) for n in range(100)])
    [bucket] = _sampled(series, "on", 1).buckets
    assert (bucket.min, bucket.max, bucket.mean, bucket.last) == (0, 1, 0.25, False)


def test_values_no_sum_can_hold_still_have_a_mean(series):
    _store(series, "t", [(n, 1.7e308) for n in range(3)] + [(9, 5e-324), (9, -1.7e308)])
    [bucket] = _sampled(series, "t", 1).buckets
    assert (bucket.count, bucket.min, bucket.max) == (5, -1.7e308, 1.7e308)
    assert math.isfinite(bucket.mean)


def test_without_since_it_begins_with_the_oldest_value(series):
    _store(series, "t", [(n, n) for n in range(100)])
    history = _sampled(series, "t", 10, since=None, until=None)
    assert history.buckets[0].ts == BEGIN
    assert sum(bucket.count for bucket in history.buckets) == 100


@pytest.mark.parametrize(("since", "until"), [(BEGIN + 9_000, None), (BEGIN, BEGIN), (BEGIN, 5)])
def test_a_time_without_values_has_no_buckets(series, since, until):
    _store(series, "t", [(1, 1.0)])
    assert _sampled(series, "t", 5, since, until).buckets == []


def test_who_may_not_read_telemetry_is_told_nothing(series, fleet):
    _store(series, "t", [(1, 1.0)])
    for who, error in ((NOBODY, NotFound), (actor("operator", fleet.rome.path), NotFound)):
        with series.unit(who, write=False) as unit, pytest.raises(error):
            TelemetryService(unit).sampled("cam-1", "t")
    with series.unit(ADMIN, write=False) as unit:
        for points in (0, 5_001):
            with pytest.raises(InvalidInput):
                TelemetryService(unit).sampled("cam-1", "t", points=points)


def test_raw_rows_come_oldest_first_and_end_at_the_installations_limit(series):
    _store(series, "t", [(n, n) for n in (3, 1, 2)])
    with series.unit(ADMIN, write=False) as unit:
        rows = list(TelemetryService(unit).raw("cam-1", ["t"]))
    assert rows == [("t", BEGIN + n, float(n)) for n in (1, 2, 3)]
    series.configure(export_rows_max=2)
    with series.unit(ADMIN, write=False) as unit:
        assert len(list(TelemetryService(unit).raw("cam-1"))) == 2


def test_the_database_finds_the_values_by_the_index(series):
    wanted = _store(series, "t", [(n, n) for n in range(5_000)])
    compiled = statement(wanted, 500)
    with series.unit(ADMIN, write=False) as unit:
        connection = unit.session.connection()
        if connection.dialect.name == "postgresql":
            # So few rows are read faster without one: ask for the plan of many.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            explain = "EXPLAIN "
        else:
            explain = "EXPLAIN QUERY PLAN "
        sql = str(compiled.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(str(tuple(row)) for row in connection.execute(text(explain + sql)))
    assert "device_metric_ts" in plan or "device_key_metric_id_ts" in plan, plan
    if series.engine.dialect.name == "postgresql":
        assert "Index Cond: ((device_key =" in plan
        assert "ts >=" in plan.split("Index Cond:")[1].split("\n")[0]
    else:
        assert "ts>?" in plan


def _bucket(ts):
    return Bucket(ts, 1, 1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("moments", "width", "gaps_after"),
    [
        ([], 0, []),
        ([1], 0, []),
        ([0, 1_000, 2_000, 3_000], 0, []),
        ([0, 1_000, 2_000, 9_000, 10_000], 0, [2]),
        ([0, 10, 20, 900], 0, []),
        ([0, 60_000, 120_000, 300_000, 360_000], 60_000, []),
        ([0, 60_000, 120_000, 420_000, 480_000], 60_000, [2]),
    ],
)
def test_a_line_breaks_where_a_device_was_silent(moments, width, gaps_after):
    shown = with_gaps([_bucket(ts) for ts in moments], width)
    assert [bucket.ts for bucket in shown if bucket] == moments
    breaks = [index for index, bucket in enumerate(shown) if bucket is None]
    assert [index - 1 for index in breaks] == gaps_after
