"""One batch, one transaction: what is stored, what is dropped, what is told, on both databases."""

import json

import pytest

from muster_platform.stream.lease import RoleLease
from muster_platform.stream.ports import LeaseLost, SinkAway
from tests.integration.stream.helpers import ACTOR, Store


def one(value: int, ts: int) -> str:
    return json.dumps({"n": value, "ts": ts})


TELEMETRY = '{"boot":"b1","seq":%d,"points":[{"ts":%d,"values":{"t":%s}}]}'


def telemetry(store: Store, seq: int, value: str = "1.5", device: str = "a") -> object:
    return store.message(device, "telemetry", TELEMETRY % (seq, store.clock.now_ms(), value))


def test_telemetry_of_every_kind_is_stored_and_the_newest_kept(store: Store) -> None:
    now = store.clock.now_ms()
    values = '{"n":1,"f":-2.5e3,"on":true,"s":"a\\tb\\\\n\\u0000\\r\\n","at":{"lat":1.5,"lon":2}}'
    store.write(
        store.message("a", "telemetry", f'{{"points":[{{"ts":{now},"values":{values}}}]}}'),
        store.message("a", "telemetry", one(7, now - 1_000)),
        store.message("a", "telemetry", '{"old":1,"ts":5}'),
    )
    found = store.rows(
        "SELECT m.name, m.kind, t.ts, t.num, t.txt FROM telemetry t JOIN metrics m"
        " ON m.id = t.metric_id ORDER BY m.name, t.ts"
    )
    assert found == [
        ("at.lat", "number", now, 1.5, None),
        ("at.lon", "number", now, 2.0, None),
        ("f", "number", now, -2500.0, None),
        ("n", "number", now - 1_000, 7.0, None),
        ("n", "number", now, 1.0, None),
        ("old", "number", now, 1.0, None),
        ("on", "boolean", now, 1.0, None),
        ("s", "text", now, None, "a\tb\\n\ufffd\r\n"),
    ]
    latest = store.rows(
        "SELECT m.name, l.ts, l.num FROM telemetry_latest l JOIN metrics m ON m.id = l.metric_id"
        " WHERE m.name IN ('n', 'on') ORDER BY m.name"
    )
    assert latest == [("n", now, 1.0), ("on", now, 1.0)]


def test_an_older_value_in_a_later_batch_is_not_the_latest(store: Store) -> None:
    now = store.clock.now_ms()
    store.write(store.message("a", "telemetry", one(1, now)))
    store.write(store.message("a", "telemetry", one(2, now - 1)))
    store.write(store.message("a", "telemetry", one(3, now)))
    assert store.rows("SELECT num FROM telemetry_latest") == [(3.0,)]


def test_what_the_ledger_knows_is_not_stored_again(store: Store) -> None:
    batch = [telemetry(store, seq) for seq in (1, 2, 2, 4)]
    store.write(*batch)  # type: ignore[arg-type]
    store.write(*batch, telemetry(store, 1, device="b"))  # type: ignore[arg-type]
    assert store.rows("SELECT COUNT(*) FROM telemetry") == [(5 - 1,)]
    found = store.rows(
        "SELECT device_key, highest, missing, stored, doubled FROM ledger ORDER BY device_key"
    )
    (a, highest, missing, stored, doubled), (b, *_) = found
    assert (a, b) == (store.key("a"), store.key("b"))
    assert (highest, stored, doubled) == (4, 3, 5)
    assert (json.loads(missing) if isinstance(missing, str) else missing) == [[3, 3]]


def test_messages_without_a_number_are_counted_as_plain(store: Store) -> None:
    store.write(*[store.message("a", "telemetry", '{"n":1}')] * 2)
    store.write(store.message("a", "telemetry", '{"n":1}'))
    assert store.rows("SELECT channel, plain FROM ledger_totals") == [("telemetry", 3)]
    assert store.rows("SELECT COUNT(*) FROM ledger") == [(0,)]


def test_log_records_are_stored_once_by_identity(store: Store) -> None:
    now = store.clock.now_ms()
    record = f'{{"level":"ERROR","message":"bad\\u0000","ts":{now},"fields":{{"k":[1,"\\u0000"]}},'
    record += '"exception":{"type":"E","message":"m","stacktrace":"s"}}'
    logs = f'{{"boot":"b","seq":1,"log_session":"ls","records":[{record},{record}]}}'
    store.write(store.message("a", "logs", logs), store.message("a", "logs", logs))
    store.write(store.message("a", "logs", '{"level":"INFO","message":"plain"}'))
    found = store.rows(
        "SELECT id, level, message, fields, exception_type, fingerprint, log_session"
        " FROM log_records WHERE level = 50 ORDER BY id"
    )
    key = store.key("a")
    assert [row[0] for row in found] == [f"{key}.b.1.0", f"{key}.b.1.1"]
    _, level, message, fields, kind, fingerprint, session = found[0]
    fields = json.loads(fields) if isinstance(fields, str) else fields
    assert (level, message, fields) == (50, "bad\ufffd", {"k": [1, "\ufffd"]})
    assert (kind, fingerprint, session) == ("E", "f", "ls")
    assert store.rows("SELECT COUNT(*) FROM log_records") == [(3,)]


def test_unknown_devices_and_foreign_children_are_quarantined(store: Store) -> None:
    store.write(
        store.message("nobody", "telemetry", '{"n":1}'),
        store.message("a", "telemetry/kid", '{"n":1}'),
        store.message("gw", "telemetry/kid", '{"n":2}'),
        store.message("a", "telemetry", "nonsense"),
    )
    assert store.rows("SELECT num FROM telemetry") == [(2.0,)]
    found = store.rows("SELECT device_id, reason, device_key FROM quarantine ORDER BY reason")
    assert found == [
        ("a", "encoding", store.key("a")),
        ("kid", "foreign_child", store.key("kid")),
        ("nobody", "unknown_device", None),
    ]


def test_a_cleared_retained_topic_is_no_message_but_other_emptiness_is_kept(store: Store) -> None:
    store.write(store.message("a", "presence", ""), store.message("gone", "presence", ""))
    assert store.rows("SELECT reason FROM quarantine") == []
    store.write(store.message("a", "telemetry", ""))
    assert store.rows("SELECT reason FROM quarantine") == [("empty",)]


def test_a_quarantined_message_with_a_number_is_not_asked_for_again(store: Store) -> None:
    store.write(store.message("a", "events", '{"boot":"b","seq":1,"name":5}'))
    store.write(
        store.message(
            "a", "commands", '{"boot":"b","seq":1,"execution":"foreign","state":"FAILED"}'
        )
    )
    store.write(store.message("a", "events", '{"boot":"b","seq":1,"name":5}'))
    found = store.rows("SELECT channel, highest, quarantined, doubled FROM ledger ORDER BY channel")
    assert found == [("commands", 1, 1, 0), ("events", 1, 1, 1)]
    assert store.rows("SELECT reason FROM quarantine ORDER BY reason") == [
        ("field",),
        ("foreign_execution",),
    ]


def test_an_integrators_own_channel_is_stored_raw(store: Store) -> None:
    store.write(store.message("a", "x/own/thing", "\x00\x01 anything"))
    assert store.rows("SELECT topic FROM raw_messages") == [("muster/1/a/up/x/own/thing",)]


HELLO = (
    '{"boot":"%s","seq":%d,"session":%d,"install_id":"i","agent":{"name":"n","version":"1"},'
    '"profile":"p","unsent":%s}'
)


def hello(store: Store, boot: str, seq: int, session: int, unsent: str = "{}") -> object:
    return store.message("a", "hello", HELLO % (boot, seq, session, unsent))


def told(store: Store, channel: str) -> list[dict[str, object]]:
    topic = f"muster/1/a/down/{channel}"
    return [json.loads(payload) for sent, payload in store.published.sent if sent == topic]


def test_hello_is_answered_and_the_ledger_told_after_the_commit(store: Store) -> None:
    unsent = '{"b1":{"telemetry":6,"hello":2,"nonsense":9}}'
    store.write(telemetry(store, 2), hello(store, "b1", 1, 100, unsent))  # type: ignore[arg-type]
    assert told(store, "hello") == [{"session": 100, "ts": store.clock.now_ms()}]
    assert told(store, "ledger") == [
        {
            "stored": {"b1": {"hello": 1, "telemetry": 0}},
            "resend": {"b1": {"telemetry": [[1, 1], [3, 5]]}},
        }
    ]


def test_a_repeated_hello_is_answered_again(store: Store) -> None:
    """We may have died between the commit and the answer."""
    for _ in range(2):
        store.write(hello(store, "b1", 1, 100))  # type: ignore[arg-type]
    assert len(told(store, "hello")) == 2


def test_a_boot_that_hello_does_not_list_is_finished_and_later_folded(store: Store) -> None:
    store.write(telemetry(store, 3))  # type: ignore[arg-type]
    store.write(hello(store, "b2", 1, 100))  # type: ignore[arg-type]
    assert told(store, "ledger")[-1] == {"stored": {"b2": {"hello": 1}}}
    store.write(telemetry(store, 3))  # type: ignore[arg-type]
    assert store.rows("SELECT COUNT(*) FROM telemetry") == [(1,)]  # still known
    store.clock.advance(s=25 * 3600)
    store.write(hello(store, "b2", 2, 101))  # type: ignore[arg-type]
    assert store.rows("SELECT boot FROM ledger") == [("b2",)]
    totals = store.rows("SELECT channel, stored, doubled, lost FROM ledger_totals")
    assert totals == [("telemetry", 1, 1, 2)]


def test_an_old_sessions_hello_finishes_nothing(store: Store) -> None:
    store.write(hello(store, "b2", 1, 100))  # type: ignore[arg-type]
    store.write(hello(store, "b1", 1, 50))  # type: ignore[arg-type]
    assert store.rows("SELECT boot FROM ledger WHERE finished ORDER BY boot") == []


def test_the_ledger_is_told_at_most_every_30_seconds(store: Store) -> None:
    store.write(hello(store, "b1", 1, 100))  # type: ignore[arg-type]
    for seq in range(1, 5):
        store.clock.advance(s=10)
        store.write(telemetry(store, seq))  # type: ignore[arg-type]
        store.sink.tell()
    assert [t["stored"] for t in told(store, "ledger")] == [
        {"b1": {"hello": 1}},
        {"b1": {"hello": 1, "telemetry": 3}},
    ]


def test_a_child_hears_through_its_gateway(store: Store) -> None:
    payload = HELLO % ("b1", 1, 100, "{}")
    store.write(store.message("gw", "hello/kid", payload))
    topics = {topic for topic, _ in store.published.sent}
    assert topics == {"muster/1/gw/down/hello/kid", "muster/1/gw/down/ledger/kid"}


def test_devices_without_end_of_boots_are_bounded(store: Store) -> None:
    payload = '{"boot":"b%03d","seq":2,"points":[]}'
    for start in range(0, 300, 50):
        store.clock.advance(s=1)
        numbers = range(start, start + 50)
        store.write(*(store.message("a", "telemetry", payload % n) for n in numbers))
    assert store.rows("SELECT COUNT(*), MIN(boot) FROM ledger") == [(256, "b044")]
    assert store.rows("SELECT stored, lost FROM ledger_totals") == [(44, 44)]


def test_retained_and_presence_are_not_heard(store: Store) -> None:
    presence = '{"session":1,"online":true,"reason":"connected"}'
    store.write(
        store.message("a", "presence", presence, retain=True),
        store.message("b", "telemetry", '{"n":1}', age_ms=5),
        store.message("b", "telemetry", '{"n":1}', age_ms=9),
    )
    assert store.applied.heard == {store.key("b"): store.clock.now_ms() - 5}
    assert len(store.applied.calls) == 1


def test_a_former_holder_cannot_write(store: Store) -> None:
    other = RoleLease(store.platform.units, ACTOR, "ingest", "other", 15)
    assert not other.hold()
    store.clock.advance(s=16)
    assert other.hold()
    with pytest.raises(LeaseLost, match="done by other"):
        store.write(store.message("a", "telemetry", '{"n":1}'))
    assert store.rows("SELECT COUNT(*) FROM telemetry") == [(0,)]
    assert not store.lease.hold()
    other.release()
    assert store.lease.hold()


def test_a_database_without_its_tables_is_away_and_takes_nothing_apart(store: Store) -> None:
    with store.platform.unit(ACTOR) as unit:
        unit.session.connection().exec_driver_sql("ALTER TABLE ledger RENAME TO moved")
    with pytest.raises(SinkAway):
        store.write(telemetry(store, 1))  # type: ignore[arg-type]
    assert store.rows("SELECT COUNT(*) FROM metrics") == [(0,)]
    with store.platform.unit(ACTOR) as unit:
        unit.session.connection().exec_driver_sql("ALTER TABLE moved RENAME TO ledger")
    store.write(telemetry(store, 1))  # type: ignore[arg-type]
    assert store.rows("SELECT COUNT(*) FROM telemetry") == [(1,)]
