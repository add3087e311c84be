"""What charts are drawn from: gathered, bounded, broken where a device was silent; CSV raw."""

import pytest
from sqlalchemy import insert

from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from tests.integration.site.conftest import OPERATOR, SYSTEM, World

BASE = "/admin/devices/probe-1/telemetry"
BEGIN = 1_700_000_000_000


@pytest.fixture
def filled(world: World) -> World:
    """probe-1 has a value a second for 2,000 s, then none for an hour, then 100 more."""
    with world.platform.unit(SYSTEM) as unit:
        metric = Metric(name="=temp", kind="number")
        unit.session.add(metric)
        unit.session.flush()
        key = DeviceService(unit).get("probe-1").id
        moments = [*range(2_000), *range(5_600, 5_700)]
        rows = [
            {"device_key": key, "metric_id": metric.id, "ts": BEGIN + n * 1_000, "num": n % 10}
            for n in moments
        ]
        unit.session.execute(insert(telemetry), rows)
        unit.session.add(
            LatestValue(device_key=key, metric_id=metric.id, ts=BEGIN + 5_699_000, num=9)
        )
    return world


def _series(world: World, query: str) -> dict:
    answer = world.browser(OPERATOR).get(f"{BASE}.json?metric=%3Dtemp&{query}")
    assert answer.status_code == 200, answer.text[:500]
    [series] = answer.json["series"]
    return series


def test_many_values_are_gathered_and_the_silence_is_a_gap(filled: World) -> None:
    series = _series(filled, f"since={BEGIN}&until={BEGIN + 5_700_000}")
    assert series["bucket_ms"] > 0
    assert len(series["ts"]) <= 401
    assert series["mean"].count(None) == 1
    assert series["ts"] == sorted(series["ts"])
    assert (series["min"][3], series["max"][3]) == (0, 9)


def test_a_short_time_gives_the_values_themselves(filled: World) -> None:
    series = _series(filled, f"since={BEGIN}&until={BEGIN + 10_000}")
    assert series["bucket_ms"] == 0
    assert series["mean"] == series["min"] == list(range(10))


@pytest.mark.parametrize(
    "query", ["since=5&until=5", "since=9&until=2", "since=x&until=9", "since=5", "range_ms=0"]
)
def test_a_time_that_is_none_is_answered_in_words(filled: World, query: str) -> None:
    assert filled.browser().get(f"{BASE}.json?metric=%3Dtemp&{query}").status_code == 422


def test_the_export_holds_raw_values_and_no_formula(filled: World) -> None:
    path = f"{BASE}.csv?metric=%3Dtemp&since={BEGIN}&until={BEGIN + 2_000}"
    answer = filled.browser(OPERATOR).get(path)
    assert answer.text.splitlines() == [
        "time,ts,metric,value",
        f"2023-11-14T22:13:20.000+00:00,{BEGIN},'=temp,0.0",
        f"2023-11-14T22:13:21.000+00:00,{BEGIN + 1_000},'=temp,1.0",
    ]
    assert "attachment" in answer.headers["Content-Disposition"]
    assert filled.browser(OPERATOR).get("/admin/devices/probe-2/telemetry.csv").status_code == 404
