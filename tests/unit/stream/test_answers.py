"""Who is owed a ledger, and when."""

from muster_platform.stream.answers import AT_ONCE, Address, LedgerNotes

A, B = Address(1, "a", None), Address(2, "gw", "kid")


def test_after_a_hello_at_once() -> None:
    notes = LedgerNotes(30_000)
    notes.stored(A, 0)
    notes.hello(A, 0)
    assert notes.due(0) == [A]
    assert notes.due(100_000) == []


def test_else_at_most_every_30_seconds() -> None:
    notes = LedgerNotes(30_000)
    notes.stored(A, 0)
    assert notes.due(29_999) == []
    assert notes.due(30_000) == [A]
    notes.stored(A, 31_000)
    assert notes.due(59_999) == []
    assert notes.due(60_000) == [A]
    notes.stored(A, 200_000)
    assert notes.due(200_000) == [A]


def test_a_device_that_is_there_is_told_once_after_our_start() -> None:
    notes = LedgerNotes(30_000)
    notes.heard(A, 0)
    assert notes.due(30_000) == [A]
    notes.heard(A, 40_000)
    assert notes.due(900_000) == []


def test_a_storm_is_told_in_parts() -> None:
    notes = LedgerNotes(30_000)
    for key in range(AT_ONCE + 1):
        notes.hello(Address(key, f"d{key}", None), 0)
    assert len(notes.due(0)) == AT_ONCE
    assert len(notes.due(0)) == 1
