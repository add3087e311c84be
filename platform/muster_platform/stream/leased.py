"""A role of which one is active: it stands by until the lease is its own, and works while it is."""

import logging
import os
import socket
from collections.abc import Callable
from threading import Event

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor
from muster_platform.bootstrap import Platform
from muster_platform.stream.lease import RoleLease
from muster_platform.stream.ports import LeaseLost
from muster_protocol.ids import uuid7

log = logging.getLogger(__name__)


def owner_name() -> str:
    """Name this holder of a lease, unlike any other."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid7()[-12:]}"


class Leased:
    """Holds a role's lease while something works.

    Attributes:
        active: this process holds the lease.
        note: why nothing is done, for people.
    """

    def __init__(self, platform: Platform, actor: Actor, name: str) -> None:
        """Prepare; nothing is taken yet.

        Args:
            name: of the role.
        """
        self.active = False
        self.note = "starting"
        self._name = name
        self._every_s = platform.settings.ingest_lease_s / 3
        self.lease = RoleLease(
            platform.units, actor, name, owner_name(), platform.settings.ingest_lease_s
        )
        self._renew_at = 0.0

    def run(self, stop: Event, work: Callable[[], None]) -> None:
        """Call `work` whenever the lease is ours, until stopped; it returns when stopped."""
        while not stop.is_set():
            if not self._try_hold():
                stop.wait(self._every_s)
                continue
            try:
                self.active = True
                work()
            except LeaseLost as lost:
                log.warning("%s stands by: %s", self._name, lost)
            finally:
                self.active = False
        self._release()

    def keep(self, monotonic_s: float) -> None:
        """Renew when it is time.

        Raises:
            LeaseLost: somebody else has it.
        """
        if monotonic_s < self._renew_at:
            return
        self._renew_at = monotonic_s + self._every_s
        try:
            if not self.lease.hold():
                raise LeaseLost(f"another {self._name} has taken over")
        except SQLAlchemyError as error:
            # Nobody else can take it either.
            log.warning("the lease of %s is not renewed: %s", self._name, error)

    def _try_hold(self) -> bool:
        try:
            held = self.lease.hold()
            self.note = f"stands by: another {self._name} holds the lease"
        except SQLAlchemyError as error:
            held = False
            self.note = f"the database is away: {str(error).splitlines()[0]}"
            log.warning("%s waits: %s", self._name, self.note)
        return held

    def _release(self) -> None:
        try:
            self.lease.release()
        except SQLAlchemyError as error:
            log.warning("the lease of %s runs out by itself: %s", self._name, error)
