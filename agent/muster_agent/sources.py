"""Functions that are asked for values now and then."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from muster_agent.clock import Clock
from muster_agent.errors import ConfigError, MusterError
from muster_agent.workers import Workers

_log = logging.getLogger("muster_agent")


class LogIt(Protocol):
    """`Agent.log`."""

    def __call__(
        self,
        level: int,
        message: str,
        fields: Mapping[str, Any] | None = None,
        error: BaseException | None = None,
        logger: str = "",
    ) -> None:
        """Send one log record."""


@dataclass
class Source:
    """One function and when it is due (monotonic seconds)."""

    name: str
    function: Callable[[], Mapping[str, Any]]
    every_s: float
    due_s: float = 0.0
    busy: bool = False


class Sources:
    """Calls sources in a worker of their own; one that is slow misses turns, not others'."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: list[Source] = []
        self._workers: Workers | None = None
        self._send: Callable[[Mapping[str, Any]], None] | None = None
        self._report: LogIt | None = None

    def add(self, source: Source) -> None:
        """Take a source in.

        Raises:
            ConfigError: the interval is not above zero.
        """
        if source.every_s <= 0:
            raise ConfigError(f"telemetry {source.name}: every_s must be above 0")
        self._sources.append(source)

    def start(self, send: Callable[[Mapping[str, Any]], None], report: LogIt) -> None:
        """Begin; the first values are taken at once."""
        self._send, self._report = send, report
        if self._sources:
            self._workers = Workers(1, "muster-source")

    def tick(self) -> None:
        """Call what is due; about once a second."""
        now = self._clock.mono_s()
        for source in self._sources:
            if self._workers is not None and now >= source.due_s and not source.busy:
                source.busy = True
                source.due_s = max(source.due_s + source.every_s, now)
                self._workers.submit(lambda source=source: self._call(source))  # type: ignore[misc]

    def _call(self, source: Source) -> None:
        try:
            values = source.function()
            if values and self._send is not None:
                self._send(values)
        except Exception as error:
            _log.warning("telemetry %s: %s", source.name, error)
            if self._report is not None and not isinstance(error, MusterError):
                self._report(logging.ERROR, f"telemetry {source.name} failed", None, error)
        finally:
            source.busy = False

    def stop(self) -> None:
        """Call no more."""
        if self._workers is not None:
            self._workers.stop()
            self._workers = None
