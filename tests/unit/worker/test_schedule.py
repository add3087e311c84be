"""The schedule: one table, every row a task, and Celery set up as measured."""

from dataclasses import replace

import pytest

from muster_platform.bootstrap import build
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.worker.celery_app import make_celery, task_name
from muster_platform.worker.schedule import SCHEDULE

SETTINGS = Settings(redis_url="redis://127.0.0.1:1/0", sweep_every_s=7)


def test_every_row_is_a_task_and_an_entry_of_the_schedule():
    app = make_celery(build(SETTINGS))
    names = {task_name(row) for row in SCHEDULE}
    assert names <= set(app.tasks)
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == names
    assert len({row.name for row in SCHEDULE}) == len(SCHEDULE)


def test_the_rhythm_follows_the_settings():
    entries = make_celery(build(SETTINGS)).conf.beat_schedule
    assert entries["sweep_limits"]["schedule"] == 7
    assert all(e["options"]["expires"] > e["schedule"] for e in entries.values())


def test_a_killed_worker_s_task_comes_back_in_seconds():
    conf = make_celery(build(SETTINGS)).conf
    options = conf.broker_transport_options
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 2


def test_without_redis_it_says_what_to_do():
    with pytest.raises(ConfigurationError) as caught:
        make_celery(build(replace(SETTINGS, redis_url="")))
    assert "MUSTER_REDIS_URL" in caught.value.detail
