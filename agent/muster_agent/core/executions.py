"""What happens to a command on the device: run once, answered from the journal, ended."""

import contextlib
from typing import NamedTuple, Protocol

import msgspec

from muster_agent.clock import Clock, ServerClock
from muster_agent.core.desk import Desk, Outcome, Pace, failed
from muster_agent.core.effects import Cancel, Effect, Start
from muster_agent.core.options import CoreOptions
from muster_agent.errors import StoreError
from muster_agent.store.journal import Entry, Phase
from muster_protocol.commands import decode_args
from muster_protocol.messages import Action, Command
from muster_protocol.states import ExecutionState as E

_DAY_MS = 86_400_000


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


CHANNEL = "commands"


class Executions:
    """The commands of one device."""

    def __init__(
        self,
        desk: Desk,
        commands: Commands,
        options: CoreOptions,
        clock: Clock,
        server_clock: ServerClock,
    ) -> None:
        self._desk = desk
        self._journal = desk.journal
        self._commands = commands
        self._options = options
        self._clock = clock
        self._server = server_clock
        self._running: dict[str, Entry] = {}
        self._waiting = {entry.execution: entry for entry in self._stored(Phase.RECEIVED)}
        self._resumed: set[str] = set()
        self._pace = Pace()
        self._unsaved: dict[str, Outcome] = {}
        self._recover()

    def _stored(self, phase: Phase) -> list[Entry]:
        return [entry for entry in self._journal.in_phase(phase) if entry.channel == CHANNEL]

    def _recover(self) -> None:
        """Settle what an earlier start had begun: run it again only where that was declared."""
        for entry in self._stored(Phase.RUNNING):
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
            self._desk.answer_again(entry, running=entry.execution in self._running)
            return
        now = self._server.now_ms()
        spec = self._commands.find(child, message.name)
        new = Entry(
            execution=message.execution,
            channel=CHANNEL,
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
        if refusal is None:
            self._desk.receive(new)
            self._waiting[new.execution] = new
        else:
            self._desk.refuse(new, refusal)

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

    def cancel(self, execution: str, child: str) -> list[Effect]:
        """Take a cancel: what has not begun ends CANCELED, what runs is asked to stop."""
        entry = self._journal.find(execution)
        canceled = failed("canceled", "canceled before it began", E.CANCELED)
        if entry is None:
            self._desk.refuse_unknown(execution, CHANNEL, child, canceled)
        elif execution in self._waiting:
            self._end(entry, canceled)
        elif execution in self._running:
            spec = self._commands.find(entry.child, entry.name)
            if spec is not None and spec.cancelable:
                return [Cancel(execution)]
            text = "this command cannot be canceled midway"
            self._desk.report(entry, E.IN_PROGRESS, message=text)
        else:
            self._desk.answer_again(entry, running=False)
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
        self._desk.begin(entry)
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
        if not self._pace.allows(execution, step, self._clock.mono_s()):
            return
        # A report of progress that finds the disk full is let go; the handler goes on.
        with contextlib.suppress(StoreError):
            self._desk.report(entry, E.IN_PROGRESS, step=step, progress=fraction, message=message)

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

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        self._desk.end(entry, outcome)
        self._waiting.pop(entry.execution, None)
        self._running.pop(entry.execution, None)
        self._pace.forget(entry.execution)
        self._unsaved.pop(entry.execution, None)
        self._resumed.discard(entry.execution)
