"""Retention by profile: what is old goes, in bounded steps; what is wanted stays."""

import pytest
from sqlalchemy import func, insert, select

from muster_platform.devices import retention
from muster_platform.devices.models import DeviceEvent
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_models import RetentionMark
from muster_platform.devices.stream_models import (
    LatestValue,
    Metric,
    Quarantined,
    RawMessage,
    telemetry,
)
from muster_platform.logs.models import LogRecord
from muster_platform.worker import retention as worker
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN

DAY = 24 * 3600 * 1000


@pytest.fixture
def now(platform) -> int:
    return platform.clock.now_ms()


def _metric(platform, name):
    with platform.unit(ADMIN) as unit:
        metric = Metric(name=name, kind="number")
        unit.session.add(metric)
        unit.session.flush()
        return metric.id


def _values(platform, device_id, metric_id, moments):
    key = load(platform, device_id).id
    with platform.unit(ADMIN) as unit:
        rows = [{"device_key": key, "metric_id": metric_id, "ts": ts, "num": 1.0} for ts in moments]
        unit.session.execute(insert(telemetry), rows)
        unit.session.add(LatestValue(device_key=key, metric_id=metric_id, ts=max(moments), num=1.0))


def _left(platform, device_id):
    key = load(platform, device_id).id
    with platform.unit(ADMIN, write=False) as unit:
        found = select(telemetry.c.ts).where(telemetry.c.device_key == key)
        return sorted(unit.session.scalars(found))


def _keep(platform, profile, **days):
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).update(profile, limits=days)


def test_values_older_than_the_profile_wants_go_and_others_stay(platform, fleet, now):
    metric = _metric(platform, "temperature")
    border = retention.border(now, 7)
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("phone-1", "phone")
    moments = [border - 100 * DAY, border - 1, border, now]
    _values(platform, "cam-1", metric, moments)
    _values(platform, "phone-1", metric, moments)
    _keep(platform, "camera", telemetry_kept_days=7)
    assert worker.clean_data(platform) == 2
    assert _left(platform, "cam-1") == [border, now]
    assert _left(platform, "phone-1") == moments
    assert worker.clean_data(platform) == 0


def test_the_installations_default_holds_where_a_profile_says_nothing(platform, fleet, now):
    metric = _metric(platform, "temperature")
    platform.configure(telemetry_kept_days=1)
    _keep(platform, "phone", telemetry_kept_days=0)
    old = [now - 3 * DAY, now]
    _values(platform, "cam-1", metric, old)
    worker.clean_data(platform)
    assert _left(platform, "cam-1") == [now]


def test_each_day_has_one_round_and_hours_between_have_none(platform, fleet, now):
    metric = _metric(platform, "temperature")
    _keep(platform, "camera", telemetry_kept_days=1)
    _values(platform, "cam-1", metric, [now - n * DAY // 4 for n in range(20)])
    first = worker.clean_data(platform)
    assert first > 0
    platform.time.advance(s=60)
    assert worker.clean_data(platform) == 0
    platform.time.advance(s=24 * 3600)
    assert worker.clean_data(platform) == 4
    with platform.unit(ADMIN, write=False) as unit:
        mark = unit.session.get_one(
            RetentionMark, f"telemetry:{load(platform, 'cam-1').profile_id}"
        )
        assert (mark.deleted, mark.after_key) == (first + 4, None)


def test_a_round_goes_on_where_a_killed_pass_stopped(platform, fleet, now, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 10)
    monkeypatch.setattr(retention, "DEVICES", 1)
    metric = _metric(platform, "temperature")
    _keep(platform, "camera", telemetry_kept_days=1)
    for device in ("cam-1", "cam-2"):
        _values(platform, device, metric, [now - 9 * DAY + n for n in range(25)])
    with platform.unit(ADMIN) as unit:
        [wanted] = retention.rounds(unit, "telemetry")
        assert retention.step(unit, wanted, retention.delete_telemetry) == (10, False)
    with platform.unit(ADMIN, write=False) as unit:
        retention.step(unit, wanted, retention.delete_telemetry)  # killed before its commit
    assert len(_left(platform, "cam-1")) == 15
    assert worker.clean_data(platform) == 40
    assert _left(platform, "cam-1") == _left(platform, "cam-2") == []


def test_a_round_under_way_deletes_nothing_that_is_kept_for_longer_from_now_on(
    platform, fleet, now, monkeypatch
):
    monkeypatch.setattr(retention, "DEVICES", 1)
    metric = _metric(platform, "temperature")
    _keep(platform, "camera", telemetry_kept_days=1)
    for device in ("cam-1", "cam-2"):
        _values(platform, device, metric, [now - 9 * DAY, now - 40 * DAY])
    with platform.unit(ADMIN) as unit:
        [wanted] = retention.rounds(unit, "telemetry")
        retention.step(unit, wanted, retention.delete_telemetry)
    assert _left(platform, "cam-1") == []
    _keep(platform, "camera", telemetry_kept_days=30)
    worker.clean_data(platform)
    assert _left(platform, "cam-2") == [now - 9 * DAY]


def test_a_metric_without_any_value_loses_its_name_and_latest_value(platform, fleet, now):
    old, new = _metric(platform, "old"), _metric(platform, "new")
    _values(platform, "cam-1", old, [now - 9 * DAY])
    _values(platform, "cam-1", new, [now - 9 * DAY, now])
    _keep(platform, "camera", telemetry_kept_days=1)
    worker.clean_data(platform)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalars(select(Metric.name)).all() == ["new"]
        assert unit.session.scalars(select(LatestValue.metric_id)).all() == [new]


def test_the_newest_name_stays_so_that_its_id_is_never_given_again(platform, fleet):
    _metric(platform, "first")
    _metric(platform, "last")
    worker.clean_data(platform)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalars(select(Metric.name)).all() == ["last"]


def _record(key, number, ts):
    return LogRecord(
        id=f"{key}.b.{number}.0",
        device_key=key,
        ts=ts,
        received_at=ts,
        level=30,
        logger="app",
        message="m",
        fields={},
        fingerprint="",
    )


def test_logs_go_by_the_profiles_own_border(platform, fleet, now):
    key = load(platform, "cam-1").id
    border = retention.border(now, 3)
    with platform.unit(ADMIN) as unit:
        moments = (border - 1, border, now)
        unit.session.add_all(_record(key, n, ts) for n, ts in enumerate(moments))
    _keep(platform, "camera", logs_kept_days=3, telemetry_kept_days=1)
    assert worker.clean_data(platform) == 1
    with platform.unit(ADMIN, write=False) as unit:
        found = unit.session.scalars(select(LogRecord.ts).order_by(LogRecord.ts)).all()
    assert found == [border, now]


def test_timelines_raw_messages_and_quarantine_go_by_the_installations_settings(
    platform, fleet, now
):
    key = load(platform, "cam-1").id
    old = now - 9 * DAY
    with platform.unit(ADMIN) as unit:
        for moment in (old, now):
            unit.session.add_all(
                [
                    DeviceEvent(device_key=key, at=moment, kind="hello", summary="", data={}),
                    RawMessage(device_key=key, received_at=moment, topic="t", payload=b""),
                    Quarantined(
                        received_at=moment,
                        topic="t",
                        device_id="cam-1",
                        device_key=key,
                        payload=b"",
                        reason="syntax",
                        detail="",
                    ),
                ]
            )
    worker.clean_data(platform)
    counts = (RawMessage, Quarantined)
    with platform.unit(ADMIN, write=False) as unit:
        for model in counts:
            assert unit.session.scalar(select(func.count()).select_from(model)) == 2
    platform.configure(events_kept_days=1, raw_kept_days=1, quarantine_kept_days=1)
    assert worker.clean_data(platform) == 3
    with platform.unit(ADMIN, write=False) as unit:
        for model in counts:
            assert unit.session.scalar(select(func.count()).select_from(model)) == 1
        assert unit.session.get_one(RetentionMark, "raw").deleted == 1
