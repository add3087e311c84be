"""The ledger knows what came, what came twice and what is missing, in any order of arrival."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.devices.rules import ledger
from muster_platform.devices.rules.ledger import COUNT_LIMIT, RANGES_KEPT, Account, from_row

seqs = st.lists(st.integers(1, 60), max_size=80)


def spread(account: Account) -> set[int]:
    return {seq for first, last in account.missing for seq in range(first, last + 1)}


@given(seqs)
def test_it_agrees_with_a_plain_set(arrivals: list[int]) -> None:
    account, known = Account(), set[int]()
    for seq in arrivals:
        assert account.take(seq) == (seq not in known)
        known.add(seq)
    assert account.highest == max(known, default=0)
    assert spread(account) == set(range(1, account.highest + 1)) - known
    assert (account.stored, account.doubled) == (len(known), len(arrivals) - len(known))
    assert set(range(1, account.contiguous + 1)) <= known
    assert account.contiguous + 1 not in known
    assert account.lost == 0


@given(seqs, st.integers(1, 80), seqs)
def test_what_was_announced_and_did_not_come_is_missing(
    before: list[int], next_seq: int, after: list[int]
) -> None:
    account = Account()
    for seq in before:
        account.take(seq)
    account.expect(next_seq)
    for seq in after:
        account.take(seq)
    known = {*before, *after}
    highest = max(next_seq - 1, *known, 0)
    assert spread(account) == set(range(1, highest + 1)) - known


@given(seqs)
def test_gaps_stay_ascending_and_disjoint(arrivals: list[int]) -> None:
    account = Account()
    for seq in arrivals:
        account.take(seq)
        edges = [edge for gap in account.missing for edge in gap]
        assert edges == sorted(edges)
        assert all(
            left[1] + 1 < right[0]
            for left, right in zip(account.missing, account.missing[1:], strict=False)
        )


def test_gaps_are_bounded_and_a_message_that_needs_one_more_waits_but_is_not_lost() -> None:
    account, sent = Account(), range(2, 2 * RANGES_KEPT + 42, 2)
    refused = [seq for seq in sent if not account.take(seq)]
    assert refused == [seq for seq in sent if seq > 2 * RANGES_KEPT]
    assert len(account.missing) == RANGES_KEPT + 1
    assert account.doubled == account.lost == 0
    while account.missing:
        for first, last in account.resend():
            for seq in range(first, last + 1):
                assert account.take(seq)
    assert account.stored == account.contiguous == max(sent)


def test_a_seq_inside_a_gap_that_would_split_one_too_many_waits() -> None:
    account = Account()
    account.expect(101)
    for seq in range(102, 102 + 2 * RANGES_KEPT, 2):
        assert account.take(seq)
    assert len(account.missing) == RANGES_KEPT
    assert not account.take(50)
    assert account.take(1)
    assert account.missing[0] == (2, 101)
    assert account.doubled == 0


@given(st.lists(st.integers(1, 40), max_size=120))
def test_with_few_gaps_kept_all_that_is_sent_again_is_stored_once(arrivals: list[int]) -> None:
    """The bound at 3: whatever the order, asking again until nothing is missing stores all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "RANGES_KEPT", 3)
        account, stored = Account(), list[int]()
        for seq in arrivals:
            if account.take(seq):
                stored.append(seq)
            assert len(account.missing) <= 4
        while account.missing:
            for first, last in account.resend():
                stored += [seq for seq in range(first, last + 1) if account.take(seq)]
        assert sorted(stored) == list(range(1, account.highest + 1))
        assert account.highest == max(arrivals, default=0)


def test_a_monstrous_seq_costs_one_gap_and_fits_the_column() -> None:
    account = Account()
    assert account.take(2**62)
    assert account.missing == [(1, 2**62 - 1)]
    account.close()
    assert account.lost <= COUNT_LIMIT
    assert account.contiguous == 2**62


def test_resend_gives_the_oldest_gaps_first() -> None:
    account = Account()
    for seq in (3, 6, 9):
        account.take(seq)
    assert account.resend(2) == [(1, 2), (4, 5)]


def test_an_account_comes_back_from_its_row() -> None:
    account = from_row(9, [[1, 2], [5, 5]], stored=6, doubled=1, quarantined=0, lost=0)
    assert not account.take(9)
    assert account.take(5)
    assert account.missing == [(1, 2)]
