"""Sends a task soon after something changed; the schedule sends it anyway."""

import logging
import threading
from typing import Any

import redis

from muster_platform.bootstrap import Platform
from muster_platform.worker.celery_app import TRIGGER, task_name
from muster_platform.worker.schedule import SCHEDULE, Periodic

log = logging.getLogger(__name__)

QUIET_MS = 300
"""Shortest time between two sendings of a task, over all workers: many changes are one pass."""
WAIT_S = 1.0


class Waker(threading.Thread):
    """Waits for one wake-up and sends its task; a daemon, since losing it loses nothing."""

    def __init__(self, platform: Platform, app: Any, row: Periodic) -> None:
        super().__init__(name=f"waker-{row.wakes}", daemon=True)
        self._platform, self._app, self._row = platform, app, row
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Wait and send until stopped."""
        wake_ups = self._platform.wake_ups(self._row.wakes)
        while not self._stop_asked.is_set():
            if wake_ups.wait(WAIT_S):
                self._stop_asked.wait(QUIET_MS / 1000)  # what follows closely is the same pass
                self._send()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop_asked.set()

    def _send(self) -> None:
        client = self._platform.redis
        try:
            key = f"muster:woken:{self._row.name}"
            if client is not None and client.set(key, 1, nx=True, px=QUIET_MS):
                headers = {TRIGGER: "wake"}
                self._app.send_task(task_name(self._row), expires=WAIT_S * 30, headers=headers)
        except (redis.RedisError, OSError) as error:
            log.warning("the wake-up of %s is lost, the schedule makes up: %s", self.name, error)


def wakers(platform: Platform, app: Any) -> list[Waker]:
    """Make one for each row of the schedule that listens."""
    return [Waker(platform, app, row) for row in SCHEDULE if row.wakes]
