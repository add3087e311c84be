"""The agent's threads: where handlers and settings are carried out for the core."""

import logging
from collections.abc import Callable
from typing import Any

from muster_agent.commands import CommandCall, Registry
from muster_agent.core import ApplySettings, Cancel, Core, Effect, Start, StartUpdate
from muster_agent.net import Driver, Peer
from muster_agent.updates.threads import UpdateThreads
from muster_agent.workers import Workers

_log = logging.getLogger("muster_agent")


class AppThreads:
    """Runs what the core asks for outside the driver's lock, and tells it the outcome."""

    def __init__(
        self,
        registry: Registry,
        settings: dict[str, Callable[[Any], Any]],
        driver: Driver,
        core: Core,
        parallel: int,
    ) -> None:
        self.peer: Peer | None = None
        self.updates: UpdateThreads | None = None
        self._registry = registry
        self._settings = settings
        self._driver = driver
        self._core = core
        self._calls: dict[str, CommandCall] = {}
        self._commands = Workers(parallel, "muster-command")
        self._other = Workers(1, "muster-settings")

    def tell(self, act: Callable[[], list[Effect]]) -> None:
        """Tell the core something from outside the driver's lock, and carry out what follows."""
        with self._driver.lock:
            effects = act()
            if self.peer is not None:
                self.peer.run(effects)
        self._driver.wake()

    def start(self, call: Start) -> None:
        """Run a command's handler in a worker."""

        def report(step: str, fraction: float | None, message: str) -> None:
            self.tell(lambda: self._core.progress(call.execution, step, fraction, message))

        handed = CommandCall(call, report, self.status)
        self._calls[call.execution] = handed

        def job() -> None:
            outcome = self._registry.run(handed)
            self._calls.pop(call.execution, None)
            _log.info("command %s %s: %s", call.name, call.execution, outcome.state)
            self.tell(lambda: self._core.finished(call.execution, outcome))

        self._commands.submit(job)

    def cancel(self, call: Cancel) -> None:
        """Ask a running handler to stop."""
        handed = self._calls.get(call.execution)
        if handed is not None:
            handed.cancel()
        elif self.updates is not None:
            self.updates.cancel(call.execution)

    def update(self, call: StartUpdate) -> None:
        """Notify the app of an update, or install it."""
        if self.updates is not None:
            self.updates.start(call)

    def apply(self, call: ApplySettings) -> None:
        """Put settings into force, each by its own function, in a worker."""

        def job() -> None:
            reported, errors = self._apply_each(call.desired)
            self.tell(lambda: self._core.settings_applied(call.version, reported, errors))

        self._other.submit(job)

    def _apply_each(self, desired: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        reported: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, value in desired.items():
            function = self._settings.get(name)
            if function is None:
                errors[name] = "this device has no such setting"
                continue
            try:
                in_force = function(value)
            except Exception as error:
                errors[name] = (str(error) or type(error).__name__)[:4096]
            else:
                reported[name] = value if in_force is None else in_force
        return reported, errors

    def connection(self, text: str, *, up: bool) -> None:
        """Log that the connection came or went."""
        _log.log(logging.INFO if up else logging.WARNING, "%s", text)

    def status(self) -> dict[str, Any]:
        """Give the agent's own state."""
        with self._driver.lock:
            core = self._core
            return {
                "online": core.online,
                "session": core.session,
                "boot": core.spool.boot,
                "spool_messages": core.spool.count(),
                "spool_bytes": core.spool.used_bytes,
                "open_executions": len(core.executions.open_ids) + len(core.updates.open_ids),
                "settings_version": core.settings.state.version,
                "clock_offset_ms": core.server_clock.offset_ms(),
            }

    def stop(self) -> None:
        """Let the workers end."""
        self._commands.stop()
        if self.updates is not None:
            self.updates.stop()
        self._other.stop()
