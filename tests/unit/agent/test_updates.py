"""Updates in the core: which begin, which are refused, how they end."""

from typing import Any

import pytest

from muster_agent.commands import Registry
from muster_agent.core import Cancel, Effect, Outcome, StartUpdate
from muster_agent.errors import ConfigError
from muster_protocol.messages import (
    Action,
    Component,
    InventoryReport,
    ReleaseComponent,
    ReleaseRef,
    Report,
    Update,
    UpdateMode,
)
from muster_protocol.states import ExecutionState
from tests.unit.agent.support import NOW_MS, Bench, hello_of, messages, states

E = ExecutionState
BOTH = (UpdateMode.INSTALL, UpdateMode.NOTIFY)
DONE = Outcome(E.SUCCEEDED, "installed")


class Fleet1(Bench):
    """A device with an inventory that the test changes."""

    def __init__(self, modes: tuple[UpdateMode, ...] = BOTH, **options: Any) -> None:
        self.inventory = [Component(component="app", version="1")]
        super().__init__(inventory=lambda: self.inventory, update_modes=modes, **options)
        self.ack(self.connect())
        self.answer()

    def update(self, execution: str, mode: str = "install", **fields: Any) -> list[Effect]:
        child = fields.pop("child", None)
        message = Update(
            action=Action.RUN,
            execution=execution,
            mode=UpdateMode(mode),
            release=ReleaseRef(
                id="r1",
                version="2",
                components=[ReleaseComponent(component="app", version="2")],
            ),
            **fields,
        )
        return self.receive("updates", message, child)

    def cancel_update(self, execution: str) -> list[Effect]:
        return self.receive("updates", Update(action=Action.CANCEL, execution=execution))


def begun(effects: list[Effect]) -> list[StartUpdate]:
    return [effect for effect in effects if isinstance(effect, StartUpdate)]


def code(effects: list[Effect]) -> str:
    error = messages(effects, Report)[-1].error
    return error.code if error else ""


@pytest.fixture
def bench() -> Fleet1:
    return Fleet1()


def test_an_install_is_delivered_begun_and_its_inventory_told_before_its_end(
    bench: Fleet1,
) -> None:
    effects = bench.update("u1")
    assert states(effects) == ["DELIVERED", "IN_PROGRESS"]
    assert [start.execution for start in begun(effects)] == ["u1"]
    bench.inventory[:] = [Component(component="app", version="2")]
    effects = bench.core.update_finished("u1", DONE)
    kinds = [type(m) for m in messages(effects, object)]
    assert kinds.index(InventoryReport) < kinds.index(Report)
    assert states(effects) == ["SUCCEEDED"]


def test_hello_announces_the_modes_beside_the_commands(bench: Fleet1) -> None:
    bench.core.disconnected()
    assert {"install", "notify", "ping"} <= set(hello_of(bench.connect()).capabilities)


@pytest.mark.parametrize("mode", ["install", "notify"])
def test_no_command_can_have_the_name_of_a_mode(mode: str) -> None:
    with pytest.raises(ConfigError, match="update mode"):
        Registry({}).add(mode, lambda _: None)


def test_a_mode_that_the_device_lacks_is_rejected_as_unsupported() -> None:
    bench = Fleet1(modes=(UpdateMode.NOTIFY,))
    effects = bench.update("u1")
    assert (states(effects), code(effects)) == (["REJECTED"], "unsupported")


def test_an_update_of_a_child_is_rejected_as_unsupported(bench: Fleet1) -> None:
    effects = bench.update("u1", child="meter-7")
    assert (states(effects), code(effects)) == (["REJECTED"], "unsupported")


def test_a_late_arrival_is_expired(bench: Fleet1) -> None:
    assert states(bench.update("u1", not_after=NOW_MS - 1)) == ["EXPIRED"]


def test_expiry_waits_for_the_servers_clock() -> None:
    bench = Fleet1()
    bench.restart()
    bench.connect()
    assert states(bench.update("u1", not_after=NOW_MS + 60_000)) == []
    assert begun(bench.answer())


def test_one_install_at_a_time_and_the_next_when_it_ended(bench: Fleet1) -> None:
    bench.update("u1")
    assert states(bench.update("u2")) == ["DELIVERED"]
    assert [s.execution for s in begun(bench.core.update_finished("u1", DONE))] == ["u2"]


def test_a_repeated_id_does_not_begin_again(bench: Fleet1) -> None:
    bench.update("u1")
    assert begun(bench.update("u1")) == []
    bench.core.update_finished("u1", DONE)
    assert begun(bench.update("u1")) == []


def test_after_a_restart_it_is_taken_up_again_with_its_id(bench: Fleet1) -> None:
    bench.update("u1")
    bench.restart()
    (start,) = begun(bench.core.tick())
    assert (start.execution, start.resumed) == ("u1", True)
    assert hello_of(bench.connect()).running == ["u1"]


def test_cancel_is_possible_until_it_is_installed(bench: Fleet1) -> None:
    bench.update("u1")
    bench.core.update_progress("u1", "DOWNLOADING", 0.5, "")
    assert Cancel("u1") in bench.cancel_update("u1")
    bench.core.update_progress("u1", "INSTALLING", None, "")
    effects = bench.cancel_update("u1")
    assert Cancel("u1") not in effects
    assert "cannot be canceled" in messages(effects, Report)[-1].message


def test_cancel_that_comes_before_its_update(bench: Fleet1) -> None:
    assert states(bench.cancel_update("u1")) == ["CANCELED"]
    assert begun(bench.update("u1")) == []


def test_the_limit_ends_a_download_and_not_an_installation(bench: Fleet1) -> None:
    bench.update("u1", timeout_s=60)
    bench.update("u2", timeout_s=600)
    bench.clock.pass_s(61)
    effects = bench.core.tick()
    assert Cancel("u1") in effects
    error = messages(effects, Report)[0].error
    assert error is not None
    assert error.code == "timeout"
    bench.core.update_progress("u2", "INSTALLING", None, "")
    bench.clock.pass_s(600)
    assert states(bench.core.tick()) == []
    assert states(bench.core.update_finished("u2", DONE)) == ["SUCCEEDED"]


def test_a_notice_ends_when_the_inventory_shows_the_release(bench: Fleet1) -> None:
    bench.update("n1", "notify")
    assert states(bench.core.inventory_changed()) == []
    bench.inventory[:] = [Component(component="app", version="2")]
    assert states(bench.core.inventory_changed()) == ["SUCCEEDED"]


def test_a_notice_is_proved_by_the_inventory_of_the_next_start(bench: Fleet1) -> None:
    bench.update("n1", "notify")
    bench.inventory[:] = [Component(component="app", version="2")]
    bench.restart()
    bench.core.tick()
    bench.connect()
    assert bench.core.updates.open_ids == []


def test_notices_do_not_wait_for_installs(bench: Fleet1) -> None:
    bench.update("u1")
    assert [s.execution for s in begun(bench.update("n1", "notify"))] == ["n1"]


def test_an_end_on_a_full_disk_is_stored_when_there_is_room(bench: Fleet1) -> None:
    bench.update("u1")
    bench.db.connection.execute("PRAGMA query_only = 1")
    assert states(bench.core.update_finished("u1", DONE)) == []
    bench.db.connection.execute("PRAGMA query_only = 0")
    assert states(bench.core.tick()) == ["SUCCEEDED"]
