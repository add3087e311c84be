"""What is kept, what is sent again, and what the ledger's word does."""

import pytest

from muster_agent.errors import SpoolFullError
from muster_protocol.messages import Event, Level, LogRecord, Logs, Telemetry
from tests.unit.agent.support import Bench, hello_of, messages, published, values


def test_only_the_ledger_removes_what_was_accepted() -> None:
    bench = Bench()
    bench.ack(bench.connect())
    bench.ack(bench.measure(1) + bench.measure(2))
    assert bench.core.spool.count() == 3
    bench.ledger(stored={"boot-1": {"telemetry": 1, "hello": 1}})
    assert bench.core.spool.find("", "boot-1", "telemetry", 1, 9)[0][0] == 2
    assert bench.core.spool.count() == 1


def test_used_bytes_return_to_zero() -> None:
    bench = Bench()
    bench.connect()
    bench.measure(1)
    bench.ledger(stored={"boot-1": {"telemetry": 1, "hello": 1}})
    assert bench.core.spool.used_bytes == 0


def test_what_the_broker_did_not_acknowledge_goes_again_with_the_same_identity() -> None:
    bench = Bench()
    bench.connect()
    first = messages(bench.measure(7), Telemetry)[0]
    bench.core.disconnected()
    again = messages(bench.connect(), Telemetry)[0]
    assert (again.boot, again.seq) == (first.boot, first.seq)


def test_what_the_broker_acknowledged_waits_for_the_ledger() -> None:
    bench = Bench()
    bench.ack(bench.connect())
    bench.ack(bench.measure(7))
    bench.core.disconnected()
    effects = bench.connect()
    assert messages(effects, Telemetry) == []
    assert hello_of(effects).unsent["boot-1"]["telemetry"] == 2
    assert values(bench.ledger(resend={"boot-1": {"telemetry": [(1, 1)]}})) == [7]


def test_unsent_is_what_was_never_published() -> None:
    bench = Bench(window=2)
    for value in range(5):
        bench.measure(value)
    effects = bench.connect()
    assert hello_of(effects).unsent == {"boot-1": {"telemetry": 1, "hello": 1}}
    assert values(effects) == [0]  # the hello takes the other place in the window
    bench.core.disconnected()
    assert hello_of(bench.connect()).unsent["boot-1"]["telemetry"] == 2


def test_the_window_bounds_what_is_on_its_way() -> None:
    bench = Bench(window=3)
    for value in range(10):
        bench.measure(value)
    effects = bench.connect()
    assert len(values(effects)) == 2
    assert values(bench.ack(effects)) == list(range(2, 10))


def test_control_messages_overtake_a_backlog_of_telemetry() -> None:
    bench = Bench(window=2)
    for value in range(5):
        bench.measure(value)
    effects = bench.connect()
    bench.answer()
    bench.run("e1")
    following = [p.topic.split("/")[4] for p in published(bench.ack(effects))]
    assert following[:2] == ["commands", "commands"]


def test_a_message_asked_for_while_it_is_under_way_is_not_doubled() -> None:
    bench = Bench(resend_guard_s=20)
    bench.ack(bench.connect())
    sent = bench.measure(1)
    assert values(bench.ledger(resend={"boot-1": {"telemetry": [(1, 1)]}})) == []
    bench.ack(sent)
    assert values(bench.ledger(resend={"boot-1": {"telemetry": [(1, 1)]}})) == []
    bench.clock.pass_s(21)
    assert values(bench.core.tick()) == [1]


def test_a_message_asked_for_and_then_confirmed_is_not_sent_again() -> None:
    bench = Bench(resend_guard_s=20)
    bench.ack(bench.connect())
    bench.ack(bench.measure(1))
    bench.ledger(resend={"boot-1": {"telemetry": [(1, 1)]}})
    bench.ledger(stored={"boot-1": {"telemetry": 1}})
    bench.clock.pass_s(21)
    assert values(bench.core.tick()) == []


def test_after_a_restart_rows_in_doubt_wait_for_the_ledgers_first_word() -> None:
    bench = Bench()
    bench.ack(bench.connect())
    bench.ack(bench.measure(1) + bench.measure(2) + bench.measure(3))
    bench.restart()
    effects = bench.connect()
    assert values(effects) == []
    assert hello_of(effects).unsent["boot-1"]["telemetry"] == 4
    told = bench.ledger(
        stored={"boot-1": {"telemetry": 1}}, resend={"boot-1": {"telemetry": [(2, 2)]}}
    )
    assert values(told) == [2, 3]
    assert [m.boot for m in messages(told, Telemetry)] == ["boot-1"] * 2


def test_without_any_word_of_the_ledger_rows_in_doubt_go_out_in_the_end() -> None:
    bench = Bench(ledger_wait_s=10)
    bench.ack(bench.connect())
    bench.ack(bench.measure(1))
    bench.restart()
    bench.connect()
    bench.clock.pass_s(11)
    assert values(bench.core.tick()) == [1]


def test_starts_that_never_connected_are_renumbered_into_the_present_one() -> None:
    bench = Bench()
    for value in range(3):
        bench.measure(value)
        bench.restart()
    effects = bench.connect()
    assert values(effects) == [0, 1, 2]
    assert [(m.boot, m.seq) for m in messages(effects, Telemetry)] == [
        ("boot-4", 1),
        ("boot-4", 2),
        ("boot-4", 3),
    ]
    assert list(hello_of(effects).unsent) == ["boot-4"]


def test_a_start_that_is_confirmed_in_full_is_not_named_any_more() -> None:
    bench = Bench()
    bench.connect()
    bench.measure(1)
    bench.ledger(stored={"boot-1": {"telemetry": 1, "hello": 1}})
    bench.restart()
    assert list(hello_of(bench.connect()).unsent) == ["boot-2"]


def test_over_budget_the_oldest_telemetry_goes_first_and_is_told_of() -> None:
    bench = Bench(spool_bytes=3000)
    bench.core.send("logs", Logs(records=[LogRecord(level=Level.INFO, message="kept")]))
    for value in range(40):
        bench.measure(value)
    assert bench.core.spool.used_bytes <= 3000
    effects = bench.connect()
    got = values(effects)
    assert got[-1] == 39
    assert got[0] > 0
    assert got == sorted(got)
    assert messages(effects, Logs)[0].records[0].message == "kept"
    bench.clock.pass_s(61)
    told = messages(bench.core.tick(), Logs)[-1].records[0]
    assert told.fields["dropped_telemetry"] == 40 - len(got)


def test_a_dropped_message_that_is_asked_for_is_closed_with_an_empty_one() -> None:
    bench = Bench(spool_bytes=3000)
    for value in range(40):
        bench.measure(value)
    effects = bench.connect()
    first = messages(effects, Telemetry)[0].seq
    assert first is not None
    bench.ack(effects)
    closed = messages(bench.ledger(resend={"boot-1": {"telemetry": [(1, first - 1)]}}), Telemetry)
    assert [(m.seq, m.points) for m in closed] == [(seq, []) for seq in range(1, first)]


def test_nothing_is_closed_that_was_never_numbered() -> None:
    bench = Bench()
    bench.ack(bench.connect())
    bench.ack(bench.measure(1))
    bench.clock.pass_s(30)
    bench.core.tick()
    effects = bench.ledger(resend={"boot-1": {"telemetry": [(1, 2**60)]}})
    assert values(effects) == [1]
    assert len(messages(effects, Telemetry)) == 1


def test_a_full_spool_refuses_events_and_numbers_nothing() -> None:
    bench = Bench(spool_bytes=1000)
    event = Event(name="pressed", data={"x": "y" * 50})
    for _ in range(3):
        bench.core.send("events", event)
    with pytest.raises(SpoolFullError, match="spool_bytes"):
        bench.core.send("events", event)
    assert bench.core.spool.next_seq("", "boot-1", "events") == 4
    assert bench.core.spool.count() == 3


def test_an_old_hello_is_sent_again_only_when_asked_for() -> None:
    bench = Bench()
    bench.connect()
    bench.core.disconnected()
    effects = bench.connect()
    assert [h.seq for h in [hello_of(effects)]] == [2]
    assert hello_of(effects).unsent["boot-1"]["hello"] == 2
    assert hello_of(bench.ledger(resend={"boot-1": {"hello": [(1, 1)]}})).seq == 1


def test_qos_0_is_published_while_connected_and_never_kept() -> None:
    bench = Bench()
    message = Telemetry(points=[])
    assert bench.core.send_unsure("telemetry", message) == []
    bench.connect()
    (effect,) = bench.core.send_unsure("telemetry", message)
    assert effect.qos == 0  # type: ignore[union-attr]
    assert b"seq" not in effect.payload  # type: ignore[union-attr]
