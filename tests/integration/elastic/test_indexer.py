"""The indexer against a real Elasticsearch: each record once, a refused one alone, nothing lost."""

import json
from collections.abc import Sequence
from functools import reduce
from threading import Event

import pytest
from sqlalchemy import select

from muster_platform.access.actor import system_actor
from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import Unavailable
from muster_platform.logs.elastic.indices import (
    days,
    delete_of_device,
    drop_days,
    has_templates,
    put_templates,
)
from muster_platform.logs.ingest import rows
from muster_platform.paging import PageRequest
from muster_platform.stream.indexer import Indexer
from muster_platform.stream.indexer_quarantine import REASON, IndexQuarantine
from muster_platform.stream.records import DeviceContext, documents
from muster_protocol.messages import ExceptionInfo, Level, LogRecord, Logs
from tests.services.database import ADMIN

NOW = 1_764_000_000_000
DAY = 86_400_000
PREFIX = "muster-logs"


class Waiting:
    """A source as Kafka is: what was not committed comes again."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values, self.at, self.committed, self.waits = list(values), 0, 0, 0
        self.on_wait = lambda: None

    def receive(self, most: int, timeout_s: float) -> Sequence[bytes]:
        found = self.values[self.at : self.at + most]
        self.at += len(found)
        return found

    def idle(self, seconds: float) -> None:
        self.waits += 1
        self.on_wait()

    def commit(self) -> None:
        self.committed = self.at

    def again(self) -> None:
        """Begin where the last commit was, as another process would."""
        self.at = self.committed


def made(number: int, key: int = 1, at: int = NOW, **more: object) -> list[bytes]:
    records = [LogRecord(level=Level.INFO, message=f"m {i}", ts=at, **more) for i in range(number)]
    message = Logs(boot="b", seq=1, records=records)
    given = list(rows(key, message, at, f"b.{at}", lambda _: ""))
    context = DeviceContext("d-1", "", "camera", "1.0", "/1/")
    return [one.value for one in documents(given, {key: context})]


@pytest.fixture
def parts(platform):
    """Give a function that makes an indexer of documents, and its quarantine."""
    kept = IndexQuarantine(platform.units, system_actor("indexer"), platform.elastic, PREFIX)

    def make(values, **more):
        source = Waiting(values)
        engine = more.pop("engine", platform.elastic)
        return source, Indexer(source, engine, kept.keep, PREFIX, **more)

    make.quarantine = kept
    return make


def count(platform):
    platform.server.call("POST", "/_refresh")
    return platform.server.call("GET", "/muster-logs-*/_count")["count"]


def kept(platform):
    with platform.units.open(ADMIN, write=False) as unit:
        return list(unit.session.scalars(select(Quarantined)))


def test_records_go_to_the_index_of_their_day(platform, parts):
    source, indexer = parts([*made(3), *made(2, at=NOW + DAY)])
    indexer.step(Event())
    assert count(platform) == 5
    assert list(days(platform.elastic, PREFIX)) == [
        "muster-logs-2025.11.24",
        "muster-logs-2025.11.25",
    ]
    assert source.committed == 5


def test_what_comes_again_is_there_once(platform, parts):
    source, indexer = parts(made(10))
    indexer.step(Event())
    source.at = 0
    indexer.step(Event())
    assert count(platform) == 10
    assert (indexer.counts.created, indexer.counts.known) == (10, 10)


def test_a_refused_record_goes_to_quarantine_alone_and_once(platform, parts):
    good = made(6)
    strange = json.loads(good[3]) | {"surprise": 1}
    source, indexer = parts([*good[:3], json.dumps(strange).encode(), b"\xff{", *good[4:]])
    indexer.step(Event())
    source.at = 0
    indexer.step(Event())
    assert count(platform) == 5
    found = kept(platform)
    assert [(row.topic, row.reason) for row in found] == [("muster.records", REASON)] * 2
    details = " ".join(row.detail for row in found)
    assert "strict_dynamic_mapping_exception" in details
    assert "surprise" in details
    assert source.committed == len(source.values)


@pytest.mark.parametrize(
    "change",
    [
        {"@timestamp": '2025"}\n11-24T10'},
        {"@timestamp": "yesterday"},
        {"event": {"id": ""}},
        {"event": {"id": "i" * 513}},
    ],
    ids=["torn action line", "no time", "no id", "long id"],
)
def test_a_record_for_which_a_whole_request_would_be_refused_is_alone_too(platform, parts, change):
    good, stop = made(3), Event()
    strange = json.dumps(json.loads(good[1]) | change).encode()
    source, indexer = parts([good[0], strange, good[2]])
    source.on_wait = stop.set
    indexer.step(stop)
    assert count(platform) == 2
    assert [row.payload for row in kept(platform)] == [strange]
    assert source.committed == 3


def test_a_refused_record_can_be_tried_again_when_the_reason_is_gone(platform, parts):
    strange = json.loads(made(1)[0]) | {"surprise": 1}
    _, indexer = parts([*made(1, at=NOW - 1), json.dumps(strange).encode()])
    indexer.step(Event())
    (row,) = kept(platform)
    _replay(platform, row.id)
    assert parts.quarantine.replay() == 1
    assert kept(platform)[0].detail.startswith("tried again: strict_dynamic")
    platform.server.call(
        "PUT", "/muster-logs-2025.11.24/_mapping", {"properties": {"surprise": {"type": "long"}}}
    )
    _replay(platform, row.id)
    assert parts.quarantine.replay() == 1
    assert kept(platform) == []
    assert count(platform) == 2


def _replay(platform, row_id):
    with platform.units.open(ADMIN) as unit:
        assert QuarantineService(unit).list(QuarantineFilter(reason=REASON), PageRequest()).items
        QuarantineService(unit).replay(row_id)


class Moody:
    """Answers as told, then as Elasticsearch does."""

    def __init__(self, real, *answers):
        self.real, self.answers, self.asked = real, list(answers), 0

    def send(self, method, path, body):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer or self.real.send(method, path, body)


@pytest.mark.parametrize(
    "answer",
    [(429, b"{}"), (503, b"{}"), (200, b"<html>"), (401, b"no"), Unavailable("gone")],
    ids=["429", "503", "not Elasticsearch", "401", "away"],
)
def test_what_is_not_taken_now_waits_and_nothing_is_committed_meanwhile(platform, parts, answer):
    engine = Moody(platform.elastic, answer, answer)
    source, indexer = parts(made(4), engine=engine)
    seen = []
    source.on_wait = lambda: seen.append((source.committed, bool(indexer.problem)))
    indexer.step(Event())
    assert seen == [(0, True), (0, True)]
    assert (source.committed, indexer.problem) == (4, "")
    assert count(platform) == 4


def test_of_a_request_only_what_was_too_much_is_tried_again(platform, parts):
    items = [{"create": {"status": 201}}, {"create": {"status": 429}}]
    engine = Moody(platform.elastic, (200, json.dumps({"items": items}).encode()))
    source, indexer = parts(made(2), engine=engine)
    indexer.step(Event())
    assert count(platform) == 1
    assert (indexer.counts.created, source.committed) == (2, 2)


def test_a_request_that_is_too_large_is_halved_until_one_is_left(platform, parts):
    engine = Moody(platform.elastic, (413, b""), (413, b""), (413, b""))
    source, indexer = parts(made(4), engine=engine)
    indexer.step(Event())
    assert count(platform) == 3
    assert [row.detail for row in kept(platform)] == ["larger than Elasticsearch takes (413)"]
    assert source.committed == 4


def test_told_to_stop_while_elasticsearch_is_away_it_commits_nothing(platform, parts):
    stop = Event()
    engine = Moody(platform.elastic, *[Unavailable("gone")] * 3)
    source, indexer = parts(made(4), engine=engine)
    source.on_wait = stop.set
    indexer.step(stop)
    assert source.committed == 0
    source.again()
    indexer.step(Event())
    assert count(platform) == 4


def test_elasticsearch_killed_between_requests_has_each_record_once(platform, parts):
    source, indexer = parts(made(3_000), batch=500)
    indexer.step(Event())
    platform.server.kill()
    source.on_wait = lambda: source.waits == 2 and platform.server.start()
    while indexer.step(Event()):
        pass
    assert source.waits >= 2
    assert count(platform) == 3_000
    assert source.committed == 3_000


def test_requests_stay_within_their_bytes(platform, parts):
    engine = Moody(platform.elastic)
    _, indexer = parts(made(20), engine=engine, request_bytes=2_000)
    indexer.step(Event())
    assert engine.asked > 2
    assert count(platform) == 20


HOSTILE = {
    "": 1,
    ".": 1,
    "a..b": 1,
    " ": 1,
    "a.b": {"c": [1, "two", None, {"d": True}]},
    "long": "x" * 30_000,
    "big": 1e300,
    "deep": [[[[[]]]]],
    "as deep as the protocol has it": reduce(lambda inner, _: {"in": inner}, range(30), {"x": 1}),
    "ü\ufffd": "\ufffd",
}


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_whatever_a_record_carries_in_its_fields_is_indexed(platform, parts, name):
    _, indexer = parts(made(1, fields={name: HOSTILE[name]}))
    indexer.step(Event())
    assert (count(platform), kept(platform)) == (1, [])


def test_the_longest_texts_of_the_protocol_are_indexed(platform, parts):
    long = ExceptionInfo(type="ü" * 4_096, message="ü" * 4_096, stacktrace="s" * 65_536)
    records = [LogRecord(level=Level.ERROR, message="ü" * 32_768, exception=long)]
    given = list(rows(1, Logs(records=records), NOW, "o", lambda _: "f"))
    context = DeviceContext("d-1", "", "camera", "1.0", "/1/")
    _, indexer = parts([one.value for one in documents(given, {1: context})])
    indexer.step(Event())
    assert (count(platform), kept(platform)) == (1, [])


def test_whole_days_that_are_too_old_go(platform, parts):
    _, indexer = parts([*made(1), *made(1, at=NOW + DAY)])
    indexer.step(Event())
    first_end = days(platform.elastic, PREFIX)["muster-logs-2025.11.24"]
    assert drop_days(platform.elastic, PREFIX, first_end - 1) == []
    assert drop_days(platform.elastic, PREFIX, first_end) == ["muster-logs-2025.11.24"]
    assert count(platform) == 1


def test_what_a_device_wrote_goes_in_pieces(platform, parts):
    _, indexer = parts([*made(5), *made(2, key=2)])
    indexer.step(Event())
    platform.server.call("POST", "/_refresh")
    pieces = [delete_of_device(platform.elastic, PREFIX, 1, 3) for _ in range(3)]
    assert pieces == [3, 2, 0]
    assert count(platform) == 2


def test_templates_put_again_stay_the_same(platform):
    before = platform.server.call("GET", "/_index_template/muster-logs")
    put_templates(platform.elastic, PREFIX, 1, 0)
    assert platform.server.call("GET", "/_index_template/muster-logs") == before
    assert has_templates(platform.elastic, PREFIX)
    assert not has_templates(platform.elastic, "other")
