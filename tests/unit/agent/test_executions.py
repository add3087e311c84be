"""Executions on the device: begun once, ended once, whatever happens in between."""

from typing import Any

import pytest

from muster_agent.core import Cancel, Outcome, failed
from muster_agent.errors import StoreError
from muster_protocol.messages import Action, Command, Report
from muster_protocol.states import ExecutionState
from tests.unit.agent.support import NOW_MS, Bench, hello_of, messages, started, states

E = ExecutionState
DONE = Outcome(E.SUCCEEDED, result={"ok": 1})


@pytest.fixture
def bench() -> Bench:
    made = Bench(parallel=2)
    made.ack(made.connect())
    made.answer()
    return made


def last(effects: list) -> Report:  # type: ignore[type-arg]
    return messages(effects, Report)[-1]


def code(effects: list) -> str:  # type: ignore[type-arg]
    error = last(effects).error
    return error.code if error else ""


def test_a_command_is_delivered_begun_and_ended(bench: Bench) -> None:
    effects = bench.run("e1", args={"x": 1})
    assert states(effects) == ["DELIVERED", "IN_PROGRESS"]
    assert [(s.execution, s.args) for s in started(effects)] == [("e1", {"x": 1})]
    assert last(bench.core.finished("e1", DONE)).result == {"ok": 1}


def test_a_repeated_id_does_not_begin_again_while_it_runs(bench: Bench) -> None:
    bench.run("e1")
    effects = bench.run("e1")
    assert started(effects) == []
    assert states(effects) == ["IN_PROGRESS"]


def test_a_repeated_id_is_answered_with_the_stored_report(bench: Bench) -> None:
    bench.run("e1")
    bench.ack(bench.core.finished("e1", DONE))
    bench.ledger(stored={"boot-1": {"commands": 3}})
    effects = bench.run("e1")
    assert started(effects) == []
    assert last(effects).result == {"ok": 1}
    assert last(effects).seq == 4


def test_a_repeated_id_whose_report_is_unconfirmed_sends_the_same_report(bench: Bench) -> None:
    bench.run("e1")
    bench.ack(bench.core.finished("e1", DONE))
    assert last(bench.run("e1")).seq == 3


def test_killed_while_it_ran_it_is_failed_as_interrupted_and_not_begun(bench: Bench) -> None:
    bench.run("e1")
    bench.restart()
    effects = bench.connect()
    assert started(effects) == []
    bench.clock.pass_s(11)
    effects += bench.core.tick()
    report = next(r for r in messages(effects, Report) if r.state == E.FAILED)
    assert report.error is not None
    assert report.error.code == "interrupted"
    assert hello_of(effects).running == []


def test_killed_before_it_began_it_begins_at_the_next_start() -> None:
    bench = Bench(parallel=1)
    bench.connect()
    bench.answer()
    bench.run("e1")
    assert started(bench.run("e2")) == []
    bench.restart()
    effects = bench.core.tick()
    assert [s.execution for s in started(effects)] == ["e2"]


def test_a_resumable_command_begins_again_and_knows_it(bench: Bench) -> None:
    bench.run("e1", "again")
    bench.restart()
    (call,) = started(bench.core.tick())
    assert (call.execution, call.resumed) == ("e1", True)


def test_unknown_commands_are_rejected(bench: Bench) -> None:
    effects = bench.run("e1", "fly")
    assert states(effects) == ["REJECTED"]
    assert code(effects) == "unknown_command"


def test_wrong_arguments_of_a_typed_command_are_rejected_and_named(bench: Bench) -> None:
    effects = bench.run("e1", "ping", args={"echo": 3})
    assert code(effects) == "invalid_args"
    assert "echo" in (last(effects).error.message)  # type: ignore[union-attr]


def test_a_late_arrival_is_expired_by_the_servers_clock(bench: Bench) -> None:
    assert states(bench.run("e1", expires_at=NOW_MS + 1)) == ["DELIVERED", "IN_PROGRESS"]
    assert states(bench.run("e2", expires_at=NOW_MS - 1)) == ["EXPIRED"]


def test_expiry_is_not_judged_before_the_server_told_its_time() -> None:
    bench = Bench(clock_wait_s=10)
    bench.clock.wall += 3_600_000  # this device's clock is an hour ahead
    bench.connect()
    assert states(bench.run("e1", expires_at=NOW_MS + 60_000)) == []
    assert started(bench.answer(ahead_ms=-3_600_000))[0].execution == "e1"


def test_without_an_answer_the_devices_own_clock_decides() -> None:
    bench = Bench(clock_wait_s=10)
    bench.connect()
    bench.run("e1")
    bench.clock.pass_s(11)
    assert started(bench.core.tick())[0].execution == "e1"


def test_what_waits_too_long_for_a_place_ends_without_beginning(bench: Bench) -> None:
    bench.run("a")
    bench.run("b")
    bench.run("c", timeout_s=60)
    bench.run("d", expires_at=NOW_MS + 60_000)
    bench.clock.pass_s(61)
    effects = bench.core.finished("a", DONE)
    ended = {r.execution: r.error.code for r in messages(effects, Report) if r.error}
    assert ended == {"c": "timeout", "d": "expired"}
    assert started(effects) == []


def test_what_runs_past_its_limit_is_failed_and_asked_to_stop(bench: Bench) -> None:
    bench.run("e1", timeout_s=30)
    bench.clock.pass_s(31)
    effects = bench.core.tick()
    assert code(effects) == "timeout"
    assert Cancel("e1") in effects
    assert messages(bench.core.finished("e1", DONE), Report) == []


def test_cancel_before_it_began(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.run(name)
    assert states(bench.cancel("c")) == ["CANCELED"]
    assert started(bench.core.finished("a", DONE)) == []


def test_cancel_that_comes_before_its_command(bench: Bench) -> None:
    assert states(bench.cancel("e9")) == ["CANCELED"]
    effects = bench.run("e9")
    assert started(effects) == []
    assert states(effects) in ([], ["CANCELED"])


def test_cancel_of_a_running_command_asks_the_handler_if_it_can_stop(bench: Bench) -> None:
    bench.run("e1", "stoppable")
    assert Cancel("e1") in bench.cancel("e1")
    bench.run("e2")
    effects = bench.cancel("e2")
    assert states(effects) == ["IN_PROGRESS"]
    assert "cannot be canceled" in last(effects).message


def test_a_canceled_handler_that_finished_anyway_succeeded(bench: Bench) -> None:
    bench.run("e1", "stoppable")
    bench.cancel("e1")
    assert states(bench.core.finished("e1", DONE)) == ["SUCCEEDED"]


def test_more_than_the_limit_of_open_executions_is_refused() -> None:
    bench = Bench(parallel=1, open_limit=2)
    bench.connect()
    bench.answer()
    bench.run("a")
    bench.run("b")
    assert code(bench.run("c")) == "busy"


def test_progress_of_a_step_is_sent_once_a_second_and_a_new_step_at_once(bench: Bench) -> None:
    bench.run("e1")
    sent = [len(messages(bench.core.progress("e1", "one", x, ""), Report)) for x in (0.1, 0.2)]
    assert sent == [1, 0]
    assert last(bench.core.progress("e1", "two", 0.3, "")).step == "two"
    bench.clock.pass_s(1)
    assert last(bench.core.progress("e1", "two", 0.4, "")).progress == 0.4


def test_a_result_too_large_for_a_payload_is_left_out_and_said(bench: Bench) -> None:
    bench.run("e1")
    report = last(bench.core.finished("e1", Outcome(E.SUCCEEDED, result={"x": "y" * 100_000})))
    assert (report.state, report.result) == (E.SUCCEEDED, {})
    assert "left out" in report.message


def test_hello_names_what_is_open(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.run(name)
    bench.core.disconnected()
    assert hello_of(bench.connect()).running == ["a", "b", "c"]


def test_the_journal_forgets_only_what_is_old_confirmed_and_expired(bench: Bench) -> None:
    bench.run("e1")
    bench.run("e2", expires_at=NOW_MS + 365 * 86_400_000)
    bench.ack(bench.core.finished("e1", DONE) + bench.core.finished("e2", DONE))
    bench.clock.pass_s(31 * 86_400)
    assert bench.core.executions.prune() == 0
    bench.ledger(stored={"boot-1": {"commands": 99}})
    assert bench.core.executions.prune() == 1
    assert started(bench.run("e2")) == []


def test_a_full_disk_begins_nothing_and_the_command_can_come_again(bench: Bench) -> None:
    bench.db.connection.execute("PRAGMA query_only = 1")
    message = Command(action=Action.RUN, execution="e1", name="work")
    assert started(bench.receive("commands", message)) == []
    bench.db.connection.execute("PRAGMA query_only = 0")
    assert started(bench.receive("commands", message))[0].execution == "e1"


def test_an_outcome_on_a_full_disk_is_stored_when_there_is_room(bench: Bench) -> None:
    bench.run("e1")
    bench.db.connection.execute("PRAGMA query_only = 1")
    assert messages(bench.core.finished("e1", failed("x", "y")), Report) == []
    bench.db.connection.execute("PRAGMA query_only = 0")
    assert states(bench.core.tick()) == ["FAILED"]


def test_what_was_begun_starts_though_the_disk_is_full_for_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for execution in ("a", "b"):
        bench.run(execution, timeout_s=30)
    for execution in ("c", "d"):
        bench.run(execution)
    journal = bench.core.executions._journal
    write = journal.set_phase

    def full_for_d(execution: str, *rest: Any) -> None:
        if execution == "d":
            raise StoreError("the disk is full")
        write(execution, *rest)

    monkeypatch.setattr(journal, "set_phase", full_for_d)
    bench.clock.pass_s(31)
    assert [start.execution for start in started(bench.core.tick())] == ["c"]
    monkeypatch.undo()
    assert [start.execution for start in started(bench.core.tick())] == ["d"]
