"""`muster worker` and `muster beat`: Celery in the foreground until told to stop."""

import logging
import signal
import sys
import threading
from typing import Any

from celery import Celery, beat, platforms, signals
from celery.apps.worker import Worker
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform, build
from muster_platform.parts.beating import Beating
from muster_platform.parts.service import Beat
from muster_platform.settings import Settings
from muster_platform.tasks.recording import Rhythm, announce, overdue
from muster_platform.worker.celery_app import PREFIX, make_celery
from muster_platform.worker.schedule import SCHEDULE
from muster_platform.worker.wakes import wakers

log = logging.getLogger(__name__)

THREADS = 2
SCHEDULER = "celery.beat:Scheduler"
"""Keeps no file: every rhythm is an interval, and what is overdue is sent when it starts."""
QUIET = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu")
"""Loggers that say a line for every task."""


def run_worker(settings: Settings, *, beat: bool = False) -> None:
    """Run a worker (and with it the schedule) until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: no Redis is configured.
    """
    _set_up_logging(settings)
    platform = build(settings)
    app = make_celery(platform)
    helpers: list[Any] = [*wakers(platform, app), *([_beat(app)] if beat else [])]
    helpers.append(Beating(platform.units, _working))

    def begin(**_: Any) -> None:
        _announce(platform, app if beat else None)
        for helper in helpers:
            helper.start()
        print(f"worker: ready{', with the schedule' if beat else ''}", file=sys.stderr, flush=True)

    # Kept alive by this frame: Celery holds receivers weakly.
    signals.worker_ready.connect(begin, weak=False)
    try:
        worker = Worker(
            app=app, pool="threads", concurrency=THREADS, loglevel=settings.log_level.upper(),
            without_gossip=True, without_mingle=True, quiet=True,
            task_events=bool(settings.flower_url),
        )  # fmt: skip
        worker.start()
        if worker.exitcode:
            raise SystemExit(worker.exitcode)
    finally:
        signals.worker_ready.disconnect(begin)
        for helper in helpers:
            if helper.is_alive():
                helper.stop()
        platform.close()


def run_beat(settings: Settings) -> None:
    """Run the schedule alone until SIGTERM or SIGINT: one per installation is enough.

    Raises:
        ConfigurationError: no Redis is configured.
    """
    _set_up_logging(settings)
    platform = build(settings)
    app = make_celery(platform)
    _announce(platform, app)
    service = beat.Service(app, max_interval=1, scheduler_cls=SCHEDULER)

    def stop(*_: object) -> None:
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    print("beat: ready", file=sys.stderr, flush=True)
    try:
        service.start()
    finally:
        _close(platform)


def _announce(platform: Platform, app: Celery | None) -> None:
    """Keep what the schedule holds; a database that is away must not stop us.

    Args:
        app: sends what is overdue, where this process is the schedule: its intervals begin anew
            with it, and one that is restarted each half hour would never come to an hour's end.
    """
    rhythms = [
        Rhythm(name=row.name, words=row.words, every_s=row.every_s(platform.settings),
               wakes=row.wakes)
        for row in SCHEDULE
    ]  # fmt: skip
    try:
        with platform.unit(system_actor("worker")) as unit:
            announce(unit, rhythms)
            late = overdue(unit)
        if app is not None:
            for name in late:
                app.send_task(PREFIX + name)
    except SQLAlchemyError as error:
        log.warning("the schedule cannot be shown: %s", str(error).partition("\n")[0])


def _working() -> list[Beat]:
    return [Beat(name="worker", detail=f"{THREADS} threads", figures={"threads": THREADS})]


def _beat(app: Celery) -> threading.Thread:
    # A thread, not Celery's child process: that would outlive a worker that is killed.
    thread: threading.Thread = beat.EmbeddedService(app, thread=True, scheduler_cls=SCHEDULER)
    return thread


def _close(platform: Platform) -> None:
    platform.close()


def _set_up_logging(settings: Settings) -> None:
    platforms.C_FORCE_ROOT = True  # the tasks unpickle nothing: JSON only
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
