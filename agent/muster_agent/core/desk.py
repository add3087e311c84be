"""What commands and updates have in common on the device: one journal, one way to report.

The journal entry and the report that tells of it are written in one commit, before anything
begins: whatever is killed, an id is not run a second time.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from muster_agent.clock import ServerClock
from muster_agent.store.database import Database
from muster_agent.store.journal import Entry, Journal, Phase
from muster_agent.store.spool import Row
from muster_protocol.limits import TEXT_CHARS
from muster_protocol.messages import ErrorInfo, Report
from muster_protocol.states import ExecutionState as E

RESULT_BYTES = 48 * 1024
"""Largest JSON result of an execution; a report with it must fit into one payload."""

PROGRESS_EVERY_S = 1.0


class Outcome(NamedTuple):
    """How an execution ended: `state` is SUCCEEDED, FAILED, REJECTED or CANCELED."""

    state: E
    message: str = ""
    result: dict[str, Any] = {}
    error: ErrorInfo | None = None
    step: str = ""


def failed(code: str, message: str, state: E = E.FAILED, step: str = "") -> Outcome:
    """Make an outcome that carries an error."""
    error = ErrorInfo(code=code[:128], message=message[:TEXT_CHARS])
    return Outcome(state, error=error, step=step)


class Desk:
    """Journals executions and reports on them.

    Args:
        accept: stores a message of a channel (and child) in the spool.
        resend: sends a stored row again; False when it is not in the spool any more.
    """

    def __init__(
        self,
        db: Database,
        journal: Journal,
        server_clock: ServerClock,
        accept: Callable[[str, msgspec.Struct, str], Row],
        resend: Callable[[int], bool],
    ) -> None:
        self.db = db
        self.journal = journal
        self._server = server_clock
        self._accept = accept
        self._resend = resend

    def find(self, execution: str) -> Entry | None:
        """Read an execution."""
        return self.journal.find(execution)

    def report(self, entry: Entry, state: E, **fields: Any) -> Row:
        """Store a report on an execution."""
        report = Report(execution=entry.execution, state=state, ts=self._server.now_ms(), **fields)
        return self._accept(entry.channel, report, entry.child)

    def receive(self, entry: Entry) -> None:
        """Journal an execution and answer DELIVERED, in one commit."""
        with self.db.transaction():
            self.journal.add(entry)
            self.report(entry, E.DELIVERED)

    def refuse(self, entry: Entry, outcome: Outcome) -> None:
        """Journal an execution that ends before it began, in one commit."""
        with self.db.transaction():
            self.journal.add(entry)
            self.end(entry, outcome)

    def refuse_unknown(self, execution: str, channel: str, child: str, outcome: Outcome) -> None:
        """End an execution of which nothing but the id is known."""
        now = self._server.now_ms()
        entry = Entry(execution, channel, child, "", b"{}", 1, Phase.RECEIVED, 0, now, None, None)
        self.refuse(entry, outcome)

    def begin(self, entry: Entry) -> None:
        """Journal that an execution begins, and report it."""
        with self.db.transaction():
            self.journal.set_phase(entry.execution, Phase.RUNNING)
            self.report(entry, E.IN_PROGRESS)

    def end(self, entry: Entry, outcome: Outcome) -> None:
        """Journal and report the end."""
        message, result = outcome.message, outcome.result
        size = len(msgspec.json.encode(result))
        if size > RESULT_BYTES:
            message = f"{message} (a result of {size} bytes was left out: at most {RESULT_BYTES})"
            result = {}
        with self.db.transaction():
            row = self.report(
                entry,
                outcome.state,
                step=outcome.step,
                message=message[-TEXT_CHARS:],
                result=result,
                error=outcome.error,
            )
            self.journal.finish(entry.execution, row.payload, row.id, self._server.now_ms())

    def answer_again(self, entry: Entry, *, running: bool) -> None:
        """Answer a repeated execution id: with the stored report, or with where it stands."""
        if entry.phase != Phase.DONE:
            self.report(entry, E.IN_PROGRESS if running else E.DELIVERED)
            return
        if entry.report_row is not None and self._resend(entry.report_row):
            return
        if entry.report is not None:
            self._accept(entry.channel, msgspec.json.decode(entry.report, type=Report), entry.child)


class Pace:
    """Lets at most one report a second of the same step through."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, str]] = {}

    def allows(self, execution: str, step: str, now_s: float) -> bool:
        """Say whether a report may go now, and note that it does."""
        at, last_step = self._last.get(execution, (-PROGRESS_EVERY_S, ""))
        if step == last_step and now_s - at < PROGRESS_EVERY_S:
            return False
        self._last[execution] = (now_s, step)
        return True

    def forget(self, execution: str) -> None:
        """Forget one that ended."""
        self._last.pop(execution, None)
