"""A device is purged while ingest still writes what it said: nothing of it is left."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import Metric, telemetry
from muster_platform.worker.registry import purge_deleted
from tests.integration.stream.helpers import ACTOR, Store, register
from tests.services.database import ADMIN, MigratedPostgres, TestPlatform


@pytest.fixture
def on_postgres(migrated_postgres: MigratedPostgres, tmp_path: Path):
    """Give a platform on PostgreSQL: SQLite has one writer at a time anyhow."""
    platform = TestPlatform(migrated_postgres.empty(), tmp_path / "state")
    yield platform
    platform.close()


def _delete_and_purge(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("pump", hooks=DEVICE_HOOKS, purge=True)
    purge_deleted(platform)


def test_a_batch_begun_before_the_deletion_leaves_nothing_behind(on_postgres: TestPlatform) -> None:
    register(on_postgres, "pump")
    store = Store(on_postgres, on_postgres.time)
    key = store.key("pump")
    with ThreadPoolExecutor(1) as pool:
        with on_postgres.unit(ACTOR) as unit:
            store.lease.fence(unit)
            metric = Metric(name="v", kind="number")
            unit.session.add(metric)
            unit.session.flush()
            purge = pool.submit(_delete_and_purge, on_postgres)
            wait([purge], timeout=1)
            row = {"device_key": key, "metric_id": metric.id, "ts": 1, "num": 1.0}
            unit.session.execute(insert(telemetry), [row])
        purge.result(timeout=30)
    with on_postgres.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(select(func.count()).select_from(telemetry)) == 0
