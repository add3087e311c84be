"""Telemetry's partitions on PostgreSQL: made ahead, filled from the default one, dropped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from muster_platform.devices import partitions, retention
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.worker import retention as worker
from tests.services.database import ADMIN, MigratedPostgres, TestPlatform

DAY = 24 * 3600 * 1000


@pytest.fixture
def platform(migrated_postgres: MigratedPostgres, tmp_path: Path) -> Iterator[TestPlatform]:
    """Give a platform on PostgreSQL without weeks, before and after: others share it."""
    built = TestPlatform(migrated_postgres.empty(), tmp_path / "state")
    _drop_weeks(built)
    with built.unit(ADMIN) as unit:
        for name in ("camera", "phone"):
            ProfileService(unit).create(name)
        DeviceService(unit).register("cam-1", "camera")
    yield built
    _drop_weeks(built)
    built.close()


@pytest.fixture
def now(platform) -> int:
    return platform.clock.now_ms()


def _drop_weeks(platform):
    with platform.engine.begin() as connection:
        for week in partitions.existing(connection):
            connection.execute(text(f"DROP TABLE {week.name}"))


def _values(platform, moments):
    with platform.unit(ADMIN) as unit:
        metric = Metric(name="temperature", kind="number")
        unit.session.add(metric)
        unit.session.flush()
        key = DeviceService(unit).get("cam-1").id
        rows = [{"device_key": key, "metric_id": metric.id, "ts": ts, "num": 1.0} for ts in moments]
        unit.session.execute(insert(telemetry), rows)
        latest = LatestValue(device_key=key, metric_id=metric.id, ts=max(moments), num=1.0)
        unit.session.add(latest)


def _keep(platform, profile, **days):
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).update(profile, limits=days)


def _existing(platform):
    with platform.unit(ADMIN, write=False) as unit:
        return partitions.existing(unit.session.connection())


def _where(platform):
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.execute(
            text("SELECT ts, CAST(tableoid AS regclass) || '' FROM telemetry ORDER BY ts")
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("ts", [0, 4 * DAY - 1, 4 * DAY, 1_700_000_000_000])
def test_every_moment_lies_in_its_week(ts):
    week = partitions.week_of(ts)
    assert week.start <= ts < week.end
    assert partitions.week_of(week.end).start == week.end


def test_weeks_are_made_around_now_and_what_the_default_holds_moves_in(platform, now):
    long_ago = now - 400 * DAY
    _values(platform, [long_ago, now - 20 * DAY, now])
    made = worker.care_for_partitions(platform)
    assert made == len(_existing(platform)) == partitions.WEEKS_BEFORE + partitions.WEEKS_AHEAD + 1
    assert _where(platform) == [
        (long_ago, "telemetry_default"),
        (now - 20 * DAY, partitions.week_of(now - 20 * DAY).name),
        (now, partitions.week_of(now).name),
    ]
    assert worker.care_for_partitions(platform) == 0
    platform.time.advance(s=7 * 24 * 3600)
    assert worker.care_for_partitions(platform) == 1


def test_a_week_with_too_many_rows_stays_in_the_default(platform, now, monkeypatch):
    monkeypatch.setattr(partitions, "MOVED_ROWS_MAX", 1)
    _values(platform, [now, now - 1])
    worker.care_for_partitions(platform)
    assert {name for _, name in _where(platform)} == {"telemetry_default"}
    assert partitions.week_of(now).name not in {week.name for week in _existing(platform)}


def test_weeks_that_no_profile_wants_are_dropped_and_rows_between_are_deleted(platform, now):
    _values(platform, [now - 30 * DAY, now - 16 * DAY, now])
    worker.care_for_partitions(platform)
    _keep(platform, "camera", telemetry_kept_days=15)
    assert worker.care_for_partitions(platform) == 0  # phones are kept for ever
    _keep(platform, "phone", telemetry_kept_days=15)
    assert worker.care_for_partitions(platform) > 0
    border = retention.border(now, 15)
    assert min(week.end for week in _existing(platform)) > border
    worker.clean_data(platform)
    assert [ts for ts, _ in _where(platform)] == [now]


def test_a_locked_table_makes_partitions_late_and_breaks_nothing(platform, now, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT_MS", 50)
    with platform.engine.begin() as other:
        other.execute(text("LOCK TABLE telemetry_default IN ROW EXCLUSIVE MODE"))
        assert worker.care_for_partitions(platform) == 0
    assert worker.care_for_partitions(platform) > 0
