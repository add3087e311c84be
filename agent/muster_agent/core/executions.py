"""What happens to an execution on the device: run once, answered from the journal, ended.

The journal entry and the report that tells of it are written in one commit, before the handler
begins: whatever is killed, an id is not run a second time.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import msgspec

from muster_agent.clock import Clock, ServerClock
from muster_agent.core.effects import Cancel, Effect, Start
from muster_agent.core.options import CoreOptions
from muster_agent.errors import StoreError
from muster_agent.store.database import Database
from muster_agent.store.journal import Entry, Journal, Phase
from muster_agent.store.spool import Row
from muster_protocol.commands import decode_args
from muster_protocol.limits import TEXT_CHARS
from muster_protocol.messages import Action, Command, ErrorInfo, Report, Update
from muster_protocol.states import ExecutionState as E

RESULT_BYTES = 48 * 1024
"""Largest JSON result of a command; a report with it must fit into one payload."""

_DAY_MS = 86_400_000
_PROGRESS_EVERY_S = 1.0


class CommandSpec(NamedTuple):
    """What the core must know of a command handler.

    Attributes:
        cancelable: the handler looks at `canceled` while it runs.
        resumable: may be run again when the agent was killed while it ran.
    """

    name: str
    cancelable: bool = False
    resumable: bool = False


class Commands(Protocol):
    """Where handlers are looked up; the registry of the app, or the simulator's."""

    def find(self, child: str, name: str) -> CommandSpec | None:
        """Give the command of the device itself (child "") or of a child."""

    def names(self, child: str) -> list[str]:
        """List the names of the commands, for the hello."""


class Outcome(NamedTuple):
    """How a handler ended: `state` is SUCCEEDED, FAILED, REJECTED or CANCELED."""

    state: E
    message: str = ""
    result: dict[str, Any] = {}
    error: ErrorInfo | None = None


def failed(code: str, message: str, state: E = E.FAILED) -> Outcome:
    """Make an outcome that carries an error."""
    return Outcome(state, error=ErrorInfo(code=code[:128], message=message[:TEXT_CHARS]))


class Executions:
    """The executions of one device.

    Args:
        accept: stores a message of a channel (and child) in the spool.
        resend: sends a stored row again; False when it is not in the spool any more.
    """

    def __init__(
        self,
        db: Database,
        journal: Journal,
        commands: Commands,
        options: CoreOptions,
        clock: Clock,
        server_clock: ServerClock,
        accept: Callable[[str, msgspec.Struct, str], Row],
        resend: Callable[[int], bool],
    ) -> None:
        self._db = db
        self._journal = journal
        self._commands = commands
        self._options = options
        self._clock = clock
        self._server = server_clock
        self._accept = accept
        self._resend = resend
        self._running: dict[str, Entry] = {}
        self._waiting = {entry.execution: entry for entry in journal.in_phase(Phase.RECEIVED)}
        self._resumed: set[str] = set()
        self._last_progress: dict[str, tuple[float, str]] = {}
        self._unsaved: dict[str, Outcome] = {}
        self._recover()

    def _recover(self) -> None:
        """Settle what an earlier start had begun: run it again only where that was declared."""
        for entry in self._journal.in_phase(Phase.RUNNING):
            spec = self._commands.find(entry.child, entry.name)
            if entry.resumable and spec is not None and spec.resumable:
                self._resumed.add(entry.execution)
                self._waiting[entry.execution] = entry
            else:
                text = "the agent stopped while this ran; it may have taken effect or not"
                self._end(entry, failed("interrupted", text))

    @property
    def open_ids(self) -> list[str]:
        """Executions begun or accepted and not ended, for the hello."""
        return [*self._running, *self._waiting][:1_000]

    def command(self, message: Command, child: str) -> None:
        """Take a `down/commands` message; handlers begin with `begin`."""
        entry = self._journal.find(message.execution)
        if message.action is Action.CANCEL:
            raise TypeError("a cancel goes to `cancel`")
        if entry is not None:
            self._answer_again(entry)
            return
        now = self._server.now_ms()
        spec = self._commands.find(child, message.name)
        new = Entry(
            execution=message.execution,
            channel="commands",
            child=child,
            name=message.name,
            args=msgspec.json.encode(message.args),
            attempt=message.attempt,
            phase=Phase.RECEIVED,
            resumable=int(spec.resumable) if spec else 0,
            received_at=now,
            expires_at=message.expires_at,
            deadline_at=now + message.timeout_s * 1000 if message.timeout_s else None,
        )
        refusal = self._refusal(message, spec, now)
        with self._db.transaction():
            self._journal.add(new)
            if refusal is None:
                self._report(new, E.DELIVERED)
        if refusal is None:
            self._waiting[new.execution] = new
        else:
            self._end(new, refusal)

    def _refusal(self, message: Command, spec: CommandSpec | None, now: int) -> Outcome | None:
        if message.expires_at is not None and now > message.expires_at:
            text = f"arrived {(now - message.expires_at) / 1000:.1f} s after expires_at"
            return failed("expired", text, E.EXPIRED)
        if spec is None:
            text = f"this device has no command {message.name!r}"
            return failed("unknown_command", text, E.REJECTED)
        try:
            decode_args(message.name, message.args)
        except msgspec.ValidationError as error:
            return failed("invalid_args", f"args: {error}", E.REJECTED)
        if len(self._waiting) + len(self._running) >= self._options.open_limit:
            text = f"{self._options.open_limit} executions are open on this device"
            return failed("busy", text, E.REJECTED)
        return None

    def update(self, message: Update, child: str) -> None:
        """Take a `down/updates` message: this version of the agent installs nothing."""
        entry = self._journal.find(message.execution)
        if entry is not None:
            self._answer_again(entry)
            return
        self._settle_unknown(
            message.execution,
            "updates",
            child,
            failed("unsupported", "this agent does not install updates", E.REJECTED),
        )

    def _settle_unknown(self, execution: str, channel: str, child: str, outcome: Outcome) -> None:
        now = self._server.now_ms()
        entry = Entry(execution, channel, child, "", b"{}", 1, Phase.RECEIVED, 0, now, None, None)
        with self._db.transaction():
            self._journal.add(entry)
            self._end(entry, outcome)

    def cancel(self, execution: str, channel: str, child: str) -> list[Effect]:
        """Take a cancel: what has not begun ends CANCELED, what runs is asked to stop."""
        entry = self._journal.find(execution)
        canceled = failed("canceled", "canceled before it began", E.CANCELED)
        if entry is None:
            self._settle_unknown(execution, channel, child, canceled)
        elif execution in self._waiting:
            self._end(entry, canceled)
        elif execution in self._running:
            spec = self._commands.find(entry.child, entry.name)
            if spec is not None and spec.cancelable:
                return [Cancel(execution)]
            self._report(entry, E.IN_PROGRESS, message="this command cannot be canceled midway")
        else:
            self._answer_again(entry)
        return []

    def begin(self) -> list[Effect]:
        """Start the handlers that there is room for, oldest execution first.

        A store that cannot be written ends the round: what was begun before must still start.
        """
        effects: list[Effect] = []
        for execution in list(self._waiting):
            if len(self._running) >= self._options.parallel:
                break
            try:
                start = self._begin_one(execution, self._waiting[execution])
            except StoreError:
                break
            if start is not None:
                effects.append(start)
        return effects

    def _begin_one(self, execution: str, entry: Entry) -> Start | None:
        """Start one; None where it ended instead."""
        late = self._too_late(entry, self._server.now_ms())
        if late is not None:
            self._end(entry, late)
            return None
        try:
            args = decode_args(entry.name, msgspec.json.decode(entry.args))
        except msgspec.ValidationError as error:  # stored, but we died before refusing it
            self._end(entry, failed("invalid_args", f"args: {error}", E.REJECTED))
            return None
        with self._db.transaction():
            self._journal.set_phase(execution, Phase.RUNNING)
            self._report(entry, E.IN_PROGRESS)
        del self._waiting[execution]
        self._running[execution] = entry
        resumed = execution in self._resumed
        return Start(
            execution, entry.name, args, entry.child, entry.attempt, resumed, entry.deadline_at
        )

    def _too_late(self, entry: Entry, now: int) -> Outcome | None:
        if entry.deadline_at is not None and now > entry.deadline_at:
            return failed("timeout", "it could not begin within timeout_s")
        if entry.execution in self._resumed:
            return None
        if entry.expires_at is not None and now > entry.expires_at:
            return failed("expired", "it could not begin before expires_at")
        return None

    def progress(self, execution: str, step: str, fraction: float | None, message: str) -> None:
        """Report on a running handler; at most one a second for the same step is sent."""
        entry = self._running.get(execution)
        if entry is None:
            return
        now = self._clock.mono_s()
        at, last_step = self._last_progress.get(execution, (-_PROGRESS_EVERY_S, ""))
        if step == last_step and now - at < _PROGRESS_EVERY_S:
            return
        self._last_progress[execution] = (now, step)
        # A report of progress that finds the disk full is let go; the handler goes on.
        with contextlib.suppress(StoreError):
            self._report(entry, E.IN_PROGRESS, step=step, progress=fraction, message=message)

    def finished(self, execution: str, outcome: Outcome) -> None:
        """Take the end of a handler; a late one (after its time limit) changes nothing.

        What cannot be stored now (a full disk) is kept in memory and tried again by `tick`.
        """
        entry = self._running.get(execution)
        if entry is None:
            return
        try:
            self._end(entry, outcome)
        except StoreError:
            self._unsaved[execution] = outcome

    def tick(self) -> list[Effect]:
        """End what ran past its limit."""
        effects: list[Effect] = []
        if not self._running:
            return effects
        for execution, outcome in list(self._unsaved.items()):
            self.finished(execution, outcome)
        now = self._server.now_ms()
        for execution, entry in list(self._running.items()):
            late = entry.deadline_at is not None and now > entry.deadline_at
            if late and execution not in self._unsaved:
                self._end(entry, failed("timeout", "still running after timeout_s; given up"))
                effects.append(Cancel(execution))
        return effects

    def prune(self) -> int:
        """Forget ended executions that are old, confirmed, and cannot be sent again."""
        now = self._server.now_ms()
        return self._journal.prune(now - self._options.keep_days * _DAY_MS, now - _DAY_MS)

    def _answer_again(self, entry: Entry) -> None:
        """Answer a repeated execution id: with the stored report, or with where it stands."""
        if entry.phase != Phase.DONE:
            running = entry.execution in self._running
            self._report(entry, E.IN_PROGRESS if running else E.DELIVERED)
            return
        if entry.report_row is not None and self._resend(entry.report_row):
            return
        if entry.report is not None:
            self._accept(entry.channel, msgspec.json.decode(entry.report, type=Report), entry.child)

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        message, result = outcome.message, outcome.result
        size = len(msgspec.json.encode(result))
        if size > RESULT_BYTES:
            message = f"{message} (a result of {size} bytes was left out: at most {RESULT_BYTES})"
            result = {}
        with self._db.transaction():
            row = self._report(
                entry,
                outcome.state,
                message=message[-TEXT_CHARS:],
                result=result,
                error=outcome.error,
            )
            self._journal.finish(entry.execution, row.payload, row.id, self._server.now_ms())
        self._waiting.pop(entry.execution, None)
        self._running.pop(entry.execution, None)
        self._last_progress.pop(entry.execution, None)
        self._unsaved.pop(entry.execution, None)
        self._resumed.discard(entry.execution)

    def _report(self, entry: Entry, state: E, **fields: Any) -> Row:
        report = Report(execution=entry.execution, state=state, ts=self._server.now_ms(), **fields)
        return self._accept(entry.channel, report, entry.child)
