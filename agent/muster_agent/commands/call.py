"""What a command handler is given."""

import threading
from collections.abc import Callable
from typing import Any

from muster_agent.core.effects import Start
from muster_agent.errors import MusterError


class Canceled(MusterError):
    """Raised by a handler that stopped because it was asked to: answered CANCELED."""


class CommandCall:
    """One execution of a command on this device.

    Attributes:
        execution: its id.
        name: the command's name.
        args: the protocol's class for built-in commands, else a dict.
        child: the gateway's child it is for, or "".
        attempt: 1 for the first; a retry is another execution.
        resumed: True when the agent was stopped while this ran, and runs it again (only for
            handlers declared resumable).
        deadline_at: when the platform gives up, ms by the server's clock, or None.
        agent_status: gives the agent's own state (spool, session) as a dict.
    """

    def __init__(
        self,
        start: Start,
        report: Callable[[str, float | None, str], None],
        agent_status: Callable[[], dict[str, Any]],
    ) -> None:
        self.execution = start.execution
        self.name = start.name
        self.args = start.args
        self.child = start.child
        self.attempt = start.attempt
        self.resumed = start.resumed
        self.deadline_at = start.deadline_at
        self.agent_status = agent_status
        self._report = report
        self._cancel = threading.Event()

    def progress(self, step: str, fraction: float | None = None, message: str = "") -> None:
        """Tell how far it is: a step's name, 0 to 1, a line for people.

        At most one a second of the same step is sent.
        """
        bounded = None if fraction is None else min(1.0, max(0.0, float(fraction)))
        self._report(step[:128], bounded, message[:4096])

    @property
    def canceled(self) -> bool:
        """Whether the handler was asked to stop (by a cancel, or its time limit)."""
        return self._cancel.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until the handler is asked to stop.

        Raises:
            Canceled: it was asked to.
        """
        if self._cancel.wait(seconds):
            raise Canceled("canceled")

    def cancel(self) -> None:
        """Ask the handler to stop."""
        self._cancel.set()
