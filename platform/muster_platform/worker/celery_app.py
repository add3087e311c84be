"""Celery on Redis, set up so that a killed worker's task comes back in seconds."""

import functools
from typing import Any

from celery import Celery, Task, signals
from sqlalchemy.exc import OperationalError

from muster_platform.bootstrap import Platform
from muster_platform.errors import ConfigurationError
from muster_platform.parts.beating import instance_name
from muster_platform.settings import Settings
from muster_platform.tasks.recording import Beginning
from muster_platform.worker.recorded import recorded
from muster_platform.worker.schedule import SCHEDULE, Periodic

PREFIX = "muster."
VISIBILITY_S = 60
"""A task not acknowledged for this long is given to another worker; no pass takes as long."""
RESTORE_EVERY_S = 2
"""How often that is looked at; Celery's own default makes it minutes."""
RETRIES = 3
QUEUED_AT = "muster_queued_at"
TRIGGER = "muster_trigger"
"""Headers of a task: when it was sent (ms since the epoch), and why (`wake`, else its rhythm)."""


def make_celery(platform: Platform) -> Celery:
    """Build the application with every task of the schedule.

    Args:
        platform: what the tasks work on; opens nothing until one runs.

    Raises:
        ConfigurationError: no Redis is configured.
    """
    settings = platform.settings
    if not settings.redis_url:
        raise ConfigurationError(
            "the worker needs Redis or Valkey: set MUSTER_REDIS_URL (or redis_url in "
            "muster.toml), or run `muster up`, which brings one"
        )
    app = Celery("muster", broker=settings.redis_url)
    app.conf.update(_configuration(settings))

    def stamp(headers: dict[str, Any], **_: Any) -> None:
        headers.setdefault(QUEUED_AT, platform.clock.now_ms())

    # Tied to this application: weakly held, it would be gone at once.
    app.muster_stamp = stamp
    signals.before_task_publish.connect(stamp)
    for row in SCHEDULE:
        _register(app, platform, row)
    return app


def task_name(row: Periodic) -> str:
    """Give the name under which Celery knows it."""
    return PREFIX + row.name


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": "muster",
        "timezone": "UTC",
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_S,
            "unacked_restore_interval": RESTORE_EVERY_S,
            "unacked_restore_throttle": 1,
            "socket_keepalive": True,
        },
        "beat_schedule": {row.name: _entry(row, settings) for row in SCHEDULE},
    }


def _entry(row: Periodic, settings: Settings) -> dict[str, Any]:
    every_s = row.every_s(settings)
    # While no worker runs, what piles up is worthless: one pass does it all.
    return {"task": task_name(row), "schedule": every_s, "options": {"expires": 2 * every_s}}


def _register(app: Celery, platform: Platform, row: Periodic) -> None:
    @functools.wraps(row.run)
    def run(self: Task) -> int:
        request = self.request
        sent = request.get(QUEUED_AT) or platform.clock.now_ms()
        trigger = request.get(TRIGGER) or "schedule"
        beginning = Beginning(
            id=str(request.id),
            name=row.name,
            trigger=trigger,
            actor_name="schedule" if trigger == "schedule" else "worker",
            worker=instance_name(),
            queued_at=int(sent),
        )
        return recorded(platform, row.run, beginning)

    options = {
        "autoretry_for": (OperationalError,),
        "max_retries": RETRIES,
        "retry_backoff": True,
        "retry_backoff_max": 10,
    }
    app.task(name=task_name(row), bind=True, **options)(run)
