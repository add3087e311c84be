"""How a simulated device takes an update: no file is written, what goes wrong is drawn.

The fate is drawn from seed, device and release, so a fleet of the same seed takes the same
release in the same way, whenever it comes.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random

from muster_agent.core import Core, Effect, Outcome, StartUpdate, failed
from muster_agent.core.updates import PAST_CANCEL
from muster_agent.simulator.scenario import Span, UpdateTable
from muster_agent.simulator.timers import Timers
from muster_protocol.messages import Component, Update, UpdateMode
from muster_protocol.states import ExecutionState, UpdateStep


class Fate(StrEnum):
    """How an update goes on one device."""

    FAIL = "fail"
    DISK_FULL = "disk_full"
    LIE = "lie"
    POWER_LOSS = "power_loss"
    GOOD = "good"


class Story:
    """One update on its way; the timers of an earlier start of the device find it gone."""

    def __init__(self, message: Update, fate: Fate, draw: Random) -> None:
        self.message = message
        self.fate = fate
        self.draw = draw
        self.step = ""


class SimUpdates:
    """The updates of one simulated device.

    Args:
        act: gives the effects of something told to the core to the device's peer.
        power_loss: the device loses power, and starts again.
    """

    def __init__(
        self,
        table: UpdateTable,
        random: Callable[[str], Random],
        inventory: list[Component],
        timers: Timers,
        core: Callable[[], Core],
        act: Callable[[Sequence[Effect]], None],
        power_loss: Callable[[], None],
    ) -> None:
        self._table = table
        self._random = random
        self._inventory = inventory
        self._timers = timers
        self._core = core
        self._act = act
        self._power_loss = power_loss
        self._stories: dict[str, Story] = {}

    def forget(self) -> None:
        """Lose what was in memory: the power has gone."""
        self._stories.clear()

    def cancel(self, execution: str) -> bool:
        """Stop an update; False when there is none of that id, or it is too late."""
        story = self._stories.get(execution)
        if story is None or story.step in PAST_CANCEL:
            return False
        self._finish(execution, failed("canceled", "canceled", ExecutionState.CANCELED))
        return True

    def start(self, call: StartUpdate) -> None:
        """Begin, or go on after a restart."""
        message = call.message
        version = message.release.version if message.release else ""
        draw = self._random(f"update:{version}")
        story = Story(message, self._fate(draw), draw)
        if call.resumed and story.fate is Fate.POWER_LOSS:
            story.fate = Fate.GOOD  # the power does not fail a second time
        self._stories[call.execution] = story
        if message.mode is UpdateMode.NOTIFY:
            self._notice(call.execution, story)
        else:
            self._install(call.execution, story)

    def _fate(self, draw: Random) -> Fate:
        table, chance = self._table, draw.random()
        for fate in (Fate.FAIL, Fate.DISK_FULL, Fate.LIE, Fate.POWER_LOSS):
            share: float = getattr(table, fate)
            if chance < share:
                return fate
            chance -= share
        return Fate.GOOD

    # -- the two modes ---------------------------------------------------------------------

    def _notice(self, execution: str, story: Story) -> None:
        """A person sees it, thinks, and installs it from the store, or declines."""
        self._step(execution, UpdateStep.NOTIFIED)
        self._after(0.2, execution, lambda: self._step(execution, UpdateStep.WAIT_FOR_CONFIRMATION))
        thinking = story.draw.uniform(*self._table.confirm_seconds)
        if story.draw.random() < self._table.decline:
            outcome = failed("declined", "the user declined", ExecutionState.REJECTED)
            self._after(thinking, execution, lambda: self._finish(execution, outcome))
        else:
            self._after(thinking, execution, lambda: self._confirmed(execution, story))

    def _confirmed(self, execution: str, story: Story) -> None:
        if story.fate is Fate.FAIL:
            self._finish(execution, failed("install", "the store could not install it"))
            return
        if story.fate is not Fate.LIE:
            self._bring_up(story.message)
        self._finish(execution, Outcome(ExecutionState.SUCCEEDED, "the user installed it"))

    def _install(self, execution: str, story: Story) -> None:
        slow = story.draw.random() < self._table.slow
        span: Span = self._table.slow_seconds if slow else self._table.seconds
        total = story.draw.uniform(*span)
        for part in (0.0, 0.25, 0.5, 0.75):
            self._after(
                total * part,
                execution,
                lambda part=part: self._step(  # type: ignore[misc]
                    execution, UpdateStep.DOWNLOADING, part
                ),
            )
        if story.fate is Fate.DISK_FULL:
            outcome = failed("disk_full", "no room is left for the new slot")
            self._after(total * 0.8, execution, lambda: self._finish(execution, outcome))
            return
        self._after(total, execution, lambda: self._downloaded(execution, story))

    def _downloaded(self, execution: str, story: Story) -> None:
        for step in (UpdateStep.DOWNLOADED, UpdateStep.VERIFIED, UpdateStep.INSTALLING):
            self._step(execution, step)
        last = story.draw.uniform(*self._table.install_seconds)
        if story.fate is Fate.POWER_LOSS:
            self._after(last, execution, self._power_loss)
            return
        self._after(last, execution, lambda: self._step(execution, UpdateStep.REBOOTING))
        self._after(last * 1.5, execution, lambda: self._decide(execution, story))

    def _decide(self, execution: str, story: Story) -> None:
        self._step(execution, UpdateStep.COMMITTING)
        if story.fate is Fate.FAIL:
            text = "the new version did not answer its health check"
            step = str(UpdateStep.ROLLED_BACK)
            self._finish(execution, failed("health", text, step=step))
            return
        if story.fate is not Fate.LIE:
            self._bring_up(story.message)
        self._finish(execution, Outcome(ExecutionState.SUCCEEDED, "installed"))

    # -- small parts -----------------------------------------------------------------------

    def _bring_up(self, message: Update) -> None:
        versions = {item.component: item.version for item in self._inventory}
        wanted = message.release.components if message.release else []
        versions |= {part.component: part.version for part in wanted}
        self._inventory[:] = [Component(component=n, version=v) for n, v in versions.items()]

    def _after(self, delay_s: float, execution: str, act: Callable[[], None]) -> None:
        story = self._stories[execution]

        def due() -> None:
            if self._stories.get(execution) is story:
                act()

        self._timers.after(delay_s, due)

    def _step(self, execution: str, step: UpdateStep, fraction: float | None = None) -> None:
        story = self._stories.get(execution)
        if story is not None:
            story.step = step
            self._act(self._core().update_progress(execution, str(step), fraction, ""))

    def _finish(self, execution: str, outcome: Outcome) -> None:
        if self._stories.pop(execution, None) is not None:
            self._act(self._core().update_finished(execution, outcome))
