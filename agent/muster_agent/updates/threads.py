"""Runs updates outside the core's lock, and tells the core what becomes of them."""

import logging
import threading
from collections.abc import Callable

from muster_agent.core import Core, Effect, StartUpdate
from muster_agent.core.desk import Outcome, failed
from muster_agent.core.updates import PAST_CANCEL
from muster_agent.errors import Rejected
from muster_agent.updates.engine import Updater
from muster_agent.updates.errors import UpdateCanceled
from muster_agent.updates.notices import Notice
from muster_agent.workers import Workers
from muster_protocol.messages import Update, UpdateMode
from muster_protocol.states import ExecutionState, UpdateStep

_log = logging.getLogger("muster_agent")

Tell = Callable[[Callable[[], list[Effect]]], None]


class UpdateCall:
    """One update as the engine sees it."""

    def __init__(self, message: Update, report: Callable[[str, float | None, str], None]) -> None:
        self.message = message
        self._report = report
        self._stop = threading.Event()

    def step(self, step: UpdateStep, fraction: float | None = None, message: str = "") -> None:
        """Report a step, and stop here if that was asked for and is still possible."""
        if step not in PAST_CANCEL or step is UpdateStep.INSTALLING:
            self._check(before=step)
        self._report(str(step), fraction, message)

    def _check(self, before: UpdateStep) -> None:
        if self._stop.is_set() and not self._past:
            raise UpdateCanceled("canceled before it was installed")
        self._past = self._past or before is UpdateStep.INSTALLING

    _past = False

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until it is asked to stop."""
        if self._stop.wait(seconds):
            raise UpdateCanceled("canceled before it was installed")

    def cancel(self) -> None:
        """Ask it to stop."""
        self._stop.set()


class UpdateThreads:
    """One thread installs, one tells the app of notices.

    Args:
        updater: None where this device does not install.
        notify: the app's function; None where it takes no notices.
        leave: called when the process is to end, so that the new one can start.
    """

    def __init__(
        self,
        core: Core,
        tell: Tell,
        updater: Updater | None,
        notify: Callable[[Notice], object] | None,
        leave: Callable[[], None],
    ) -> None:
        self._core = core
        self._tell = tell
        self._updater = updater
        self._notify = notify
        self._leave = leave
        self._calls: dict[str, UpdateCall] = {}
        self._installs = Workers(1, "muster-update")
        self._notices = Workers(1, "muster-notice")

    def start(self, start: StartUpdate) -> None:
        """Begin an update."""
        if start.message.mode is UpdateMode.NOTIFY:
            self._notices.submit(lambda: self._show(start))
            return
        call = UpdateCall(start.message, lambda *report: self._step(start.execution, *report))
        self._calls[start.execution] = call
        self._installs.submit(lambda: self._install(start, call))

    def cancel(self, execution: str) -> None:
        """Ask an update to stop."""
        call = self._calls.get(execution)
        if call is not None:
            call.cancel()

    def stop(self) -> None:
        """Let the threads end; what is being downloaded goes on at the next start."""
        self._installs.stop()
        self._notices.stop()

    def _step(self, execution: str, step: str, fraction: float | None, message: str) -> None:
        self._tell(lambda: self._core.update_progress(execution, step, fraction, message))
        # The core does not end what it was told is being installed; before, it may have.
        if step == UpdateStep.INSTALLING and execution not in self._core.updates.open_ids:
            raise UpdateCanceled("ended before it was installed")

    def _finish(self, execution: str, outcome: Outcome) -> None:
        self._calls.pop(execution, None)
        _log.info("update %s: %s", execution, outcome.state)
        self._tell(lambda: self._core.update_finished(execution, outcome))

    def _install(self, start: StartUpdate, call: UpdateCall) -> None:
        if self._updater is None:
            self._finish(start.execution, failed("unsupported", "no installer any more"))
            return
        try:
            outcome = self._updater.run(call)
        except Exception as error:
            _log.exception("update %s", start.execution)
            outcome = failed(type(error).__name__, str(error) or type(error).__name__)
        if outcome is None:
            self._leave()
        else:
            self._finish(start.execution, outcome)

    def _show(self, start: StartUpdate) -> None:
        execution = start.execution

        def decline(why: str) -> None:
            self._finish(execution, failed("declined", why, ExecutionState.REJECTED))

        if self._notify is None:
            self._finish(execution, failed("unsupported", "the app takes no notices any more"))
            return
        try:
            self._step(execution, str(UpdateStep.NOTIFIED), None, "")
            self._notify(Notice(start.message, start.resumed, decline))
        except Rejected as error:
            self._finish(execution, failed(error.code, str(error), ExecutionState.REJECTED))
        except Exception as error:
            self._finish(execution, failed(type(error).__name__, str(error) or "no reason given"))
        else:
            self._step(execution, str(UpdateStep.WAIT_FOR_CONFIRMATION), None, "")
