"""What the data takes: estimates that are near, and only for those who may know."""

import pytest
from sqlalchemy import insert, text

from muster_platform.devices.models import DeviceEvent
from muster_platform.devices.storage import KINDS, StorageService
from muster_platform.devices.stream_models import telemetry
from muster_platform.errors import PermissionDenied
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, actor


def _facts(platform, who=ADMIN):
    with platform.unit(who, write=False) as unit:
        return StorageService(unit).facts()


def test_an_empty_installation_has_no_rows_and_no_oldest(platform):
    facts = _facts(platform)
    assert [item.kind for item in facts.items] == [kind.name for kind in KINDS]
    found = {item.kind: item for item in facts.items}
    assert (found["telemetry"].oldest_at, found["logs"].oldest_at) == (None, None)
    assert facts.total_bytes > 10_000


def test_rows_age_and_retention_are_told_of_each_kind(platform, fleet):
    platform.configure(events_kept_days=90)
    key = load(platform, "cam-1").id
    with platform.unit(ADMIN) as unit:
        rows = [{"device_key": key, "metric_id": 1, "ts": 1_000 + n, "num": 1.0} for n in range(50)]
        unit.session.execute(insert(telemetry), rows)
        unit.session.add(DeviceEvent(device_key=key, at=77, kind="hello", summary="", data={}))
    if platform.engine.dialect.name == "postgresql":
        with platform.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    found = {item.kind: item for item in _facts(platform).items}
    assert (found["telemetry"].rows, found["telemetry"].oldest_at) == (50, 1_000)
    assert found["telemetry"].kept_days == 0
    assert found["events"].kept_days == 90
    assert found["audit"].kept_days is None
    if platform.engine.dialect.name == "postgresql":
        assert found["telemetry"].bytes > 0
    else:
        assert found["telemetry"].bytes is None


def test_only_who_may_read_the_system_is_told(platform):
    with pytest.raises(PermissionDenied):
        _facts(platform, actor("operator"))
    assert _facts(platform, actor("auditor")).items
