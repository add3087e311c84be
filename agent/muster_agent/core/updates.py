"""What happens to an update on the device: which one begins, what is refused, how it ends.

Installing is done outside (`muster_agent.updates`); an install is always taken up again after a
restart, for its own journal on disk knows how far it came. A notice ends when the inventory
shows the release, or when the app says that it was declined.
"""

import contextlib
from collections.abc import Callable, Iterable

import msgspec

from muster_agent.clock import Clock, ServerClock
from muster_agent.core.desk import Desk, Outcome, Pace, failed
from muster_agent.core.effects import Cancel, Effect, StartUpdate
from muster_agent.core.options import CoreOptions
from muster_agent.errors import StoreError
from muster_agent.store.journal import Entry, Phase
from muster_protocol.messages import Component, Update, UpdateMode
from muster_protocol.states import ExecutionState as E
from muster_protocol.states import UpdateStep

CHANNEL = "updates"
PAST_CANCEL = frozenset(
    {UpdateStep.INSTALLING, UpdateStep.REBOOTING, UpdateStep.COMMITTING, UpdateStep.ROLLED_BACK}
)
"""From here on an install is not stopped: half of it would be worse than either end."""


class Updates:
    """The updates of one device."""

    def __init__(
        self, desk: Desk, options: CoreOptions, clock: Clock, server_clock: ServerClock
    ) -> None:
        self._desk = desk
        self._options = options
        self._clock = clock
        self._server = server_clock
        self._pace = Pace()
        self._steps: dict[str, str] = {}
        self._unsaved: dict[str, tuple[Outcome, Callable[[], None]]] = {}
        self._waiting = self._stored(Phase.RECEIVED)
        self._running: dict[str, Entry] = {}
        self._resumed = self._stored(Phase.RUNNING)
        self._waiting = {**self._resumed, **self._waiting}

    def _stored(self, phase: Phase) -> dict[str, Entry]:
        stored = self._desk.journal.in_phase(phase)
        return {entry.execution: entry for entry in stored if entry.channel == CHANNEL}

    @property
    def open_ids(self) -> list[str]:
        """Updates begun or accepted and not ended, for the hello."""
        return [*self._running, *self._waiting]

    # -- what the platform asks ------------------------------------------------------------

    def update(self, message: Update, child: str) -> None:
        """Take a `down/updates` message; what is accepted begins with `begin`."""
        entry = self._desk.find(message.execution)
        if entry is not None:
            self._desk.answer_again(entry, running=entry.execution in self._running)
            return
        now = self._server.now_ms()
        new = Entry(
            execution=message.execution,
            channel=CHANNEL,
            child=child,
            name=str(message.mode),
            args=msgspec.json.encode(message),
            attempt=1,
            phase=Phase.RECEIVED,
            resumable=1,
            received_at=now,
            expires_at=message.not_after,
            deadline_at=now + message.timeout_s * 1000 if message.timeout_s else None,
        )
        refusal = self._refusal(message, child, now)
        if refusal is not None:
            self._desk.refuse(new, refusal)
            return
        self._desk.receive(new)
        self._waiting[new.execution] = new

    def _refusal(self, message: Update, child: str, now: int) -> Outcome | None:
        if child:
            text = f"this gateway does not update its children ({child})"
            return failed("unsupported", text, E.REJECTED)
        if message.mode not in self._options.update_modes:
            known = ", ".join(self._options.update_modes) or "none"
            text = f"this device has no update mode {message.mode}; it has: {known}"
            return failed("unsupported", text, E.REJECTED)
        if message.not_after is not None and now > message.not_after:
            text = f"arrived {(now - message.not_after) / 1000:.1f} s after not_after"
            return failed("expired", text, E.EXPIRED)
        if len(self._waiting) + len(self._running) >= self._options.open_limit:
            text = f"{self._options.open_limit} updates are open on this device"
            return failed("busy", text, E.REJECTED)
        return None

    def cancel(self, execution: str, child: str) -> list[Effect]:
        """Take a cancel: possible until INSTALLING; later it is said that it is not."""
        entry = self._desk.find(execution)
        canceled = failed("canceled", "canceled before it was installed", E.CANCELED)
        if entry is None:
            self._desk.refuse_unknown(execution, CHANNEL, child, canceled)
        elif execution in self._waiting and execution not in self._resumed:
            self._end(entry, canceled)
        elif execution not in self._running:
            self._desk.answer_again(entry, running=False)
        elif entry.name == UpdateMode.NOTIFY:
            self._end(entry, canceled)
            return [Cancel(execution)]
        elif self._steps.get(execution) in PAST_CANCEL:
            text = "it is being installed and cannot be canceled any more"
            self._desk.report(entry, E.IN_PROGRESS, message=text)
        else:
            return [Cancel(execution)]
        return []

    # -- what goes on ----------------------------------------------------------------------

    def begin(self) -> list[Effect]:
        """Begin what may: notices at once, installs one after the other."""
        effects: list[Effect] = []
        for execution, entry in list(self._waiting.items()):
            if entry.name == UpdateMode.INSTALL and self._installing():
                continue
            try:
                effects += self._begin_one(execution, entry)
            except StoreError:
                break
        return effects

    def _installing(self) -> bool:
        return any(entry.name == UpdateMode.INSTALL for entry in self._running.values())

    def _begin_one(self, execution: str, entry: Entry) -> list[Effect]:
        resumed = execution in self._resumed
        now = self._server.now_ms()
        if not resumed and entry.expires_at is not None and now > entry.expires_at:
            # DELIVERED was said: the table of states allows no EXPIRED any more.
            self._end(entry, failed("expired", "it could not begin before not_after"))
            return []
        if not resumed:
            self._desk.begin(entry)
        del self._waiting[execution]
        self._running[execution] = entry
        message = msgspec.json.decode(entry.args, type=Update)
        return [StartUpdate(execution, message, resumed, entry.deadline_at)]

    def progress(self, execution: str, step: str, fraction: float | None, message: str) -> bool:
        """Report a step; at most one report a second of the same step is sent.

        Returns:
            False when the update has ended meanwhile (canceled, or past its limit).
        """
        entry = self._running.get(execution)
        if entry is None:
            return False
        self._steps[execution] = step
        self._resumed.pop(execution, None)  # from here its step says whether it may be ended
        if self._pace.allows(execution, step, self._clock.mono_s()):
            # What finds the disk full is let go: the update goes on.
            with contextlib.suppress(StoreError):
                self._desk.report(
                    entry, E.IN_PROGRESS, step=step, progress=fraction, message=message
                )
        return True

    def finished(
        self, execution: str, outcome: Outcome, first: Callable[[], None] = lambda: None
    ) -> None:
        """Take the end of an update; one that ended already keeps its end.

        Args:
            first: what is to be stored before the end, in the same commit.

        What cannot be stored now (a full disk) is tried again by `tick`.
        """
        entry = self._running.get(execution)
        if entry is None:
            return
        try:
            with self._desk.db.transaction():
                first()
                if execution in self._running:
                    self._end(entry, outcome)
        except StoreError:
            self._unsaved[execution] = (outcome, first)

    def inventory(self, components: Iterable[Component]) -> None:
        """End the notices whose release the inventory shows now."""
        have = {item.component: item.version for item in components}
        for execution, entry in list(self._running.items()):
            if entry.name != UpdateMode.NOTIFY:
                continue
            release = msgspec.json.decode(entry.args, type=Update).release
            wanted = release.components if release else []
            if wanted and all(have.get(part.component) == part.version for part in wanted):
                self.finished(execution, Outcome(E.SUCCEEDED, "the inventory shows the release"))

    def tick(self) -> list[Effect]:
        """End what ran past its limit, except what is being installed."""
        for execution, (outcome, first) in list(self._unsaved.items()):
            self.finished(execution, outcome, first)
        now = self._server.now_ms()
        effects: list[Effect] = []
        for execution, entry in [*self._running.items(), *self._waiting.items()]:
            late = entry.deadline_at is not None and now > entry.deadline_at
            busy = self._steps.get(execution) in PAST_CANCEL or execution in self._unsaved
            # A resumed one may stand in its new slot: its installer settles that first.
            if late and not busy and execution not in self._resumed:
                self._end(entry, failed("timeout", "not installed within timeout_s"))
                effects.append(Cancel(execution))
        return effects

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        self._desk.end(entry, outcome)
        execution = entry.execution
        for kept in (self._waiting, self._running, self._resumed, self._steps, self._unsaved):
            kept.pop(execution, None)
        self._pace.forget(execution)
