"""What is in a foreign group never shows: not in a search, count, facet, fault or export."""

import pytest

from muster_platform.access.groups import GroupService
from muster_platform.access.models import AuditEntry
from muster_platform.access.users import UserService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
)
from muster_platform.logs import counting
from muster_platform.logs import ingest as logs_ingest
from muster_platform.logs.filter import LogFilter, parse_fields
from muster_platform.logs.fingerprint import fingerprint
from muster_platform.logs.fingerprint_acts import Decision, FingerprintActs
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.fingerprint_views import FingerprintFilter
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.overview import LogOverview
from muster_platform.logs.service import LogService
from muster_platform.logs.store import Facet
from muster_platform.logs.tail import open_tail
from muster_platform.paging import PageRequest
from muster_protocol.messages import ExceptionInfo, Level, LogRecord, Logs
from tests.services.database import ADMIN, NOBODY, actor

HOUR = 3_600_000


@pytest.fixture
def world(platform):
    """cam-1 in Berlin, cam-2 in Rome: 3 and 2 errors of one fault; each has one of its own."""
    with platform.unit(ADMIN) as unit:
        groups = {name: GroupService(unit).create(name) for name in ("Berlin", "Rome")}
        ProfileService(unit).create("camera")
        ProfileService(unit).create("door")
        one = DeviceService(unit).register("cam-1", "camera", groups["Berlin"].id)
        two = DeviceService(unit).register("cam-2", "door", groups["Rome"].id)
        now = unit.now()
        for key, where, times in ((one.id, "berlin", 3), (two.id, "rome", 2)):
            shared = [
                LogRecord(level=Level.ERROR, logger="app.lens", message="Lens lost", ts=now - n)
                for n in range(times)
            ]
            fault = ExceptionInfo(type=f"{where.title()}Error", message="no", stacktrace="")
            own = LogRecord(
                level=Level.FATAL,
                logger=f"app.{where}",
                message=f"secret of {where} <b>",
                ts=now - 2 * HOUR,
                exception=fault,
                fields={"place": where, "n": 7, "ok": True, "x.y": 1.5},
            )
            calm = LogRecord(level=Level.INFO, logger="app", message="all well", ts=now - 9 * HOUR)
            _store(unit, key, [*shared, own, calm])
    return {name: group.path for name, group in groups.items()} | {"now": now}


def _store(unit, key, records):
    message = Logs(records=records, boot="b", seq=1)
    rows = list(logs_ingest.rows(key, message, unit.now(), "b.1", fingerprint))
    connection = unit.session.connection()
    counting.count(connection, rows, unit.now())
    logs_ingest.write(connection, rows)


def _berlin(world, role="analyst"):
    return actor(role, world["Berlin"])


def _reads(platform, who):
    return platform.unit(who, write=False)


def test_a_search_and_its_export_hold_only_what_may_be_read(platform, world):
    with _reads(platform, _berlin(world)) as unit:
        service = LogService(unit)
        found = service.search(LogFilter(), PageRequest()).items
        assert {record.device_id for record in found} == {"cam-1"}
        assert len(found) == 5
        assert [r.id for r in service.export(LogFilter())] == [r.id for r in found]
        assert service.search(LogFilter(text="rome"), PageRequest()).items == []


def test_counts_over_time_hold_only_what_may_be_read(platform, world):
    with _reads(platform, _berlin(world)) as unit:
        found = LogService(unit).histogram(LogFilter())
        assert found.total == 5
        assert found.levels == {Level.FATAL: 1, Level.ERROR: 3, Level.INFO: 1}
        overview = LogOverview(unit)
        since = world["now"] - 24 * HOUR
        assert sum(p.total for p in overview.volume(since, world["now"] + 1, 10)) == 5
        assert overview.levels(since)[Level.ERROR] == 3
        assert [d.device_id for d in overview.noisy_devices(since, 9)] == ["cam-1"]
        assert [f.count for f in overview.top_fingerprints(since)] == [3, 1]


def test_facets_hold_only_what_may_be_read(platform, world):
    with _reads(platform, _berlin(world)) as unit:
        facets = LogService(unit).facets(LogFilter())
    assert facets[Facet.DEVICE] == [("cam-1", 5)]
    assert facets[Facet.LOGGER] == [("app.lens", 3), ("app", 1), ("app.berlin", 1)]
    assert facets[Facet.EXCEPTION] == [("BerlinError", 1)]
    assert sorted(count for _, count in facets[Facet.FINGERPRINT]) == [1, 3]


def test_a_record_and_what_is_around_it_are_of_a_device_that_may_be_read(platform, world):
    with _reads(platform, ADMIN) as unit:
        foreign = LogService(unit).search(LogFilter(device_id="cam-2"), PageRequest()).items[0]
        mine = LogService(unit).search(LogFilter(device_id="cam-1"), PageRequest()).items
    with _reads(platform, _berlin(world)) as unit:
        service = LogService(unit)
        with pytest.raises(NotFound):
            service.context(foreign.id)
        around = service.context(mine[1].id, before=2, after=5)
        assert [r.id for r in around.before] == [mine[3].id, mine[2].id]
        assert [r.id for r in around.after] == [mine[0].id]
        assert (around.has_earlier, around.has_later) == (True, False)


def test_a_tail_cannot_name_what_may_not_be_read(platform, world):
    with _reads(platform, _berlin(world)) as unit:
        assert open_tail(unit, {"device_id": "cam-1"}).topic.startswith("device:")
        for wanted in ({"device_id": "cam-2"}, {"group": 3}, {"group": 99}):
            with pytest.raises(NotFound):
                open_tail(unit, wanted)
        for wrong in ({"group": "1"}, {"colour": 1}, {"text": 5}, {"min_level": "LOUD"}):
            with pytest.raises(InvalidInput):
                open_tail(unit, wrong)
    with _reads(platform, NOBODY) as unit, pytest.raises(PermissionDenied):
        open_tail(unit, {})


def _faults(platform, who, **wanted):
    with _reads(platform, who) as unit:
        return FingerprintService(unit).search(FingerprintFilter(**wanted), PageRequest()).items


def test_faults_are_counted_over_what_may_be_read(platform, world):
    everything = {f.title: (f.count, f.devices) for f in _faults(platform, ADMIN)}
    assert everything == {
        "Lens lost": (5, 2),
        "BerlinError: no": (1, 1),
        "RomeError: no": (1, 1),
    }
    mine = _faults(platform, _berlin(world))
    assert {f.title: (f.count, f.devices) for f in mine} == {
        "Lens lost": (3, 1),
        "BerlinError: no": (1, 1),
    }
    lens = next(f for f in mine if f.title == "Lens lost")
    assert sum(lens.trend) == 3
    with _reads(platform, _berlin(world)) as unit:
        service = FingerprintService(unit)
        assert [d.device_id for d in service.on_devices(lens.id, PageRequest()).items] == ["cam-1"]
        assert [(v.count, v.devices) for v in service.versions(lens.id)] == [(3, 1)]
        assert sum(day.count for day in service.trend(lens.id)) == 3
        assert len(list(service.export(FingerprintFilter()))) == 2
    (rome,) = (f for f in _faults(platform, ADMIN) if f.title.startswith("Rome"))
    with _reads(platform, _berlin(world)) as unit:
        for ask in ("get", "versions", "trend", "acts"):
            with pytest.raises(NotFound):
                getattr(FingerprintService(unit), ask)(rome.id)
    assert rome.message == "secret of rome <b>"


def test_a_deleted_devices_records_are_counted_no_more(platform, world):
    from muster_platform.bootstrap import DEVICE_HOOKS

    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("cam-2", hooks=DEVICE_HOOKS)
    assert {f.title: f.count for f in _faults(platform, ADMIN)} == {
        "Lens lost": 3,
        "BerlinError: no": 1,
    }


@pytest.mark.parametrize("sort", ["last_seen", "first_seen", "count", "devices"])
def test_faults_are_paged_in_every_order(platform, world, sort):
    for descending in (True, False):
        wanted = FingerprintFilter(sort=sort, descending=descending)
        titles, cursor = [], None
        with _reads(platform, ADMIN) as unit:
            while True:
                page = FingerprintService(unit).search(wanted, PageRequest(1, cursor))
                titles += [fault.id for fault in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert len(set(titles)) == len(titles) == 3


def test_faults_are_filtered(platform, world):
    assert [f.title for f in _faults(platform, ADMIN, text="berlin error")] == ["BerlinError: no"]
    assert len(_faults(platform, ADMIN, device_id="cam-2")) == 2
    assert _faults(platform, ADMIN, since=world["now"] + 1) == []
    assert len(_faults(platform, ADMIN, new_since=world["now"] - HOUR)) == 1
    assert _faults(platform, ADMIN, states=frozenset({FingerprintState.IGNORED})) == []
    assert _faults(platform, ADMIN, version="9") == []
    assert len(_faults(platform, ADMIN, assignee="")) == 3


def _decide(platform, who, fault, version=None, **decision):
    with platform.unit(who) as unit:
        return FingerprintActs(unit).decide(fault, Decision(**decision), if_version=version)


def _lens(platform):
    return next(f.id for f in _faults(platform, ADMIN) if f.title == "Lens lost")


def test_a_decision_takes_the_right_wherever_the_fault_was_seen(platform, world):
    lens = _lens(platform)
    own = next(f.id for f in _faults(platform, ADMIN) if f.title.startswith("Berlin"))
    state = FingerprintState.IGNORED
    with pytest.raises(PermissionDenied, match="every group where it was seen"):
        _decide(platform, _berlin(world), lens, state=state)
    with pytest.raises(PermissionDenied, match="Berlin"):
        _decide(platform, actor("release_manager"), own, state=state)
    assert _decide(platform, _berlin(world), own, state=state).state is state
    assert _decide(platform, actor("analyst"), lens, state=state).state is state


def test_acts_are_kept_with_reason_and_audited(platform, world):
    lens = _lens(platform)
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("ann@example.org", "Ann", "a good password 17")
    resolved = FingerprintState.RESOLVED
    one = _decide(platform, ADMIN, lens, state=resolved, resolved_in="2.1", reason="fixed")
    assert (one.state, one.resolved_in, one.resolved_at) == (resolved, "2.1", world["now"])
    two = _decide(platform, ADMIN, lens, assignee_id=user.id, note="<i>see</i>", version=2)
    assert (two.assignee_name, two.note, two.version) == ("Ann", "<i>see</i>", 3)
    three = _decide(platform, ADMIN, lens, state=FingerprintState.OPEN, assignee_id=None)
    assert (three.state, three.assignee_id, three.resolved_at) == ("OPEN", None, None)
    with _reads(platform, ADMIN) as unit:
        acts = [act.act for act in FingerprintService(unit).acts(lens)]
        audited = {entry.action for entry in unit.session.query(AuditEntry)}
    assert sorted(acts) == ["assigned", "noted", "reopened", "resolved", "unassigned"]
    assert {f"fingerprint.{act}" for act in ("assign", "note", "reopen", "resolve")} <= audited


def test_a_decision_that_says_nothing_or_too_much_is_refused(platform, world):
    lens = _lens(platform)
    for wrong in (
        {},
        {"state": FingerprintState.REGRESSED},
        {"state": FingerprintState.OPEN, "resolved_in": "2"},
        {"resolved_in": "2"},
        {"note": "x" * 4_001},
    ):
        with pytest.raises(InvalidInput):
            _decide(platform, ADMIN, lens, **wrong)
    with pytest.raises(Conflict):
        _decide(platform, ADMIN, lens, state=FingerprintState.OPEN)
    with pytest.raises(PreconditionFailed):
        _decide(platform, ADMIN, lens, version=9, note="x")
    with pytest.raises(NotFound):
        _decide(platform, ADMIN, lens, assignee_id="nobody")
    with pytest.raises(PermissionDenied):
        _decide(platform, actor("analyst"), lens, assignee_id="somebody-else")


def _found(platform, **wanted):
    with _reads(platform, ADMIN) as unit:
        found = LogService(unit).search(LogFilter(**wanted), PageRequest()).items
    return sorted({record.device_id for record in found}), len(found)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"text": '"secret of" -rome'}, (["cam-1"], 1)),
        ({"text": "BERLINERROR"}, (["cam-1"], 1)),
        ({"text": "%"}, ([], 0)),
        ({"text": "<b>"}, (["cam-1", "cam-2"], 2)),
        ({"levels": frozenset({Level.FATAL, Level.INFO})}, (["cam-1", "cam-2"], 4)),
        ({"levels": frozenset({Level.INFO}), "min_level": Level.ERROR}, ([], 0)),
        ({"profile": "door"}, (["cam-2"], 4)),
        ({"exception_type": "RomeError"}, (["cam-2"], 1)),
        ({"logger": "app.l"}, (["cam-1", "cam-2"], 5)),
        ({"fields": (("place", "rome"),)}, (["cam-2"], 1)),
        ({"fields": (("n", "7"), ("ok", "true"))}, (["cam-1", "cam-2"], 2)),
        ({"fields": (("ok", "1"),)}, ([], 0)),
        ({"fields": (("x.y", "1.5"), ("place", "berlin"))}, (["cam-1"], 1)),
        ({"tag": "site"}, ([], 0)),
        ({"component": ("app", "1")}, ([], 0)),
        ({"log_session": "none"}, ([], 0)),
    ],
)
def test_records_are_filtered(platform, world, wanted, expected):
    assert _found(platform, **wanted) == expected


def test_a_range_that_ends_before_it_begins_is_refused(platform, world):
    with _reads(platform, ADMIN) as unit, pytest.raises(InvalidInput, match="range"):
        LogService(unit).search(LogFilter(since=5, until=5), PageRequest())


@pytest.mark.parametrize("wrong", ["n", "=7", 'a"b=1', "a b=1", "x" * 65 + "=1"])
def test_a_field_that_is_none_is_refused_with_its_place(wrong):
    with pytest.raises(InvalidInput) as caught:
        parse_fields([wrong])
    assert caught.value.extra["position"] >= 1


@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_go_both_ways_and_meet(platform, world, oldest_first):
    wanted = LogFilter(oldest_first=oldest_first)
    with _reads(platform, ADMIN) as unit:
        service = LogService(unit)
        everything = [r.id for r in service.search(wanted, PageRequest(50)).items]
        one = service.search(wanted, PageRequest(3))
        two = service.search(wanted, PageRequest(3, one.next_cursor))
        three = service.search(wanted, PageRequest(3, two.next_cursor))
        back = service.search(wanted, PageRequest(3, three.previous_cursor))
        again = service.search(wanted, PageRequest(3, back.next_cursor))
        newest = service.search(wanted, PageRequest(3, one.previous_cursor))
        with pytest.raises(InvalidInput):
            service.search(wanted, PageRequest(3, "nonsense"))
    assert [r.id for page in (one, two, three) for r in page.items] == everything[:9]
    assert (back.items, again.items) == (two.items, three.items)
    assert (newest.items, newest.next_cursor) == ([], None)
