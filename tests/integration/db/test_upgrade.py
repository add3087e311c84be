"""A database of the first version, with data in it, goes on after the upgrade and back again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from muster_broker.accounts.passwords import hash_secret
from muster_platform.access.audit_verify import AuditVerifier, Mark
from muster_platform.access.auth import check_password
from muster_platform.access.passwords import hash_password
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.db import migrate
from muster_platform.db.engine import make_engine
from muster_platform.devices.credentials import verify
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.restore import DeletedService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_layers import LayerService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.jobs.service import JobService
from muster_platform.logs.fingerprint_views import FingerprintFilter
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.paging import PageRequest
from muster_platform.worker.passes import bring_settings
from muster_platform.worker.registry import purge_deleted
from muster_platform.worker.retention import care_for_partitions, clean_data
from tests.services.database import ADMIN, TestPlatform, actor

FIRST = "0002"
PASSWORD = "a long first word 7"
HOUR_MS = 3_600_000
VALUES = 40


class Older:
    """Writes rows into a database of an older version: columns that are not given get a filler."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._tables = sa.MetaData()
        self._tables.reflect(connection)

    def put(self, table: str, *rows: dict[str, Any]) -> None:
        """Insert rows, each whole."""
        found = self._tables.tables[table]
        whole = [{**self._fillers(found), **row} for row in rows]
        self._connection.execute(found.insert(), whole)

    def _fillers(self, table: sa.Table) -> dict[str, Any]:
        return {
            column.name: _filler(column.type)
            for column in table.columns
            if not column.nullable and column.server_default is None and column.name != "id"
        }


def _filler(kind: sa.types.TypeEngine[Any]) -> Any:
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.LargeBinary):
        return b""
    return "" if isinstance(kind, sa.String) else 0


def _fill(older: Older, now: int) -> None:
    """Write what an installation of the first version holds."""
    older.put("groups", {"id": 2, "parent_id": 1, "name": "Berlin", "path": "1/2/"})
    older.put("profiles", {"id": 1, "name": "camera", "title": "Camera", "contact": "always"})
    device = {"profile_id": 1, "plain": False, "capabilities": [], "deleted_at": None}
    older.put(
        "devices",
        {**device, "id": 1, "device_id": "gone", "group_id": 1, "deleted_at": 5, "search": "gone"},
        {**device, "id": 2, "device_id": "gw", "group_id": 2, "search": "gw"},
        {**device, "id": 3, "device_id": "kid", "group_id": 1, "gateway_id": 2, "search": "kid"},
    )
    live = (2, 3)
    older.put("presences", *({"device_key": key, "state": "ONLINE"} for key in live))
    older.put(
        "device_settings",
        {"device_key": 2, "version": 4, "desired": {"rate": 5}, "reported": {"rate": 5}},
        {"device_key": 3},
    )
    older.put("tags", {"device_key": 2, "name": "site", "value": "berlin"})
    older.put("inventory_items", {"device_key": 2, "component": "app", "version": "1.2"})
    older.put("credentials", {"id": "c" * 36, "device_key": 2, "hash": hash_secret("secret")})
    older.put("device_events", {"id": 1, "device_key": 2, "at": now, "kind": "hello"})
    older.put("metrics", {"id": 1, "name": "temperature", "kind": "number"})
    older.put(
        "telemetry",
        *(
            {"device_key": 2, "metric_id": 1, "ts": now - n * HOUR_MS, "num": float(n)}
            for n in range(VALUES)
        ),
    )
    older.put("telemetry_latest", {"device_key": 2, "metric_id": 1, "ts": now, "num": 0.0})
    record = {"device_key": 2, "level": 40, "logger": "app", "received_at": now, "fields": {}}
    older.put(
        "log_records",
        *(
            {**record, "id": f"2.b.{n}.0", "ts": now - n, "message": "no disk", "fingerprint": "f1"}
            for n in range(3)
        ),
        {**record, "id": "2.b.9.0", "ts": now, "message": "started", "level": 20},
    )
    older.put("ledger", {"device_key": 2, "boot": "b", "channel": "telemetry", "missing": []})
    older.put("quarantine", {"id": 1, "device_id": "gw", "device_key": 2, "reason": "json"})
    older.put("raw_messages", {"id": 1, "device_key": 2, "topic": "muster/1/gw/up/x/a"})
    older.put("outbound", {"id": 1, "topic": "muster/1/gw/down/settings", "retain": True})
    _fill_people(older, now)


def _fill_people(older: Older, now: int) -> None:
    user = {"id": "u" * 36, "email": "ann@example.org", "name": "Ann", "epoch": 1}
    older.put("users", {**user, "password_hash": hash_password(PASSWORD)})
    older.put(
        "refresh_tokens",
        {"jti": "j" * 36, "family": "f" * 36, "user_id": "u" * 36, "expires_at": now + HOUR_MS},
    )
    act = {"actor_kind": "user", "actor_name": "Ann", "action": "device.register"}
    older.put("audit_entries", *({**act, "id": n, "at": n, "after": {"n": n}} for n in (1, 4, 9)))
    older.put("jobs", {"id": "b" * 36, "kind": "command", "state": "COMPLETED", "group_path": "1/"})
    execution = {"job_id": "b" * 36, "device_key": 1, "state": "REMOVED", "attempt": 1}
    older.put("executions", {**execution, "id": "e" * 36})


def test_errors_of_any_number_are_counted_by_the_upgrade_a_few_at_a_time(
    database_url: str,
) -> None:
    engine = make_engine(database_url)
    record = {"device_key": 2, "level": 40, "fields": {}, "message": "no disk"}
    try:
        migrate.upgrade(engine, FIRST)
        with engine.begin() as connection:
            older = Older(connection)
            _fill(older, 10)
            older.put(
                "log_records",
                *({**record, "id": f"m{n}", "fingerprint": f"e{n:04}"} for n in range(1_201)),
            )
        migrate.upgrade(engine)
        with engine.connect() as connection:
            counted = "SELECT COUNT(*), SUM(count) FROM fingerprint_days"
            assert connection.execute(sa.text(counted)).one() == (1_202, 1_204)
            assert connection.scalar(sa.text("SELECT COUNT(*) FROM fingerprints")) == 1_202
    finally:
        engine.dispose()


@pytest.fixture
def upgraded(database_url: str, tmp_path: Path) -> Iterator[TestPlatform]:
    """Give a platform on a database that was filled at the first version and then upgraded."""
    platform = TestPlatform(database_url, tmp_path / "state")
    migrate.upgrade(platform.engine, FIRST)
    with platform.engine.begin() as connection:
        _fill(Older(connection), platform.clock.now_ms())
        if connection.dialect.name == "postgresql":
            numbers = "SELECT setval(CAST(sequencename AS regclass), 100) FROM pg_sequences"
            connection.execute(sa.text(numbers))
    migrate.upgrade(platform.engine)
    yield platform
    platform.close()


def _rows(platform: TestPlatform, statement: str) -> list[tuple[Any, ...]]:
    with platform.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_devices_their_settings_and_secrets_are_as_they_were(upgraded: TestPlatform) -> None:
    with upgraded.unit(ADMIN) as unit:
        found = DeviceService(unit).list(DeviceFilter(), PageRequest(10)).items
        assert sorted(device.device_id for device in found) == ["gw", "kid"]
        assert verify(unit.session, "gw", "secret", unit.now()) is not None
        row = SettingsService(unit).get("gw")
        assert (row.own, row.desired, row.version) == ({"rate": 5}, {"rate": 5}, 4)
        assert DeletedService(unit).list("", PageRequest(10)).items == []
        LayerService(unit).set_desired(2, {"rate": 1, "zoom": 2})
    assert bring_settings(upgraded) == 1
    with upgraded.unit(ADMIN) as unit:
        row = SettingsService(unit).get("gw")
        assert (row.desired, row.version) == ({"rate": 5, "zoom": 2}, 5)
        assert [one.state for one in SettingsService(unit).keys("gw")]


def test_data_is_read_through_partitions_and_passes_as_before(upgraded: TestPlatform) -> None:
    care_for_partitions(upgraded)
    assert clean_data(upgraded) == 0 or _rows(upgraded, "SELECT 1 FROM quarantine") == []
    with upgraded.unit(ADMIN) as unit:
        telemetry = TelemetryService(unit)
        assert telemetry.latest("gw")[0].value == 0.0
        assert len(telemetry.history("gw", "temperature").points) == VALUES
        assert sum(b.count for b in telemetry.sampled("gw", "temperature", points=1).buckets) == 40
        logs = LogService(unit).search(LogFilter(), PageRequest(10)).items
        assert [record.message for record in logs].count("no disk") == 3
        [fault] = FingerprintService(unit).search(FingerprintFilter(), PageRequest(10)).items
        assert (fault.id, fault.count, fault.devices, fault.message) == ("f1", 3, 1, "no disk")


def test_what_was_deleted_stays_so_and_a_deleted_device_is_purged_whole(
    upgraded: TestPlatform,
) -> None:
    assert purge_deleted(upgraded) == 0
    with upgraded.unit(ADMIN) as unit:
        assert JobService(unit).get("b" * 36).state == "COMPLETED"
        assert len(QuarantineService(unit).list(QuarantineFilter(), PageRequest(5)).items) == 1
        DeviceService(unit).delete("kid", hooks=DEVICE_HOOKS)
        DeviceService(unit).delete("gw", hooks=DEVICE_HOOKS, purge=True)
        DeviceService(unit).register("gw", "camera", 2)
    purge_deleted(upgraded)
    for table in ("telemetry", "telemetry_latest", "log_records", "fingerprint_days", "quarantine"):
        assert _rows(upgraded, f"SELECT 1 FROM {table}") == [], table


def test_people_sign_in_and_the_audit_log_is_whole(upgraded: TestPlatform) -> None:
    with upgraded.unit(ADMIN) as unit:
        assert check_password(unit, "ann@example.org", PASSWORD).version == 1
        DeviceService(unit).disable("gw", hooks=DEVICE_HOOKS)
    with upgraded.unit(actor("auditor"), write=False) as unit:
        told = AuditVerifier(unit).verify(Mark(), 100)
        assert (told.finding, told.intact.number) == (None, 4)


def test_a_filled_database_goes_back_to_the_first_version_and_forward_again(
    upgraded: TestPlatform,
) -> None:
    care_for_partitions(upgraded)
    tables = ("devices", "telemetry", "log_records", "audit_entries", "device_settings", "users")
    before = {name: _rows(upgraded, f"SELECT COUNT(*) FROM {name}") for name in tables}
    migrate.downgrade(upgraded.engine, FIRST)
    after = {name: _rows(upgraded, f"SELECT COUNT(*) FROM {name}") for name in tables}
    assert after == before
    if upgraded.engine.dialect.name == "sqlite":
        assert _rows(upgraded, "PRAGMA foreign_key_check") == []
    migrate.upgrade(upgraded.engine)
    with upgraded.unit(ADMIN) as unit:
        assert SettingsService(unit).get("gw").own == {"rate": 5}
        assert DeviceService(unit).register("new", "camera").version == 1
        [fault] = FingerprintService(unit).search(FingerprintFilter(), PageRequest(10)).items
        assert fault.count == 3


def test_the_engine_checks_foreign_keys_after_a_migration(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate.upgrade(engine)
    tag = "INSERT INTO tags (device_key, name, value) VALUES (9, 'a', '')"
    try:
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(sa.text(tag))
    finally:
        engine.dispose()
