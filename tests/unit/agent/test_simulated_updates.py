"""Simulated devices take updates: by seed, with all that may go wrong, and nothing on a disk."""

from collections.abc import Sequence
from typing import Any

import pytest

from muster_agent.core import Cancel, Core, CoreOptions, Effect, StartUpdate
from muster_agent.errors import ConfigError
from muster_agent.simulator.command import parse_share
from muster_agent.simulator.machine import Machine, Nature, SimCommands
from muster_agent.simulator.scenario import (
    ProfileTable,
    UpdateTable,
    load_scenario,
    with_failing_updates,
)
from muster_agent.simulator.timers import Timers
from muster_agent.store import Database
from muster_protocol import topics
from muster_protocol.codec import encode
from muster_protocol.messages import HelloAnswer, InventoryReport, Report
from muster_protocol.states import ExecutionState
from tests.unit.agent.power import update
from tests.unit.agent.support import ManualClock, messages

E = ExecutionState


class Line:
    """Stands for the device's connection: carries out effects, keeps what was published."""

    def __init__(self) -> None:
        self.machine: Machine | None = None
        self.sent: list[Effect] = []
        self.cuts = 0

    def run(self, effects: Sequence[Effect]) -> None:
        assert self.machine is not None
        for effect in effects:
            if isinstance(effect, StartUpdate):
                self.machine.update(effect)
            elif isinstance(effect, Cancel):
                self.machine.cancel(effect)
            else:
                self.sent.append(effect)

    def cut(self, _: float) -> bool:
        self.cuts += 1
        return True

    def replace_core(self, core: Core) -> None:
        assert self.machine is not None
        self.machine.core = core
        self.join()

    def join(self) -> None:
        assert self.machine is not None
        core = self.machine.core
        self.run(core.tick())
        core.open_session(core.session)
        self.run(core.connected())
        answer = HelloAnswer(session=core.session, ts=core.stamp())
        self.run(core.received(topics.down("sim-1", "hello"), encode(answer)))


class World:
    def __init__(self, device_id: str = "sim-1", seed: int = 1, **updates: Any) -> None:
        self.clock = ManualClock()
        table = ProfileTable(inventory={"app": "1"}, updates=UpdateTable(**updates))
        nature = Nature(table, seed, device_id)
        self.timers = Timers(self.clock)
        db = Database(None, durable=False)
        options = CoreOptions(
            inventory=lambda: nature.inventory, update_modes=table.updates.modes, window=10_000
        )

        def make(options: CoreOptions, commands: SimCommands, _: Any) -> Core:
            return Core("sim-1", "install", options, db, commands, self.clock)

        self.line = Line()
        self.machine = Machine(nature, self.timers, options, make, self.clock)
        self.line.machine = self.machine
        self.machine.begin(self.line)  # type: ignore[arg-type]
        self.line.join()

    def take(self, version: str = "2", **fields: Any) -> Report:
        message = update(version, b"x")
        for name, value in fields.items():
            setattr(message, name, value)
        self.line.run(self.machine.core.received(topics.down("sim-1", "updates"), encode(message)))
        return self.until_ended(message.execution)

    def until_ended(self, execution: str) -> Report:
        for _ in range(2000):
            self.clock.pass_s(0.5)
            self.timers.run_due()
            self.line.run(self.machine.core.tick())
            last = self.reports(execution)[-1]
            if last.state not in (E.DELIVERED, E.IN_PROGRESS):
                return last
        raise AssertionError(f"{execution} never ended")

    def reports(self, execution: str) -> list[Report]:
        found = messages(self.line.sent, Report)
        return [report for report in found if report.execution == execution]

    def version(self) -> str:
        return messages(self.line.sent, InventoryReport)[-1].inventory[0].version


def test_a_good_one_goes_through_the_steps_and_shows_the_new_version() -> None:
    world = World()
    assert world.take().state is E.SUCCEEDED
    steps = dict.fromkeys(r.step for r in world.reports("u-2") if r.step)
    assert list(steps) == [
        "DOWNLOADING",
        "DOWNLOADED",
        "VERIFIED",
        "INSTALLING",
        "REBOOTING",
        "COMMITTING",
    ]
    assert world.version() == "2"


def test_a_failing_one_is_rolled_back_and_shows_the_old_version() -> None:
    world = World(fail=1)
    report = world.take()
    assert (report.state, report.step, world.version()) == (E.FAILED, "ROLLED_BACK", "1")


def test_a_full_disk_is_named() -> None:
    report = World(disk_full=1).take()
    assert report.error is not None
    assert report.error.code == "disk_full"


def test_a_liar_claims_success_and_shows_the_old_version() -> None:
    world = World(lie=1)
    assert (world.take().state, world.version()) == (E.SUCCEEDED, "1")


def test_after_a_power_loss_it_starts_again_and_goes_on() -> None:
    world = World(power_loss=1)
    assert world.take().state is E.SUCCEEDED
    assert (world.line.cuts, world.version()) == (1, "2")


def test_a_slow_link_takes_its_time() -> None:
    world = World(slow=1, slow_seconds=(200.0, 200.0))
    before = world.clock.mono_s()
    world.take()
    assert world.clock.mono_s() - before > 200


def test_a_notice_is_confirmed_or_declined_by_a_person() -> None:
    assert World(modes=["notify"]).take(mode="notify").state is E.SUCCEEDED
    world = World(modes=["notify"], decline=1)
    assert (world.take(mode="notify").state, world.version()) == (E.REJECTED, "1")


def test_the_same_seed_fails_the_same_devices_and_about_the_share() -> None:
    def failing(seed: int) -> list[bool]:
        return [World(f"sim-{n}", seed, fail=0.3).take().state is E.FAILED for n in range(40)]

    first = failing(7)
    assert first == failing(7)
    assert first != failing(8)
    assert 4 <= sum(first) <= 20


def test_the_option_puts_the_share_into_every_profile() -> None:
    scenario = with_failing_updates(load_scenario(None), parse_share("6%"))
    assert {p.updates.fail for p in scenario.profiles.values()} == {0.06}
    assert parse_share("0.06") == 0.06
    for wrong in ("6", "x", "-1%", "nan"):
        with pytest.raises(ConfigError, match="--fail-updates"):
            parse_share(wrong)
