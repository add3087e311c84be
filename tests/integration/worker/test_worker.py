"""The worker: passes over the database, also when it was killed, also without a schedule."""

import time
from collections.abc import Callable

import pytest
import redis
from sqlalchemy import func, select

from muster_platform import config
from muster_platform.access.models import IdempotencyKey, RefreshToken, User
from muster_platform.adapters.redis_signals import RedisSignals
from muster_platform.clock import SystemClock
from muster_platform.jobs.views import Limits
from muster_platform.outbox import WAKE_JOBS, Wake
from muster_platform.worker import passes
from muster_platform.worker.retention import care_for_partitions
from muster_platform.worker.schedule import SCHEDULE
from muster_protocol.ids import uuid7
from tests.integration.jobs.conftest import Fleet
from tests.services.database import ADMIN
from tests.services.muster import MusterProcess
from tests.services.valkey import Valkey

LIMIT_S = 30.0


def eventually(check: Callable[[], object], what: str) -> None:
    """Wait until it holds; the limit only ends a test that has failed."""
    until = time.monotonic() + LIMIT_S
    while not check():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)


@pytest.fixture
def env(fleet: Fleet, valkey: Valkey) -> dict[str, str]:
    """Give the environment of a worker on the fleet's database, and let the clock run."""
    fleet.platform.clock = SystemClock()
    fleet.platform.configure(redis_url=valkey.url, sweep_every_s=1)
    return config.environment(fleet.platform.settings)


def test_the_worker_with_its_schedule_ends_what_is_overdue(
    fleet: Fleet, env: dict[str, str], muster_process: Callable[..., MusterProcess]
):
    job_id = fleet.send("pump-1", limits=Limits(queue_s=1))
    worker = muster_process("worker", "--beat", env=env)
    worker.wait_for("ready")
    eventually(lambda: fleet.only(job_id).state == "EXPIRED", "EXPIRED")
    assert worker.terminate() == 0


def test_a_killed_worker_is_replaced_and_a_task_is_only_late(
    fleet: Fleet, env: dict[str, str], muster_process: Callable[..., MusterProcess]
):
    first = muster_process("worker", "--beat", env=env)
    first.wait_for("ready")
    job_id = fleet.send("pump-1", limits=Limits(queue_s=1))
    first.kill()
    assert first.family() == []
    muster_process("worker", "--beat", env=env).wait_for("ready")
    eventually(lambda: fleet.only(job_id).state == "EXPIRED", "EXPIRED")


def test_a_wake_up_runs_the_pass_without_any_schedule(
    fleet: Fleet, env: dict[str, str], muster_process: Callable[..., MusterProcess], valkey: Valkey
):
    job_id = fleet.send("pump-1", "pump-2")
    for device, one in zip(("pump-1", "pump-2"), fleet.executions(job_id), strict=True):
        fleet.report(device, one.id, "SUCCEEDED")
    muster_process("worker", env=env).wait_for("ready")
    with redis.Redis(port=valkey.port) as client:
        RedisSignals(client).send([Wake(WAKE_JOBS)])
        eventually(lambda: fleet.job(job_id).state == "COMPLETED", "COMPLETED")


def test_beat_alone_drives_a_worker_without_one(
    fleet: Fleet, env: dict[str, str], muster_process: Callable[..., MusterProcess]
):
    muster_process("worker", env=env).wait_for("ready")
    beat = muster_process("beat", env=env)
    beat.wait_for("ready")
    job_id = fleet.send("pump-1", limits=Limits(queue_s=1))
    eventually(lambda: fleet.only(job_id).state == "EXPIRED", "EXPIRED")
    assert beat.terminate() == 0


@pytest.mark.parametrize("row", SCHEDULE, ids=lambda row: row.name)
def test_every_pass_runs_on_an_idle_installation(fleet: Fleet, row):
    care_for_partitions(fleet.platform)  # weeks are made ahead, also on an idle installation
    assert row.run(fleet.platform) == 0


def test_old_answers_and_tokens_are_forgotten(fleet: Fleet):
    now = fleet.platform.clock.now_ms()
    old, fresh = now - 30 * 24 * 3600 * 1000, now
    with fleet.platform.unit(ADMIN) as unit:
        user = User(id=uuid7(), email="a@b", name="a", password_hash="x", created_at=now)
        unit.session.add(user)
        unit.session.flush()
        for name, at in (("old", old), ("fresh", fresh)):
            unit.session.add(
                IdempotencyKey(
                    user_id="u", key=name, request_hash="", status=200, body="", created_at=at
                )
            )
            unit.session.add(
                RefreshToken(jti=uuid7(), family="f", user_id=user.id, issued_at=at, expires_at=at)
            )
    assert (passes.clean_idempotency(fleet.platform), passes.clean_tokens(fleet.platform)) == (1, 1)
    with fleet.platform.unit(ADMIN, write=False) as unit:
        for table in (IdempotencyKey, RefreshToken):
            assert unit.session.scalar(select(func.count()).select_from(table)) == 1
