"""A profile's limits on what its devices send: kept in quarantine, never lost, never control."""

from sqlalchemy import text

from tests.integration.stream.helpers import ACTOR, Store


def _limit(store: Store, **limits: int) -> None:
    with store.platform.unit(ACTOR) as unit:
        for name, value in limits.items():
            unit.session.execute(text(f"UPDATE profiles SET {name} = :value"), {"value": value})


def _say(store: Store, seq: int, *names: str, boot: str = "b", device: str = "a"):
    values = ", ".join(f'"{name}": 1' for name in names)
    points = f'[{{"ts": {store.clock.now_ms()}, "values": {{{values}}}}}]'
    payload = f'{{"boot": "{boot}", "seq": {seq}, "points": {points}}}'
    return store.message(device, "telemetry", payload)


def _metrics(store: Store) -> list[str]:
    return [row[0] for row in store.rows("SELECT name FROM metrics ORDER BY name")]


def _refused(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT reason, detail FROM quarantine ORDER BY id")


def test_a_name_too_many_sends_the_whole_message_to_quarantine(store: Store) -> None:
    _limit(store, metrics_max=2)
    store.write(_say(store, 1, "t", "h"))
    store.write(_say(store, 2, "t", "p"), _say(store, 3, "t"))
    assert _metrics(store) == ["h", "t"]
    [(reason, detail)] = _refused(store)
    assert reason == "limit"
    assert "p would be metric 3" in str(detail)
    assert "allows 2" in str(detail)
    assert store.rows("SELECT stored, quarantined FROM ledger WHERE channel = 'telemetry'") == [
        (3, 1)
    ]


def test_names_that_come_in_one_batch_are_counted_together(store: Store) -> None:
    _limit(store, metrics_max=3)
    store.write(*(_say(store, n, f"m{n}") for n in range(1, 6)))
    assert _metrics(store) == ["m1", "m2", "m3"]
    assert len(_refused(store)) == 2


def test_a_location_counts_as_the_two_names_it_is_stored_as(store: Store) -> None:
    _limit(store, metrics_max=1)
    where = '{"points": [{"values": {"at": {"lat": 1, "lon": 2}}}]}'
    store.write(store.message("a", "telemetry", where))
    assert _metrics(store) == []
    assert _refused(store)[0][0] == "limit"


def test_devices_do_not_share_a_limit(store: Store) -> None:
    _limit(store, metrics_max=1)
    store.write(_say(store, 1, "x"), _say(store, 1, "y", device="b"))
    assert _metrics(store) == ["x", "y"]
    assert _refused(store) == []


def test_a_message_beyond_the_profiles_size_is_kept_aside_and_control_is_not(store: Store) -> None:
    _limit(store, message_bytes_max=256)
    long = "x" * 300
    store.write(
        _say(store, 1, *(f"metric-{n:03}" for n in range(30))),
        store.message("a", "settings", f'{{"version": 1, "reported": {{"a": "{long}"}}}}'),
        store.message("a", "events", f'{{"name": "e", "data": {{"a": "{long}"}}}}'),
        _say(store, 2, "t"),
    )
    assert _metrics(store) == ["t"]
    assert [row[0] for row in _refused(store)] == ["limit", "limit"]
    assert [message.reported for _, message in store.applied.calls] == [{"a": long}]


def test_without_limits_nothing_is_refused(store: Store) -> None:
    store.write(*(_say(store, n, f"m{n}") for n in range(1, 60)))
    assert len(_metrics(store)) == 59
    assert _refused(store) == []


def test_a_name_that_retention_deleted_is_made_again(store: Store) -> None:
    store.write(_say(store, 1, "t"))
    with store.platform.unit(ACTOR) as unit:
        unit.session.execute(text("DELETE FROM telemetry_latest"))
        unit.session.execute(text("DELETE FROM metrics"))
    store.write(_say(store, 2, "t"))
    assert _metrics(store) == ["t"]
    assert _refused(store) == []
    assert len(store.rows("SELECT ts FROM telemetry_latest")) == 1
