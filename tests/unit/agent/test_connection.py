"""Sessions, presence, hello: what a device says when it comes and goes."""

from muster_agent.core import Drop
from muster_protocol.messages import Hello, HelloAnswer, Logs, Presence, Settings, SettingsReport
from muster_protocol.states import PresenceReason
from tests.unit.agent.support import Bench, hello_of, messages, published, values


def test_hello_goes_first_then_presence_then_the_spool() -> None:
    bench = Bench()
    assert published(bench.measure(1)) == []
    effects = bench.connect()
    assert [p.topic.split("/")[4] for p in published(effects)] == [
        "hello",
        "presence",
        "telemetry",
    ]
    assert [p.retain for p in published(effects)] == [False, True, False]


def test_sessions_grow_even_when_the_clock_goes_back() -> None:
    bench = Bench()
    first = hello_of(bench.connect()).session
    bench.core.disconnected()
    bench.clock.wall -= 3_600_000
    assert hello_of(bench.connect()).session == first + 1


def test_the_will_names_the_session_that_is_about_to_begin() -> None:
    bench = Bench()
    session = bench.core.open_session(0)
    will = messages([bench.core.will()], Presence)[0]
    assert (will.session, will.online, will.reason) == (session, False, PresenceReason.LOST)
    assert bench.core.will().retain


def test_presence_is_said_again_after_silence_only() -> None:
    bench = Bench(expect_every_s=300)
    bench.connect()
    bench.receive("hello", HelloAnswer(session=bench.core.session, ts=bench.clock.wall))
    bench.clock.pass_s(299)
    assert messages(bench.core.tick(), Presence) == []
    bench.measure(1)
    bench.clock.pass_s(299)
    assert messages(bench.core.tick(), Presence) == []
    bench.clock.pass_s(2)
    assert [m.online for m in messages(bench.core.tick(), Presence)] == [True]


def test_a_newer_session_elsewhere_drops_the_connection_and_is_outnumbered() -> None:
    bench = Bench()
    bench.connect()
    newer = bench.core.session + 10_000_000
    effects = bench.receive("hello", HelloAnswer(session=newer, ts=bench.clock.wall))
    assert [type(effect) for effect in effects] == [Drop]
    bench.core.disconnected()
    assert hello_of(bench.connect()).session > newer


def test_an_answer_to_an_older_session_does_not_set_the_clock() -> None:
    bench = Bench()
    bench.connect()
    bench.receive("hello", HelloAnswer(session=bench.core.session - 1, ts=5))
    assert not bench.core.server_clock.known


def test_the_servers_clock_survives_a_jump_of_the_wall_clock() -> None:
    bench = Bench()
    bench.connect()
    bench.answer(ahead_ms=60_000)
    expected = bench.clock.wall + 60_000
    bench.clock.wall -= 10_000_000
    assert bench.core.stamp() == expected
    bench.clock.pass_s(5)
    assert bench.core.stamp() == expected + 5000


def test_half_of_the_round_trip_is_taken_off() -> None:
    bench = Bench()
    bench.connect()
    server = bench.clock.wall + 1000
    bench.clock.pass_s(2)
    bench.receive("hello", HelloAnswer(session=bench.core.session, ts=server))
    assert bench.core.stamp() == server + 1000


def test_an_unanswered_hello_is_said_again_under_the_same_session() -> None:
    bench = Bench(hello_first_s=15, hello_again_s=40)
    first = hello_of(bench.connect())
    for number, wait_s in enumerate((15, 30, 40, 40), start=2):
        bench.clock.pass_s(wait_s)
        assert messages(bench.core.tick(), Hello) == []
        bench.clock.pass_s(1)
        again = hello_of(bench.core.tick())
        assert again.session == first.session
        assert again.seq == number


def test_what_cannot_be_read_is_told_to_the_platform_and_hurts_nothing() -> None:
    bench = Bench()
    bench.ack(bench.connect())
    effects = bench.core.received("muster/1/dev-1/down/commands", b'{"action": "jump"}')
    record = messages(effects, Logs)[0].records[0]
    assert "down/commands" in record.message
    assert "action" in record.message
    assert values(bench.measure(4)) == [4]


def test_settings_that_are_in_force_are_not_applied_again() -> None:
    bench = Bench()
    bench.connect()
    message = Settings(version=2, desired={"a": 1})
    assert len(bench.receive("settings", message)) == 1
    assert bench.receive("settings", message) == []
    report = messages(bench.core.settings_applied(2, {"a": 1}, {}), SettingsReport)[0]
    assert (report.version, report.reported) == (2, {"a": 1})
    bench.core.disconnected()
    bench.restart()
    bench.connect()
    assert bench.receive("settings", message) == []
    assert bench.core.settings.state.desired == {"a": 1}


def test_goodbye_names_the_reason_and_the_end_of_the_sleep() -> None:
    bench = Bench()
    bench.connect()
    word = messages(bench.core.goodbye(PresenceReason.SLEEP, 99), Presence)[0]
    assert (word.online, word.reason, word.until) == (False, PresenceReason.SLEEP, 99)


def test_a_child_counts_for_itself_and_gets_a_session_per_connection() -> None:
    bench = Bench()
    bench.core.family.join("kid", "meter")
    bench.measure(1)
    bench.measure(2, child="kid")
    effects = bench.connect()
    by_topic = {p.topic.split("/", 2)[2]: p for p in published(effects)}
    assert {"dev-1/up/hello", "dev-1/up/hello/kid", "dev-1/up/presence/kid"} <= by_topic.keys()
    assert b'"seq":1' in by_topic["dev-1/up/telemetry/kid"].payload
    assert b'"seq":1' in by_topic["dev-1/up/telemetry"].payload
    first = bench.core.family.member("kid").session
    bench.core.disconnected()
    bench.connect()
    assert bench.core.family.member("kid").session > first
    bench.ledger("kid", stored={"boot-1": {"telemetry": 1}})
    assert bench.core.spool.find("kid", "boot-1", "telemetry", 1, 9) == []
    assert len(bench.core.spool.find("", "boot-1", "telemetry", 1, 9)) == 1
