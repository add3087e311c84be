"""The audit log shows tampering: whatever is done to it, verifying names the first entry."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from muster_platform.access import audit, audit_guard
from muster_platform.access.audit_chain import hash_of
from muster_platform.access.audit_checks import ROUND_MS, AuditChecks
from muster_platform.access.audit_verify import AuditVerifier, Fault, Mark, Verified
from muster_platform.access.models import AuditEntry, AuditHead
from muster_platform.db import migrate
from muster_platform.db.engine import make_engine
from muster_platform.errors import ConfigurationError
from muster_platform.unit import Unit
from muster_platform.worker.audit import verify_audit
from tests.services.database import ADMIN, TestPlatform

HOSTILE = {"\u0000x": "\ud800", "n": [1e22, 1.5, -0.0, 2**70, 1e308], "ü": {"b": 1, "a": None}}


def act(unit: Unit, number: int, **options: Any) -> None:
    audit.record(unit, "test.act", "thing", number, f"thing {number}", **options)


def write(platform: TestPlatform, count: int) -> None:
    for number in range(count):
        with platform.unit(ADMIN) as unit:
            act(unit, number, before={"n": number}, after={"n": number + 1})


def verify(platform: TestPlatform, start: Mark | None = None, **options: Any) -> Verified:
    with platform.unit(ADMIN, write=False) as unit:
        return AuditVerifier(unit).verify(start or Mark(), options.pop("limit", 10_000), **options)


def entries(platform: TestPlatform) -> list[AuditEntry]:
    with platform.unit(ADMIN, write=False) as unit:
        return list(unit.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def tamper(platform: TestPlatform, *statements: str) -> None:
    """Do what only the owner of the database could."""
    with platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        for statement in statements:
            connection.execute(text(statement))
        audit_guard.put_up(connection)


def test_the_entries_of_units_are_one_chain_in_their_order(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        act(unit, 1)
        act(unit, 2, after=HOSTILE)
    with platform.unit(ADMIN) as unit:
        act(unit.as_actor(ADMIN), 3)
    found = entries(platform)
    assert [(e.id, e.subject_id) for e in found] == [(1, "1"), (2, "2"), (3, "3")]
    assert len({e.hash for e in found}) == 3
    told = verify(platform)
    assert (told.finding, told.is_whole) == (None, True)
    assert told.intact == told.head == Mark(3, found[-1].hash)


def act_and_fail(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        act(unit, 7)
        raise ZeroDivisionError


def test_a_unit_that_is_rolled_back_leaves_no_gap(platform: TestPlatform) -> None:
    write(platform, 1)
    with pytest.raises(ZeroDivisionError):
        act_and_fail(platform)
    write(platform, 1)
    assert [e.id for e in entries(platform)] == [1, 2]
    assert verify(platform).finding is None


def test_an_act_inside_a_savepoint_that_is_rolled_back_has_no_entry(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        act(unit, 1)
        outer = unit.session.begin_nested()
        act(unit, 2)
        with unit.session.begin_nested():
            act(unit, 3)
        outer.rollback()
        with unit.session.begin_nested():
            act(unit, 4)
    assert [e.subject_id for e in entries(platform)] == ["1", "4"]
    assert verify(platform).finding is None


def test_many_writers_at_once_make_one_chain(platform: TestPlatform) -> None:
    def work(worker: int) -> None:
        for number in range(10):
            with platform.unit(ADMIN) as unit:
                act(unit, 100 * worker + number)
                act(unit, 100 * worker + number + 50)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    told = verify(platform)
    assert (told.finding, told.intact.number) == (None, 120)


def test_a_long_unit_does_not_keep_others_from_their_entries(platform: TestPlatform) -> None:
    if platform.engine.dialect.name == "sqlite":
        return  # one writer at a time, whatever it writes
    with platform.unit(ADMIN) as slow:
        act(slow, 1)
        write(platform, 1)
        assert [e.subject_id for e in entries(platform)] == ["0"]
    assert [e.subject_id for e in entries(platform)] == ["0", "1"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_database_refuses_to_change_or_delete(platform: TestPlatform, statement: str) -> None:
    write(platform, 1)
    with pytest.raises(DatabaseError), platform.engine.begin() as connection:
        connection.execute(text(statement))
    assert verify(platform).intact.number == 1


SWAP = (
    "UPDATE audit_entries SET id = 999 WHERE id = 4",
    "UPDATE audit_entries SET id = 4 WHERE id = 6",
    "UPDATE audit_entries SET id = 6 WHERE id = 999",
)
COPY = (
    "INSERT INTO audit_entries SELECT 11 AS id, at, actor_kind, actor_id, actor_name, action, "
    "subject_kind, subject_id, subject_name, device_key, before, after, reason, request_id, hash "
    "FROM audit_entries WHERE id = 10"
)


@pytest.mark.parametrize(
    ("statements", "fault", "number"),
    [
        *(
            ([f"UPDATE audit_entries SET {change} WHERE id = 5"], Fault.CHANGED, 5)
            for change in (
                *("actor_name = 'somebody'", "action = 'x'", "reason = 'x'", "device_key = 1"),
                *("at = at + 1", "request_id = 'x'", "after = '{}'", "hash = repeat_hash"),
            )
        ),
        (["DELETE FROM audit_entries WHERE id = 5"], Fault.MISSING, 5),
        (["DELETE FROM audit_entries WHERE id < 3"], Fault.MISSING, 1),
        (["DELETE FROM audit_entries WHERE id > 7"], Fault.CUT, 8),
        (["DELETE FROM audit_entries"], Fault.CUT, 1),
        (SWAP, Fault.REORDERED, 4),
        ([COPY], Fault.BEYOND, 11),
        (["UPDATE audit_head SET hash = 'x'"], Fault.HEAD, 10),
        (["DELETE FROM audit_head"], Fault.HEAD, 10),
        (
            ["DELETE FROM audit_entries WHERE id > 7", "UPDATE audit_head SET number = 7"],
            Fault.HEAD,
            7,
        ),
    ],
)
def test_what_was_done_to_the_log_is_found_and_named(
    platform: TestPlatform, statements: list[str], fault: Fault, number: int
) -> None:
    write(platform, 10)
    tamper(platform, *(s.replace("repeat_hash", "'" + "0" * 64 + "'") for s in statements))
    found = verify(platform).finding
    assert found is not None
    assert (found.fault, found.number) == (fault, number)
    assert str(number) in found.detail or fault is Fault.HEAD


def test_a_log_rewritten_as_a_whole_is_found_by_a_head_that_was_noted(
    platform: TestPlatform,
) -> None:
    write(platform, 6)
    noted = verify(platform).head
    rechain(platform, lambda entry: setattr(entry, "reason", "rewritten"), from_number=4)
    assert verify(platform).finding is None, "a chain in itself"
    found = verify(platform, remembered={noted.number: noted.hash}).finding
    assert found is not None
    assert (found.fault, found.number) == (Fault.REWRITTEN, 6)


def test_a_log_cut_with_its_head_is_found_by_a_head_that_was_noted(platform: TestPlatform) -> None:
    write(platform, 6)
    noted = verify(platform).head
    before = entries(platform)[3]
    tamper(
        platform,
        "DELETE FROM audit_entries WHERE id > 4",
        f"UPDATE audit_head SET number = 4, hash = '{before.hash}'",
    )
    assert verify(platform).finding is None, "a chain in itself"
    found = verify(platform, remembered={noted.number: noted.hash}).finding
    assert found is not None
    assert (found.fault, found.number) == (Fault.CUT, 5)


def rechain(
    platform: TestPlatform, change: Callable[[AuditEntry], None], *, from_number: int
) -> None:
    with platform.engine.begin() as connection:
        audit_guard.take_down(connection)
    with platform.unit(ADMIN) as unit:
        digest = ""
        for entry in unit.session.scalars(select(AuditEntry).order_by(AuditEntry.id)):
            if entry.id >= from_number:
                change(entry)
            digest = entry.hash = hash_of(digest, entry.id, entry)
        unit.session.get_one(AuditHead, 1).hash = digest
    with platform.engine.begin() as connection:
        audit_guard.put_up(connection)


def test_a_walk_goes_on_where_the_one_before_ended_and_insists_on_that_place(
    platform: TestPlatform,
) -> None:
    write(platform, 5)
    first = verify(platform, limit=2)
    assert (first.intact.number, first.is_whole, first.finding) == (2, False, None)
    rest = verify(platform, first.intact)
    assert (rest.intact, rest.is_whole, rest.finding) == (rest.head, True, None)
    wrong = verify(platform, Mark(2, "0" * 64)).finding
    assert wrong is not None
    assert (wrong.fault, wrong.number) == (Fault.REWRITTEN, 2)
    ahead = verify(platform, Mark(9, "0" * 64)).finding
    assert ahead is not None
    assert ahead.fault is Fault.CUT


def test_without_its_head_nothing_can_be_done_any_more(platform: TestPlatform) -> None:
    write(platform, 1)
    tamper(platform, "DELETE FROM audit_head")
    with pytest.raises(ConfigurationError, match="audit_head"):
        write(platform, 1)
    assert len(entries(platform)) == 1


def state(platform: TestPlatform) -> Any:
    with platform.unit(ADMIN, write=False) as unit:
        return AuditChecks(unit).state()


def test_the_worker_checks_what_is_new_and_once_a_day_all(
    platform: TestPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "muster.audit")
    write(platform, 3)
    assert verify_audit(platform) == 3
    head = entries(platform)[-1]
    assert f"audit head 3 {head.hash}" in caplog.text
    caplog.clear()
    write(platform, 2)
    assert verify_audit(platform) == 2
    assert caplog.text == "", "the head is printed once a day"
    tamper(platform, "UPDATE audit_entries SET reason = 'x' WHERE id = 1")
    platform.time.advance(ms=ROUND_MS - 1)
    verify_audit(platform)
    assert state(platform).fault is None, "only what is new"
    platform.time.advance(ms=1)
    verify_audit(platform)
    found = state(platform)
    assert found.fault == "entry 1 was changed"
    assert found.intact.number == 0
    assert "tampered with: entry 1 was changed" in caplog.text
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def test_entries_of_an_older_version_are_chained_by_the_upgrade(
    database_url: str, tmp_path: Path
) -> None:
    engine = make_engine(database_url)
    try:
        migrate.upgrade(engine, "0004")
        with engine.begin() as connection:
            for number in (2, 3, 7):  # transactions that were rolled back left gaps
                connection.execute(
                    text(
                        "INSERT INTO audit_entries (id, at, actor_kind, actor_id, actor_name, "
                        "action, subject_kind, subject_id, subject_name, before, request_id) "
                        "VALUES (:id, :id, 'user', 'u', 'U', 'a.b', 'k', 's', 'S', "
                        """'{"n": [1.50, 10000000000000000000000]}', 'r')"""
                    ),
                    {"id": number},
                )
        migrate.upgrade(engine)
    finally:
        engine.dispose()
    platform = TestPlatform(database_url, tmp_path)
    try:
        write(platform, 1)
        assert [e.id for e in entries(platform)] == [1, 2, 3, 4]
        assert verify(platform).finding is None
    finally:
        platform.close()


def test_a_downgrade_takes_the_guard_away(database_url: str, tmp_path: Path) -> None:
    platform = TestPlatform(database_url, tmp_path)
    try:
        migrate.upgrade(platform.engine)
        write(platform, 3)
        migrate.downgrade(platform.engine, "0004")
        with platform.engine.begin() as connection:
            table = sqlalchemy.table("audit_entries", sqlalchemy.column("id"))
            connection.execute(sqlalchemy.delete(table).where(table.c.id == 2))
            assert connection.scalar(select(sqlalchemy.func.count()).select_from(table)) == 2
    finally:
        platform.close()
