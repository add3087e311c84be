"""Telemetry, ledger, quarantine and timeline, read by who may."""

import dataclasses

import pytest
from sqlalchemy import insert

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import Permission
from muster_platform.devices.ledger_view import LedgerService
from muster_platform.devices.models import DeviceEvent
from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import (
    LatestValue,
    LedgerRow,
    LedgerTotal,
    Metric,
    Quarantined,
    telemetry,
)
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.devices.timeline import TimelineLine, TimelineService
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, NOBODY, actor


def _reader(*permissions, path=None):
    return Actor("user", "r", "r@example.org", (Grant(frozenset(permissions), path),))


@pytest.fixture
def keys(platform, fleet):
    return {name: load(platform, name).id for name in ("cam-1", "cam-2")}


@pytest.fixture
def measured(platform, keys):
    """Ten temperatures, one door, one text of cam-1."""
    rows = [
        {"device_key": keys["cam-1"], "metric_id": 1, "ts": ts, "num": ts / 2, "txt": None}
        for ts in range(10)
    ]
    latest = [(1, 9, 4.5, None), (2, 9, 1.0, None), (3, 9, None, "idle")]
    with platform.unit(ADMIN) as unit:
        for number, (name, kind) in enumerate(
            (("temperature", "number"), ("door", "boolean"), ("mode", "text")), start=1
        ):
            unit.session.add(Metric(id=number, name=name, kind=kind))
        unit.session.flush()
        unit.session.execute(insert(telemetry), rows)
        for metric, ts, num, txt in latest:
            unit.session.add(
                LatestValue(device_key=keys["cam-1"], metric_id=metric, ts=ts, num=num, txt=txt)
            )


def test_latest_values_come_as_they_were_sent(platform, measured):
    with platform.unit(ADMIN, write=False) as unit:
        latest = TelemetryService(unit).latest("cam-1")
        assert TelemetryService(unit).latest("cam-2") == []
    assert [(item.metric, item.value) for item in latest] == [
        ("door", True),
        ("mode", "idle"),
        ("temperature", 4.5),
    ]
    assert latest[0].value is True


def test_history_gives_the_newest_of_a_time_oldest_first(platform, measured):
    with platform.unit(ADMIN, write=False) as unit:
        service = TelemetryService(unit)
        part = service.history("cam-1", "temperature", since=2, until=8, limit=3)
        assert ([ts for ts, _ in part.points], part.more) == ([5, 6, 7], True)
        whole = service.history("cam-1", "temperature")
        assert (len(whole.points), whole.more) == (10, False)
        with pytest.raises(NotFound, match="metric"):
            service.history("cam-1", "pressure")
        with pytest.raises(NotFound, match="metric"):
            service.history("cam-2", "temperature")
        with pytest.raises(InvalidInput):
            service.history("cam-1", "temperature", limit=0)


@pytest.mark.parametrize(
    ("act", "permission"),
    [
        (lambda unit: TelemetryService(unit).latest("cam-1"), Permission.TELEMETRY_READ),
        (
            lambda unit: TelemetryService(unit).history("cam-1", "temperature"),
            Permission.TELEMETRY_READ,
        ),
        (lambda unit: LedgerService(unit).of("cam-1"), None),
        (lambda unit: TimelineService(unit).list("cam-1", PageRequest()), None),
    ],
)
def test_reading_needs_its_right(platform, fleet, measured, act, permission):
    for who in (actor("administrator", fleet.rome.path), NOBODY):
        with platform.unit(who, write=False) as unit, pytest.raises(NotFound):
            act(unit)
    with platform.unit(actor("viewer", fleet.berlin.path), write=False) as unit:
        act(unit)
    only_devices = _reader(Permission.DEVICES_READ, path=fleet.berlin.path)
    with platform.unit(only_devices, write=False) as unit:
        if permission is None:
            act(unit)
            return
        with pytest.raises(PermissionDenied) as caught:
            act(unit)
    assert (caught.value.permission, caught.value.group) == (permission, "Hall")


def test_the_ledger_adds_finished_boots_to_open_ones(platform, keys):
    key = keys["cam-1"]
    with platform.unit(ADMIN) as unit:
        unit.session.add(
            LedgerRow(
                device_key=key,
                boot="b2",
                channel="logs",
                highest=10,
                missing=[[3, 4], [7, 7]],
                stored=7,
                doubled=1,
                updated_at=5,
            )
        )
        unit.session.add(LedgerTotal(device_key=key, channel="logs", stored=100, lost=2))
        unit.session.add(LedgerTotal(device_key=key, channel="telemetry", plain=9))
    with platform.unit(ADMIN, write=False) as unit:
        view = LedgerService(unit).of("cam-1")
    logs, points = view.channels
    assert (logs.channel, logs.stored, logs.missing, logs.lost) == ("logs", 107, 3, 2)
    assert (points.channel, points.plain, points.stored) == ("telemetry", 9, 0)
    assert (view.boots[0].missing, view.boots[0].finished) == ([(3, 4), (7, 7)], False)


@pytest.fixture
def quarantined(platform, keys):
    with platform.unit(ADMIN) as unit:
        for device_id, key in (*keys.items(), ("ghost", None)):
            unit.session.add(
                Quarantined(
                    received_at=1,
                    topic=f"muster/1/{device_id}/up/logs",
                    device_id=device_id,
                    device_key=key,
                    payload=b"\xff\x00",
                    reason="encoding",
                    detail="",
                )
            )


def test_the_quarantine_is_narrowed_by_the_device_s_group(platform, fleet, quarantined):
    def seen(who, **wanted):
        with platform.unit(who, write=False) as unit:
            service = QuarantineService(unit)
            page = service.list(QuarantineFilter(**wanted), PageRequest())
            for row in page.items:
                assert service.get(row.id).payload == b"\xff\x00"
        return [row.device_id for row in page.items]

    assert seen(ADMIN) == ["ghost", "cam-2", "cam-1"]
    assert seen(ADMIN, device_id="ghost") == ["ghost"]
    assert seen(ADMIN, reason="syntax") == []
    analyst = actor("analyst", fleet.berlin.path)
    assert seen(analyst) == ["cam-1"]
    with pytest.raises(NotFound):
        seen(analyst, device_id="cam-2")
    with pytest.raises(PermissionDenied):
        seen(actor("viewer"))
    with platform.unit(analyst, write=False) as unit, pytest.raises(NotFound):
        QuarantineService(unit).get(2)


class Jobs:
    """A provider with a line a second."""

    name = "jobs"

    def lines(self, unit, device, before, limit):
        made = [TimelineLine(at, "jobs", at, "execution", "x", "", {}) for at in range(50, 0, -1)]
        if before is not None:
            here = (before.at, before.source, before.id)
            made = [line for line in made if line.key < here]
        return made[:limit]


@pytest.mark.parametrize("size", [1, 3, 7, 200])
def test_the_timeline_joins_all_sources_without_gap_or_double(platform, keys, size):
    with platform.unit(ADMIN) as unit:
        for at in (10, 20, 20, 20, 30, 60):
            unit.session.add(
                DeviceEvent(device_key=keys["cam-1"], at=at, kind="presence", summary="", data={})
            )
        DeviceService(unit).update("cam-1", display_name="A")
        DeviceService(unit).update("cam-1", display_name="B")
    seen, cursor = [], None
    while True:
        with platform.unit(ADMIN, write=False) as unit:
            page = TimelineService(unit, [Jobs()]).list("cam-1", PageRequest(size, cursor))
        seen += [line.key for line in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(set(seen), reverse=True)
    # 50 of jobs, 6 events and the registration's, 3 audit entries
    assert len(seen) == 60


def test_who_may_not_read_the_audit_log_sees_acts_without_their_content(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).update("cam-1", display_name="A")
    for who, whole in ((ADMIN, True), (actor("viewer", fleet.berlin.path), False)):
        with platform.unit(who, write=False) as unit:
            lines = TimelineService(unit).list("cam-1", PageRequest()).items
        [act] = [line for line in lines if line.kind == "device.update"]
        assert act.summary == "test changed the device"
        assert bool(act.data) is whole
        assert dataclasses.is_dataclass(act)
