"""The broker's log: one plain line an event, and no more lines than one can read."""

import logging
import sys
import time
from collections.abc import Callable

LOGGER = logging.getLogger("muster.broker")
_WINDOW_S = 10.0
_LINES = 20
"""Lines of one kind in a window; what is beyond is counted and told at the next line."""


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def set_up(level: str = "INFO") -> None:
    """Write the log to stderr: time (UTC), level, logger, text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What these say is said by our own lines, or is a stranger's bad handshake with its stack.
    for name in ("amqtt", "transitions", "websockets", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Throttle:
    """Lets some lines of each kind through, so that a flood of refusals cannot fill a disk."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def allow(self, kind: str) -> int | None:
        """Ask whether a line of the kind may be written.

        Args:
            kind: one of few; each is remembered.

        Returns:
            None for no; otherwise how many were held back since the last one that was written.
        """
        now = self._clock()
        began, count = self._windows.get(kind, (now, 0))
        if now - began >= _WINDOW_S:
            self._windows[kind] = (now, 1)
            return max(0, count - _LINES)
        self._windows[kind] = (began, count + 1)
        return 0 if count < _LINES else None
