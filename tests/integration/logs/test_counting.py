"""Errors are counted as they are stored: each once, per device, day and version."""

import json

import pytest
from sqlalchemy import select, text

from muster_platform.logs.fingerprint import fingerprint
from muster_platform.logs.fingerprint_models import (
    Fingerprint,
    FingerprintAct,
    FingerprintDay,
)
from muster_platform.stream.appliers import Appliers
from tests.integration.stream.helpers import Applied, Store, register
from tests.services.database import ADMIN

DAY = 86_400_000


class Counting(Applied):
    """Domains that only remember, and the fingerprints of the product."""

    def appliers(self) -> Appliers:
        made = super().appliers()
        return Appliers(
            *(
                getattr(made, name)
                for name in Appliers.__dataclass_fields__
                if name != "fingerprint"
            ),
            fingerprint=fingerprint,
        )


@pytest.fixture
def store(platform, monkeypatch):
    monkeypatch.setattr("tests.integration.stream.helpers.Applied", Counting)
    register(platform, "a", "b")
    return Store(platform, platform.clock)


def _lines(store, device, seq, *messages, boot="b", ts=None, level="ERROR"):
    records = [
        {"level": level, "message": message, "ts": ts or store.clock.now_ms()}
        for message in messages
    ]
    numbered = {} if seq is None else {"boot": boot, "seq": seq}
    return store.message(device, "logs", json.dumps({**numbered, "records": records}))


def _all(store, model):
    with store.platform.unit(ADMIN, write=False) as unit:
        return list(unit.session.scalars(select(model)))


def _counts(store):
    return sorted(
        store.rows(
            "SELECT f.title, v.device_id, sum(d.count) FROM fingerprint_days d"
            " JOIN fingerprints f ON f.id = d.fingerprint JOIN devices v ON v.id = d.device_key"
            " GROUP BY f.title, v.device_id"
        )
    )


def test_the_same_fault_on_two_devices_is_one_with_two_counts(store):
    store.write(
        _lines(store, "a", 1, "no lens 1", "no lens 2", "no light"),
        _lines(store, "b", 1, "no lens 77"),
    )
    assert _counts(store) == [
        ("no lens <n>", "a", 2),
        ("no lens <n>", "b", 1),
        ("no light", "a", 1),
    ]
    assert len(_all(store, Fingerprint)) == 2


def test_what_is_no_error_is_not_counted(store):
    store.write(_lines(store, "a", 1, "slow", level="WARN"))
    assert _all(store, Fingerprint) == []


def test_what_comes_twice_is_counted_once(store):
    message = _lines(store, "a", 1, "no lens")
    store.write(message)
    store.write(message, _lines(store, "a", 2, "no lens"))
    assert _counts(store) == [("no lens", "a", 2)]


def test_a_plain_devices_record_written_again_from_the_spool_is_counted_once(store):
    for _ in range(2):
        item = store.reader.read(_lines(store, "a", None, "no lens"))
        store.sink.write([item._replace(origin="spool.7")], [])
    assert store.rows("SELECT count(*) FROM log_records") == [(1,)]
    assert _counts(store) == [("no lens", "a", 1)]


def test_a_batch_that_is_rolled_back_counts_nothing(store, monkeypatch):
    monkeypatch.setattr(
        "muster_platform.stream.store.BatchStore._tell", lambda *_: 1 / 0, raising=True
    )
    with pytest.raises(ZeroDivisionError):
        store.write(_lines(store, "a", 1, "no lens"))
    monkeypatch.undo()
    assert _all(store, Fingerprint) == []


def test_days_and_versions_are_counted_apart(store):
    now = store.clock.now_ms()
    _runs(store, "a", "2.0")
    store.write(_lines(store, "a", 1, "no lens", ts=now - DAY), _lines(store, "a", 2, "no lens"))
    _runs(store, "a", "2.1")
    store.write(_lines(store, "a", 3, "no lens", "no lens"))
    found = {(row.day, row.version): row.count for row in _all(store, FingerprintDay)}
    today = now // DAY
    assert found == {(today - 1, "2.0"): 1, (today, "2.0"): 1, (today, "2.1"): 2}


def test_first_and_last_seen_go_by_the_records_own_time(store):
    now = store.clock.now_ms()
    store.write(_lines(store, "a", 1, "no lens", ts=now - 50))
    store.write(_lines(store, "a", 2, "no lens", ts=now - 900))
    fault, device = _all(store, Fingerprint)[0], _all(store, FingerprintDay)[0]
    assert (fault.first_seen, fault.last_seen) == (now - 900, now - 50)
    assert (device.first_seen, device.last_seen) == (now - 900, now - 50)
    assert device.sample_id.endswith(".b.1.0")


def test_a_resolved_fault_that_comes_again_has_regressed_once(store):
    store.write(_lines(store, "a", 1, "no lens"))
    _resolve(store, "")
    store.clock.advance(s=5)
    store.write(_lines(store, "a", 2, "no lens"))
    store.write(_lines(store, "a", 3, "no lens"))
    assert [row.state for row in _all(store, Fingerprint)] == ["REGRESSED"]
    assert [row.act for row in _all(store, FingerprintAct)] == ["regressed"]


@pytest.mark.parametrize(("version", "state"), [("2.0", "RESOLVED"), ("2.1", "REGRESSED")])
def test_a_version_before_the_one_that_resolved_it_is_no_regression(store, version, state):
    _runs(store, "a", version)
    store.write(_lines(store, "a", 1, "no lens"))
    _resolve(store, "2.1")
    store.clock.advance(s=5)
    store.write(_lines(store, "a", 2, "no lens"))
    assert [row.state for row in _all(store, Fingerprint)] == [state]


def test_a_record_from_before_that_comes_late_is_no_regression(store):
    store.write(_lines(store, "a", 1, "no lens"))
    _resolve(store, "")
    store.clock.advance(s=5)
    store.write(_lines(store, "a", 2, "no lens", ts=store.clock.now_ms() - 9_000))
    assert [row.state for row in _all(store, Fingerprint)] == ["RESOLVED"]


def _runs(store, device_id, version):
    with store.platform.unit(ADMIN) as unit:
        key = store.key(device_id)
        unit.session.execute(text(f"DELETE FROM inventory_items WHERE device_key = {key}"))
        unit.session.execute(
            text(
                "INSERT INTO inventory_items (device_key, component, version, since)"
                f" VALUES ({key}, 'app', '{version}', 1), ({key}, 'os', '9', 1)"
            )
        )


def _resolve(store, version):
    with store.platform.unit(ADMIN) as unit:
        for row in unit.session.scalars(select(Fingerprint)):
            row.state, row.resolved_in = "RESOLVED", version
            row.resolved_at = store.clock.now_ms()
