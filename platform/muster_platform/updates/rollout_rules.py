"""What a rollout does next, and when an update is believed: pure functions on data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from muster_platform.jobs.rules import Decision
from muster_protocol.messages import UpdateMode
from muster_protocol.states import EXECUTION_TERMINAL, ExecutionState

E = ExecutionState

NOT_VERIFIED = "not_verified"
ERRORS: frozenset[ExecutionState] = frozenset({E.FAILED, E.REJECTED, E.TIMED_OUT})
"""Ends that count against a phase. EXPIRED does not: a device that is away has not failed."""
NOT_COUNTED: frozenset[ExecutionState] = frozenset({E.REMOVED, E.CANCELED})
"""Ends of devices that left, or that a person took out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStanding:
    """A phase as the rules see it; times are ms since the epoch. See RolloutPhase.

    Attributes:
        counts: {execution state: devices} of the newest attempts.
    """

    number: int
    success_percent: int
    error_devices: int
    soak_s: int
    by_hand: bool
    is_last: bool
    forgiven: int = 0
    accepted: bool = False
    reached_at: int | None = None
    next_at: int | None = None
    counts: Mapping[str, int]

    @property
    def devices(self) -> int:
        """Count the devices that the thresholds are about."""
        return sum(n for state, n in self.counts.items() if state not in NOT_COUNTED)

    @property
    def succeeded(self) -> int:
        """Count the devices that have it."""
        return self.counts.get(E.SUCCEEDED, 0)

    @property
    def errors(self) -> int:
        """Count the devices on which it went wrong."""
        return sum(self.counts.get(state, 0) for state in ERRORS)

    @property
    def all_ended(self) -> bool:
        """Say whether nothing of it is open."""
        return all(state in EXECUTION_TERMINAL for state, n in self.counts.items() if n)

    @property
    def success_reached(self) -> bool:
        """Say whether enough have succeeded."""
        return self.succeeded * 100 >= self.success_percent * self.devices


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for a rollout in its open phase.

    Attributes:
        pause: why it pauses; None: it does not.
        open_next: the next phase opens now.
        reached_at, forgiven: as they are to be stored.
        waits: a code of jobs.blocked, None where only the devices are waited for.
        since: of what is waited for, ms since the epoch.
        more: there is something to come after this phase.
    """

    pause: str | None = None
    open_next: bool = False
    reached_at: int | None = None
    forgiven: int = 0
    waits: str | None = None
    since: int = 0
    more: bool = False


def judge(phase: PhaseStanding, now: int, *, paused: bool = False) -> Verdict:
    """Say what follows for the open phase.

    Args:
        now: ms since the epoch.
        paused: a paused rollout takes no step of its own.
    """
    forgiven = min(phase.forgiven, phase.errors)
    more = not phase.is_last
    verdict = Verdict(reached_at=phase.reached_at, forgiven=forgiven, more=more)
    if paused:
        return verdict
    if phase.is_last and phase.all_ended:
        return verdict
    if phase.next_at is not None and more:
        return replace(verdict, open_next=True)
    if phase.errors - forgiven >= phase.error_devices:
        return replace(verdict, pause=_too_many(phase))
    if phase.is_last:
        return verdict
    if not (phase.success_reached or phase.accepted):
        if phase.all_ended:
            return replace(verdict, pause=_too_few(phase))
        return replace(verdict, reached_at=None)
    reached = now if phase.reached_at is None else phase.reached_at
    verdict = replace(verdict, reached_at=reached)
    if reached + phase.soak_s * 1000 > now:
        return replace(verdict, waits="soaking", since=reached)
    if phase.by_hand:
        return replace(verdict, waits="waiting_for_hand", since=reached + phase.soak_s * 1000)
    return replace(verdict, open_next=True)


def _too_many(phase: PhaseStanding) -> str:
    return (
        f"phase {phase.number}: {phase.errors} of {phase.devices} devices failed;"
        f" {phase.error_devices} pause it"
    )


def _too_few(phase: PhaseStanding) -> str:
    share = phase.succeeded * 100 // phase.devices
    return (
        f"phase {phase.number} has ended: {share} % succeeded,"
        f" {phase.success_percent} % are needed to go on"
    )


def shown_in(wanted: Mapping[str, str], inventory: Mapping[str, str]) -> bool:
    """Say whether an inventory shows every component of a release at its version.

    Args:
        wanted, inventory: {component: version}.
    """
    return bool(wanted) and all(inventory.get(name) == version for name, version in wanted.items())


def verified(decision: Decision, *, shown: bool) -> Decision:
    """Hold a claimed success back until the inventory shows it.

    Args:
        decision: what the engine would make of the claim.
        shown: the stored inventory shows the release already.
    """
    if decision.to is not E.SUCCEEDED or shown:
        return decision
    changes = {name: value for name, value in decision.changes.items() if name != "ended_at"}
    note = "the device says it is done; its inventory must show it"
    return Decision(E.VERIFYING, changes, note=note, telling=True)


def inventory_says(
    state: ExecutionState, mode: str, *, handed: bool, shown: bool
) -> tuple[ExecutionState, str]:
    """Say what an inventory that has just come makes of an open update, and its code.

    An agent that still works may roll back after its inventory showed the release: its own word
    is waited for. A phone's app may be updated by its store without a word: the inventory is all
    there is. What was never sent and is there already needs no sending.
    """
    if shown:
        proves = state is E.VERIFYING or mode == UpdateMode.NOTIFY or not handed
        return (E.SUCCEEDED, "") if proves else (state, "")
    return (E.FAILED, NOT_VERIFIED) if state is E.VERIFYING else (state, "")


def sizes(total: int, shares: Sequence[tuple[int | None, int | None]]) -> list[int]:
    """Cut a number of devices into phases; each has one at least while there are any.

    Args:
        shares: (percent of all, count) of each phase; both None, and always the last: the rest.

    Returns:
        One number a phase; they add up to `total`, later ones may be 0.
    """
    found, left = [], total
    for number, (percent, count) in enumerate(shares):
        if number == len(shares) - 1 or (percent is None and count is None):
            size = left
        elif count is not None:
            size = min(count, left)
        else:
            size = min(max(1, -(-total * (percent or 0) // 100)), left)
        found.append(size)
        left -= size
    return found
