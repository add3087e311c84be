"""One simulated device: the machine and the app around a real core."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from muster_agent.clock import Clock
from muster_agent.core import (
    ApplySettings,
    Cancel,
    Core,
    CoreOptions,
    Effect,
    Outcome,
    Start,
    StartUpdate,
    failed,
)
from muster_agent.core.executions import CommandSpec
from muster_agent.errors import StoreError
from muster_agent.net import Peer
from muster_agent.simulator import stories
from muster_agent.simulator.metrics import make_generator
from muster_agent.simulator.scenario import ProfileTable, Span
from muster_agent.simulator.timers import Timers
from muster_agent.simulator.updating import SimUpdates
from muster_agent.values import point
from muster_protocol.messages import Component, Logs, Telemetry
from muster_protocol.states import ExecutionState, PresenceReason

INTERVAL_SETTING = "telemetry_every_s"
_BUILTIN = ("collect_info", "log_level", "ping", "reboot")
_REBOOT_S = (3.0, 10.0)


class SkewedClock:
    """A clock that is off by a constant; the monotonic one is the machine's."""

    def __init__(self, clock: Clock, skew_s: float) -> None:
        self._clock = clock
        self._skew_ms = int(skew_s * 1000)

    def wall_ms(self) -> int:
        """Give ms since the epoch, as this device believes."""
        return self._clock.wall_ms() + self._skew_ms

    def mono_s(self) -> float:
        """Give seconds that only go forward."""
        return self._clock.mono_s()


class SimCommands:
    """The commands of a simulated device."""

    def __init__(self, names: list[str]) -> None:
        self._names = sorted({*names, *_BUILTIN})

    def find(self, child: str, name: str) -> CommandSpec | None:
        """Give what is declared of a command."""
        if child or name not in self._names:
            return None
        return CommandSpec(name, cancelable=True, resumable=name == "reboot")

    def names(self, child: str) -> list[str]:
        """List the commands."""
        return [] if child else self._names


class Nature:
    """What a device is like: drawn once from its profile by the fleet's seed and its id."""

    def __init__(self, table: ProfileTable, seed: int, device_id: str) -> None:
        self.table = table
        self._seed = f"{seed}:{device_id}"
        draw = self.random("nature")
        self.attributes = {key: _one(value, draw) for key, value in table.attributes.items()}
        self.inventory = [
            Component(component=name, version=str(_one(value, draw)))
            for name, value in table.inventory.items()
        ]
        faults = table.faults
        self.flaps = draw.random() < faults.flapping
        self.sleeps = draw.random() < faults.sleepers
        self.skew_s = draw.uniform(*faults.skew_s) if draw.random() < faults.skewed else 0.0

    def random(self, purpose: str) -> Random:
        """Give a random source of its own for a purpose: what one draws moves no other."""
        return Random(f"{self._seed}:{purpose}")  # noqa: S311


def _one(value: Any, random: Random) -> Any:
    return random.choice(value) if isinstance(value, list) and value else value


class Machine:
    """Acts for one device: measures, logs, obeys, and has faults. Runs under the driver's lock.

    Attributes:
        done: commands ended since the start.
    """

    def __init__(
        self,
        nature: Nature,
        timers: Timers,
        options: CoreOptions,
        make_core: Callable[[CoreOptions, SimCommands, Clock], Core],
        clock: Clock,
    ) -> None:
        self.nature = nature
        self.done = 0
        self._timers = timers
        self._options = options
        self._make_core = make_core
        self._clock = SkewedClock(clock, nature.skew_s)
        self._commands = SimCommands(nature.table.commands.names)
        self._fates = nature.random("commands")
        self._faults = nature.random("faults")
        self._lines = nature.random("logs")
        self._every_s = nature.table.every_s
        self._running: set[str] = set()
        self._stopped = False
        self._generators = {
            name: make_generator(spec, nature.random(f"metric:{name}"))
            for name, spec in nature.table.metrics.items()
        }
        self.core = make_core(options, self._commands, self._clock)
        self.peer: Peer | None = None
        self._updates = SimUpdates(
            nature.table.updates,
            nature.random,
            nature.inventory,
            timers,
            lambda: self.core,
            self._act,
            self._power_loss,
        )

    def _act(self, effects: Sequence[Effect]) -> None:
        if self.peer is not None:
            self.peer.run(effects)

    def begin(self, peer: Peer) -> None:
        """Start the machine's life; times are spread by the device's own random source."""
        self.peer = peer
        peer.run(self.core.tick())
        table, faults = self.nature.table, self.nature.table.faults
        draw = self.nature.random("start")
        self._timers.after(draw.uniform(0, min(self._every_s, 10.0)), self._measure)
        self._now_and_then(table.logs.per_hour, self._lines, self._log)
        self._now_and_then(table.logs.crashes_per_hour, self._lines, self._crash)
        self._now_and_then(faults.reboots_per_day / 24, self._faults, self._power_loss)
        if self.nature.flaps:
            self._timers.after(self._faults.uniform(*faults.flap_every_s), self._flap)
        if self.nature.sleeps:
            self._timers.after(self._faults.uniform(*faults.sleep_every_s), self._sleep)

    def stop(self) -> None:
        """Do nothing any more."""
        self._stopped = True

    def _now_and_then(self, per_hour: float, random: Random, act: Callable[[], None]) -> None:
        if per_hour <= 0:
            return

        def again() -> None:
            if not self._stopped:
                act()
                self._timers.after(random.expovariate(per_hour / 3600), again)

        self._timers.after(random.expovariate(per_hour / 3600), again)

    # -- what it says ----------------------------------------------------------------------

    def _measure(self) -> None:
        if self._stopped:
            return
        now = self._clock.mono_s()
        values = {name: made.next(now) for name, made in self._generators.items()}
        if values:
            self._send("telemetry", Telemetry(points=[point(values, self.core.stamp())]))
        self._timers.after(self._every_s, self._measure)

    def _log(self) -> None:
        levels = self.nature.table.logs.levels
        record = stories.ordinary(self._lines, levels, self.core.stamp())
        self._send("logs", Logs(records=[record]))

    def _crash(self) -> None:
        record = stories.crash(self._lines, self.core.stamp())
        self._send("logs", Logs(records=[record]))

    def _send(self, channel: str, message: Telemetry | Logs) -> None:
        if self.peer is None:
            return
        try:
            self.peer.run(self.core.send(channel, message))
        except StoreError:
            return  # a full spool: a real device's app would be told

    # -- what goes wrong -------------------------------------------------------------------

    def _flap(self) -> None:
        if self._stopped or self.peer is None:
            return
        faults = self.nature.table.faults
        self.peer.cut(self._faults.uniform(*faults.flap_away_s))
        self._timers.after(self._faults.uniform(*faults.flap_every_s), self._flap)

    def _sleep(self) -> None:
        if self._stopped or self.peer is None:
            return
        faults = self.nature.table.faults
        for_s = self._faults.uniform(*faults.sleep_for_s)
        self.peer.leave(PresenceReason.SLEEP, self._clock.wall_ms() + int(for_s * 1000))
        self._timers.after(for_s, self._wake)

    def _wake(self) -> None:
        if self._stopped or self.peer is None:
            return
        if not self.peer.wake():
            self._timers.after(1.0, self._wake)
            return
        faults = self.nature.table.faults
        self._timers.after(self._faults.uniform(*faults.sleep_every_s), self._sleep)

    def _power_loss(self) -> None:
        """Lose power: the connection is cut, and a new start of the agent comes back."""
        peer = self.peer
        if peer is None or self._stopped:
            return
        if not peer.cut(self._faults.uniform(*_REBOOT_S)):
            self._timers.after(1.0, self._power_loss)
            return
        self._running.clear()
        self._updates.forget()
        self.core = self._make_core(self._options, self._commands, self._clock)
        peer.replace_core(self.core)

    # -- what it is asked for --------------------------------------------------------------

    def start(self, call: Start) -> None:
        """Begin a command; a timer ends it, as the scenario's shares decide."""
        self._running.add(call.execution)
        if call.name == "reboot" and not call.resumed:
            self._timers.after(1.0, lambda: self._reboot(call.execution))
            return
        span, outcome = self._fate(call)
        self._finish_after(span, call, outcome)

    def _fate(self, call: Start) -> tuple[Span, Outcome]:
        """Decide how long a command takes and how it ends."""
        succeeded = Outcome(ExecutionState.SUCCEEDED, result=_result(call))
        if call.name in _BUILTIN:
            return (0.0, 0.2), succeeded
        table, fate = self.nature.table.commands, self._fates.random()
        if fate < table.reject:
            return (0.0, 0.5), failed("busy", "the device has work to do", ExecutionState.REJECTED)
        if fate < table.reject + table.fail:
            return table.seconds, failed("device_error", "the actuator did not move")
        slow = fate < table.reject + table.fail + table.slow
        return table.slow_seconds if slow else table.seconds, succeeded

    def _finish_after(self, span: Span, call: Start, outcome: Outcome) -> None:
        total = self._fates.uniform(*span)
        for part in (0.25, 0.5, 0.75) if total > 4 else ():
            self._timers.after(
                total * part,
                lambda part=part: self._progress(call.execution, part),  # type: ignore[misc]
            )
        self._timers.after(total, lambda: self._finish(call.execution, outcome))

    def _progress(self, execution: str, part: float) -> None:
        if execution in self._running and self.peer is not None:
            text = f"{part:.0%} done"
            self.peer.run(self.core.progress(execution, "WORKING", part, text))

    def _finish(self, execution: str, outcome: Outcome) -> None:
        if execution in self._running and self.peer is not None:
            self._running.discard(execution)
            self.done += 1
            self.peer.run(self.core.finished(execution, outcome))

    def _reboot(self, execution: str) -> None:
        if execution in self._running:
            self._power_loss()

    def update(self, call: StartUpdate) -> None:
        """Take an update, as the scenario's shares decide."""
        self._updates.start(call)

    def cancel(self, call: Cancel) -> None:
        """End a running command or update as canceled."""
        self._updates.cancel(call.execution)
        self._finish(call.execution, failed("canceled", "canceled", ExecutionState.CANCELED))

    def apply(self, call: ApplySettings) -> None:
        """Put settings into force; the telemetry interval is a real one, others are noted."""
        reported, errors = dict(call.desired), {}
        wanted = call.desired.get(INTERVAL_SETTING)
        if wanted is not None:
            if isinstance(wanted, int | float) and 1 <= wanted <= 86_400:
                self._every_s = float(wanted)
            else:
                errors[INTERVAL_SETTING] = "expected a number of seconds, 1 to 86400"
                del reported[INTERVAL_SETTING]

        def applied() -> None:
            if self.peer is not None:
                self.peer.run(self.core.settings_applied(call.version, reported, errors))

        self._timers.after(0.5, applied)

    def connection(self, text: str, *, up: bool) -> None:
        """Hear of the connection; the fleet's progress line tells of all of them."""


def _result(call: Start) -> dict[str, Any]:
    if call.name == "ping":
        return {"echo": call.args.echo}
    return {"simulated": True, **({"resumed": True} if call.resumed else {})}
