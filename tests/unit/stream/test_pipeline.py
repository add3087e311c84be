"""Acknowledged means stored, and a device's order holds, whatever fails where."""

from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_broker.receiver import Received
from muster_platform.stream import pipeline
from muster_platform.stream.pipeline import Pipeline
from muster_platform.stream.spool import Spool
from tests.unit.stream.fakes import Crash, FakeSink, FakeSource, ScriptedSpool, Stored, message


class Bench:
    """A pipeline with its surroundings; survives crashes as the machine would."""

    def __init__(
        self,
        messages: Sequence[Received],
        sink_outcomes: Sequence[str] = (),
        spool_outcomes: Sequence[str] = (),
        budget: int = 1_000_000,
        batch: int = 4,
        reads_ahead: bool = False,
    ) -> None:
        self.sink = FakeSink(sink_outcomes)
        self.spool = ScriptedSpool(":memory:", budget)
        self.spool.outcomes = deque(spool_outcomes)
        self.source = FakeSource(messages, Stored(self.sink, self.spool))
        self.now_s = 0.0
        self.batch = batch
        self.reads_ahead = reads_ahead
        self.start()

    def start(self) -> None:
        self.source.reconnect()
        self.pipeline = Pipeline(
            self.source,
            self.sink,
            self.spool,
            batch_messages=self.batch,
            monotonic=lambda: self.now_s,
        )
        if self.reads_ahead:
            self.sink.meanwhile = self.pipeline.read_ahead

    def step(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        try:
            self.pipeline.step(0.0)
        except Crash:
            self.start()

    def finish(self) -> None:
        """Everything works from here on: all must come through."""
        self.sink.outcomes.clear()
        self.spool.outcomes.clear()
        for _ in range(500):
            self.step(20.0)
            if not self.source.unacknowledged and not len(self.spool):
                return
        raise AssertionError("it does not come to rest")

    def stored(self) -> list[bytes]:
        return [m.payload for m in self.sink.stored]


traffic = st.lists(
    st.tuples(st.sampled_from("aab"), st.sampled_from(["", "", "", "", '{"poison":1}', "junk"])),
    min_size=10,
    max_size=30,
)
sink_outcomes = st.lists(
    st.sampled_from(["ok", "ok", "away", "away", "away after commit", "crash"])
    | st.sampled_from(["crash after commit", "quarantine refuses"]),
    max_size=30,
)
spool_outcomes = st.lists(st.sampled_from(["ok", "crash", "crash after commit"]), max_size=10)


@pytest.fixture(autouse=True)
def _three_are_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BACKLOG_MESSAGES", 3)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    traffic,
    sink_outcomes,
    spool_outcomes,
    st.sampled_from([300, 600, 1_500, 100_000]),
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 1.0, 20.0]), st.sampled_from([None, None, 1, 2, 9])),
        min_size=5,
        max_size=40,
    ),
    st.booleans(),
)
def test_acknowledged_is_stored_and_order_holds(
    sent: list[tuple[str, str]],
    sink_script: list[str],
    spool_script: list[str],
    budget: int,
    steps: list[tuple[float, int | None]],
    reads_ahead: bool,
) -> None:
    numbers = count(1)
    messages = [
        message(device, next(numbers), text and f"{text[:-1]} {i}{text[-1]}")
        for i, (device, text) in enumerate(sent)
    ]
    bench = Bench(messages, sink_script, spool_script, budget, reads_ahead=reads_ahead)
    for after_s, new_batch in steps:
        if new_batch is not None:  # a restart with another batch size
            bench.batch = new_batch
            bench.start()
        bench.step(after_s)  # FakeSource.ack checks the rule at every acknowledgement
    bench.finish()
    per_device: dict[str, list[int]] = defaultdict(list)
    for one in bench.sink.stored:
        per_device[one.topic].append(one.packet_id or one.received_at - 1_000)
    assert all(numbers == sorted(numbers) for numbers in per_device.values())
    good = {m.received_at for m in messages if b"seq" in m.payload}
    assert {m.received_at for m in bench.sink.stored} == good
    assert {q.raw.received_at for q in bench.sink.quarantined} == {
        m.received_at for m in messages
    } - good


def test_a_backlog_is_read_while_the_sink_waits_and_acknowledged_when_it_is_stored() -> None:
    bench = Bench([message("a", n) for n in range(1, 9)], batch=4, reads_ahead=True)
    bench.step()
    assert len(bench.source.acknowledged) == 4
    assert bench.source.given == 4
    bench.step()
    assert bench.sink.calls == [4, 4]
    assert not bench.source.unacknowledged


def test_little_is_not_read_ahead() -> None:
    bench = Bench([message("a", 1), message("a", 2)], batch=1, reads_ahead=True)
    bench.step()
    assert bench.source.given == 0


def test_one_transaction_takes_a_whole_batch() -> None:
    bench = Bench([message("a", n) for n in range(1, 9)], batch=8)
    bench.step()
    assert bench.sink.calls == [8]
    assert len(bench.source.acknowledged) == 8


def test_a_message_that_the_store_refuses_is_quarantined_alone() -> None:
    messages = [message("a", n) for n in range(1, 8)]
    messages[4] = message("a", 5, '{"name":"poison","boot":"b","seq":5}')
    bench = Bench(messages, batch=8)
    bench.step()
    assert len(bench.sink.stored) == 6
    (bad,) = bench.sink.quarantined
    assert (bad.reason, bad.boot, bad.seq) == ("refused", "b", 5)
    assert "poison" in bad.detail
    assert not bench.source.unacknowledged


def test_what_cannot_be_decoded_is_quarantined_in_the_same_batch() -> None:
    bench = Bench([message("a", 1), message("a", 2, "nonsense"), message("b", 3)])
    bench.step()
    assert bench.sink.calls == [3]
    (bad,) = bench.sink.quarantined
    assert (bad.subject, bad.reason) == ("a", "encoding")


def test_a_message_that_the_quarantine_refuses_is_kept_bare_and_stops_nobody() -> None:
    sent = [message("a", 1, "{"), message("b", 2)]
    bench = Bench(sent, ["quarantine refuses", "quarantine refuses"])
    bench.sink.keeps_bare = True
    bench.finish()
    assert [item.raw for item in bench.sink.quarantined] == sent[:1]
    assert bench.sink.stored == sent[1:]
    assert bench.pipeline.counts.spooled == 0


def test_while_the_sink_is_away_messages_are_spooled_and_acknowledged() -> None:
    bench = Bench([message("a", n) for n in range(1, 9)], ["away"])
    bench.step()
    bench.step(0.1)
    assert bench.sink.calls == [4]  # not asked again before its time
    assert bench.pipeline.spooled == 8
    assert len(bench.source.acknowledged) == 8
    assert "script" in (bench.pipeline.problem or "")
    bench.step(1.0)
    assert bench.stored() == [message("a", n).payload for n in range(1, 9)]
    assert bench.pipeline.problem is None


def test_newer_messages_of_a_spooled_device_go_behind_others_pass() -> None:
    messages = [message("a", n) for n in range(1, 21)] + [message("b", 21), message("a", 22)]
    bench = Bench(messages, ["away"], batch=20)
    bench.step()
    bench.batch = 2  # drains slowly from here
    bench.start()
    bench.step(1.0)
    assert bench.sink.stored[-1].topic.split("/")[2] == "b"
    assert bench.spool.devices.keys() == {"a"}
    assert bench.spool.oldest(99)[-1].raw.payload == message("a", 22).payload


def test_a_full_spool_stops_acknowledging_and_drops_nothing() -> None:
    messages = [message("a", n) for n in range(1, 13)]
    bench = Bench(messages, ["away"] * 9, budget=700)
    for _ in range(8):
        bench.step(0.1)
    assert len(bench.source.acknowledged) == 4
    assert bench.source.given == 4  # one batch held, nothing newer read
    assert "do not fit" in (bench.pipeline.problem or "")
    bench.finish()
    assert bench.stored() == [m.payload for m in messages]


def test_the_wait_for_a_sink_grows() -> None:
    bench = Bench([message("a", 1)], ["away"] * 100)
    for _ in range(600):
        bench.step(0.1)
    assert 5 <= len(bench.sink.calls) <= 12


def test_counts_tell_what_went_through() -> None:
    bench = Bench([message("a", 1), message("a", 2, "junk"), message("b", 3)], ["away"])
    bench.step()
    bench.finish()
    counts = bench.pipeline.counts
    assert (counts.received, counts.stored) == (3, 3)
    assert (counts.quarantined, counts.spooled) == (1, 3)


def test_a_spool_outlives_its_process(tmp_path: object) -> None:
    spool = Spool(":memory:", 1_000)
    spool.append([("a", message("a", 1)), ("b", message("b", 2))])
    first, second = spool.oldest(5)
    assert (first.device, second.raw.payload) == ("a", message("b", 2).payload)
    assert first.origin != second.origin
    assert (second.raw.packet_id, second.raw.connection) == (0, 0)
