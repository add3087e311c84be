"""Says every few seconds that this process works."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import system_actor
from muster_platform.parts.service import BEAT_S, Beat, PartService
from muster_platform.unit import Units

log = logging.getLogger(__name__)


def instance_name() -> str:
    """Name this process for people."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}"


class Beating(threading.Thread):
    """Keeps the beats of this process's parts; a beat that is lost makes up for itself."""

    def __init__(
        self, units: Units, read: Callable[[], Iterable[Beat]], every_s: float = BEAT_S
    ) -> None:
        """Prepare.

        Args:
            units: opens transactions.
            read: gives the state of every part in this process.
        """
        super().__init__(name="beating", daemon=True)
        self._units, self._read, self._every_s = units, read, every_s
        self._began = units.clock.now_ms()
        self._stop_asked = threading.Event()
        self._quiet = False

    def run(self) -> None:
        """Beat until stopped."""
        self.once()
        while not self._stop_asked.wait(self._every_s):
            self.once()

    def once(self) -> None:
        """Beat once; a database that is away is logged once and tried again."""
        try:
            with self._units.open(system_actor("parts")) as unit:
                PartService(unit).beat(instance_name(), self._began, list(self._read()))
            self._quiet = False
        except SQLAlchemyError as error:
            if not self._quiet:
                log.warning("cannot say that this process works: %s", str(error).splitlines()[0])
            self._quiet = True

    def stop(self) -> None:
        """Ask it to end."""
        self._stop_asked.set()
