"""Device logs, searched by who may."""

import pytest

from muster_platform.access.groups import GroupService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.logs.fingerprint_models import (
    Fingerprint,
    FingerprintDay,
)
from muster_platform.logs.hooks import LogHooks
from muster_platform.logs.models import LogRecord
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.paging import PageRequest
from muster_protocol.messages import LEVEL_NUMBER, Level
from tests.services.database import ADMIN, NOBODY, actor


@pytest.fixture
def paths(platform):
    """cam-1 in Berlin with 5 records, cam-2 in Rome with 1."""
    with platform.unit(ADMIN) as unit:
        groups = {name: GroupService(unit).create(name) for name in ("Berlin", "Rome")}
        ProfileService(unit).create("camera")
        one = DeviceService(unit).register("cam-1", "camera", groups["Berlin"].id)
        two = DeviceService(unit).register("cam-2", "camera", groups["Rome"].id)
        for number, (level, message) in enumerate(
            [
                (Level.DEBUG, "begin"),
                (Level.INFO, "100% Done"),
                (Level.WARN, "slow"),
                (Level.ERROR, "Lens lost"),
                (Level.FATAL, "gone"),
            ]
        ):
            unit.session.add(_record(one.id, number, level, message))
        unit.session.add(_record(two.id, 2, Level.ERROR, "Lens lost"))
    return {name: group.path for name, group in groups.items()} | {"id": groups["Berlin"].id}


def _record(key, number, level, message):
    return LogRecord(
        id=f"{key}.b.1.{number}",
        device_key=key,
        ts=1000 + number,
        ts_device=1000 + number,
        received_at=2000,
        level=LEVEL_NUMBER[level],
        logger="app.camera",
        message=message,
        fields={"n": number},
        exception_type="LensError" if level is Level.ERROR else None,
        fingerprint="f" if level is Level.ERROR else "",
    )


def _search(platform, who=ADMIN, **wanted):
    with platform.unit(who, write=False) as unit:
        found = LogService(unit).search(LogFilter(**wanted), PageRequest())
    return [(record.device_id, record.message) for record in found.items]


def test_filters_select(platform, paths):
    lens = [("cam-1", "Lens lost"), ("cam-2", "Lens lost")]
    assert [message for _, message in _search(platform, device_id="cam-1")] == [
        "gone",
        "Lens lost",
        "slow",
        "100% Done",
        "begin",
    ]
    assert _search(platform, text="lens LOST") == lens
    assert _search(platform, text="lenserror") == lens
    assert _search(platform, text="100%") == [("cam-1", "100% Done")]
    assert _search(platform, text="%") == [("cam-1", "100% Done")]
    assert _search(platform, min_level=Level.FATAL) == [("cam-1", "gone")]
    assert _search(platform, fingerprint="f") == lens
    assert _search(platform, since=1001, until=1002) == [("cam-1", "100% Done")]
    assert _search(platform, logger="app.") == _search(platform)
    assert _search(platform, logger="camera") == []
    assert len(_search(platform, group_id=paths["id"])) == 5
    assert _search(platform, oldest_first=True)[0] == ("cam-1", "begin")


def test_a_record_is_shown_whole(platform, paths):
    with platform.unit(ADMIN, write=False) as unit:
        service = LogService(unit)
        found = service.search(LogFilter(fingerprint="f"), PageRequest()).items[0]
        assert service.get(found.id) == found
    assert (found.level, found.exception_type, found.fields) == (Level.ERROR, "LensError", {"n": 3})


@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_have_no_gap_and_no_double(platform, paths, oldest_first):
    seen, cursor = [], None
    while True:
        with platform.unit(ADMIN, write=False) as unit:
            wanted = LogFilter(oldest_first=oldest_first)
            page = LogService(unit).search(wanted, PageRequest(2, cursor))
        seen += [record.id for record in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6


def test_an_actor_finds_what_it_may_read(platform, paths):
    analyst = actor("analyst", paths["Rome"])
    assert _search(platform, analyst) == [("cam-2", "Lens lost")]
    with pytest.raises(NotFound):
        _search(platform, analyst, device_id="cam-1")
    with pytest.raises(NotFound):
        _search(platform, analyst, group_id=paths["id"])
    with pytest.raises(PermissionDenied) as caught:
        _search(platform, actor("viewer", paths["Rome"]), device_id="cam-2")
    assert caught.value.permission == "logs:read"
    with pytest.raises(PermissionDenied):
        _search(platform, NOBODY)
    with platform.unit(ADMIN, write=False) as unit:
        foreign = LogService(unit).search(LogFilter(device_id="cam-1"), PageRequest()).items[0].id
    with platform.unit(analyst, write=False) as unit, pytest.raises(NotFound):
        LogService(unit).get(foreign)


def test_what_a_purged_device_logged_goes_in_pieces_with_its_counts(platform, paths):
    with platform.unit(ADMIN) as unit:
        key = unit.session.query(LogRecord).first().device_key
        unit.session.add(
            Fingerprint(id="f", title="Lens lost", created_at=1, first_seen=1, last_seen=1)
        )
        unit.session.flush()
        counted = dict.fromkeys(("day", "count", "level", "first_seen", "last_seen"), 1)
        unit.session.add(
            FingerprintDay(fingerprint="f", device_key=key, version="", sample_id="x", **counted)
        )
        unit.session.flush()
        pieces = [LogHooks().on_purge(unit, key, 3) for _ in range(5)]
        assert pieces == [3, 2, 1, 0, 0]
        assert unit.session.query(LogRecord).count() == 1
        assert unit.session.query(FingerprintDay).count() == 0
