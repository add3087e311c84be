"""Every run of a task leaves a record: it begins, its steps may be stopped, it ends.

The record is beside the work, never in its way: when it cannot be written the task runs all the
same, since most often the work cannot be done either and says so itself.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor, system_actor
from muster_platform.bootstrap import Platform
from muster_platform.outbox import Touched
from muster_platform.tasks import recording
from muster_platform.tasks.models import CANCELED, FAILED, SUCCEEDED
from muster_platform.tasks.recording import Beginning
from muster_platform.unit import Unit

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""How often a run looks whether somebody asked it to stop."""
_ACTOR = system_actor("worker")


class TaskCanceled(Exception):
    """Somebody asked this run to stop; the steps that are done stay done."""


@dataclass
class Run:
    """A run that goes on.

    Attributes:
        id: of its record.
        touched: what it has moved on so far.
    """

    platform: Platform
    id: str
    touched: list[Touched] = field(default_factory=list)
    looked_s: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Look from time to time whether to go on.

        Raises:
            TaskCanceled: somebody asked it to stop.
        """
        if time.monotonic() - self.looked_s < LOOK_EVERY_S:
            return
        self.looked_s = time.monotonic()
        with self.platform.unit(_ACTOR, write=False) as unit:
            if recording.is_canceled(unit, self.id):
                raise TaskCanceled


class WatchedPlatform(Platform):
    """The platform as a task sees it: each step may be its last, and says what it moved on."""

    def __init__(self, platform: Platform, run: Run) -> None:
        super().__init__(platform.settings, platform.clock)
        self._run = run
        # What is open already is shared.
        for name in ("engine", "redis", "signals", "units"):
            self.__dict__[name] = getattr(platform, name)

    @contextmanager
    def unit(self, actor: Actor, *, write: bool = True) -> Iterator[Unit]:
        """Open a unit of work in the actor's name.

        Raises:
            TaskCanceled: somebody asked this run to stop.
        """
        self._run.check()
        with super().unit(actor, write=write) as unit:
            yield unit
        self._run.touched += unit.outbox.touched


def recorded(
    platform: Platform,
    run: Callable[[Platform], int],
    beginning: Beginning,
    *,
    begun: bool = False,
) -> int:
    """Run a task and keep how it went.

    Args:
        begun: its record says already that it has begun.

    Raises:
        Exception: what the task raises.
    """
    if not begun and not _begin(platform, beginning):
        return 0
    going = Run(platform, beginning.id)
    state, result, error = SUCCEEDED, 0, ""
    try:
        result = run(WatchedPlatform(platform, going))
    except TaskCanceled:
        state = CANCELED
        log.warning("%s was stopped by a person", beginning.name)
    except Exception as failure:
        state, error = FAILED, f"{type(failure).__name__}: {failure}"
        raise
    finally:
        _end(platform, going, state, result, error)
    return result


def _begin(platform: Platform, beginning: Beginning) -> bool:
    try:
        with platform.unit(_ACTOR) as unit:
            return recording.begin(unit, beginning)
    except SQLAlchemyError as error:
        log.warning("%s begins without a record: %s", beginning.name, _first_line(error))
        return True


def _end(platform: Platform, run: Run, state: str, result: int, error: str) -> None:
    try:
        with platform.unit(_ACTOR) as unit:
            recording.end(unit, run.id, state, result, error, run.touched)
    except SQLAlchemyError as failure:
        log.warning("the record of a run cannot be ended: %s", _first_line(failure))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
