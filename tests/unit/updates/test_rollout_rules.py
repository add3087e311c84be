"""What a rollout does next, and when an update is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.jobs.rules import Decision
from muster_platform.updates.rollout_rules import (
    PhaseStanding,
    inventory_says,
    judge,
    shown_in,
    sizes,
    verified,
)
from muster_protocol.states import ExecutionState as E

NOW = 1_000_000


def phase(counts: dict[str, int], **fields: object) -> PhaseStanding:
    given: dict[str, object] = {
        "number": 1,
        "success_percent": 90,
        "error_devices": 2,
        "soak_s": 0,
        "by_hand": False,
        "is_last": False,
        "counts": counts,
    }
    return PhaseStanding(**{**given, **fields})  # type: ignore[arg-type]


def test_one_failure_below_the_error_threshold_does_not_pause() -> None:
    assert judge(phase({E.FAILED: 1, E.SENT: 9}), NOW).pause is None


@pytest.mark.parametrize("state", [E.FAILED, E.REJECTED, E.TIMED_OUT])
def test_as_many_errors_as_the_threshold_pause_it(state: E) -> None:
    why = judge(phase({state: 2, E.SENT: 8}), NOW).pause
    assert why == "phase 1: 2 of 10 devices failed; 2 pause it"


def test_devices_that_are_away_do_not_count_as_errors() -> None:
    assert judge(phase({E.EXPIRED: 5, E.SENT: 5}), NOW).pause is None


def test_errors_that_a_person_accepted_do_not_pause_again_and_one_more_counts_anew() -> None:
    counts = {E.FAILED: 3, E.SENT: 7}
    assert judge(phase(counts, forgiven=3), NOW).pause is None
    assert judge(phase({E.FAILED: 5, E.SENT: 5}, forgiven=3), NOW).pause is not None


def test_what_was_forgiven_and_retried_is_not_forgiven_twice() -> None:
    assert judge(phase({E.SENT: 10}, forgiven=3), NOW).forgiven == 0


def test_the_next_phase_opens_once_enough_succeeded() -> None:
    assert not judge(phase({E.SUCCEEDED: 8, E.SENT: 2}), NOW).open_next
    assert judge(phase({E.SUCCEEDED: 9, E.SENT: 1}), NOW).open_next


def test_a_soak_is_waited_for_from_the_moment_the_threshold_was_reached() -> None:
    counts = {E.SUCCEEDED: 10}
    first = judge(phase(counts, soak_s=60), NOW)
    assert (first.waits, first.reached_at, first.open_next) == ("soaking", NOW, False)
    assert not judge(phase(counts, soak_s=60, reached_at=NOW), NOW + 59_999).open_next
    assert judge(phase(counts, soak_s=60, reached_at=NOW), NOW + 60_000).open_next


def test_errors_during_the_soak_pause_it() -> None:
    counts = {E.SUCCEEDED: 18, E.FAILED: 2}
    assert judge(phase(counts, soak_s=60, reached_at=NOW), NOW + 1).pause is not None


def test_a_phase_by_hand_waits_for_a_person() -> None:
    found = judge(phase({E.SUCCEEDED: 10}, by_hand=True), NOW)
    assert (found.waits, found.open_next) == ("waiting_for_hand", False)
    assert judge(phase({E.SUCCEEDED: 1, E.SENT: 9}, next_at=NOW), NOW).open_next


def test_a_phase_that_ended_below_its_success_threshold_pauses_until_it_is_accepted() -> None:
    counts = {E.SUCCEEDED: 8, E.EXPIRED: 2}
    assert "80 % succeeded" in (judge(phase(counts), NOW).pause or "")
    assert judge(phase(counts, accepted=True), NOW).open_next


def test_the_last_phase_just_ends_whatever_happened() -> None:
    found = judge(phase({E.FAILED: 10}, is_last=True), NOW)
    assert (found.pause, found.more, found.open_next) == (None, False, False)


def test_a_paused_rollout_takes_no_step_but_has_more_to_come() -> None:
    found = judge(phase({E.SUCCEEDED: 10}), NOW, paused=True)
    assert (found.open_next, found.more) == (False, True)


def test_a_phase_whose_devices_were_all_left_out_is_passed() -> None:
    assert judge(phase({}), NOW).open_next


def test_removed_and_canceled_devices_count_for_nothing() -> None:
    counts = {E.SUCCEEDED: 9, E.REMOVED: 50, E.CANCELED: 50, E.SENT: 1}
    assert judge(phase(counts), NOW).open_next


def test_a_claimed_success_is_held_until_the_inventory_shows_it() -> None:
    claim = Decision(E.SUCCEEDED, {"ended_at": 5, "heard_at": 5}, telling=True)
    held = verified(claim, shown=False)
    assert (held.to, held.changes) == (E.VERIFYING, {"heard_at": 5})
    assert verified(claim, shown=True) is claim


@pytest.mark.parametrize(
    ("state", "mode", "handed", "shown", "becomes"),
    [
        (E.VERIFYING, "install", True, True, E.SUCCEEDED),
        (E.VERIFYING, "install", True, False, E.FAILED),
        (E.VERIFYING, "notify", True, False, E.FAILED),
        (E.SENT, "notify", True, True, E.SUCCEEDED),
        (E.IN_PROGRESS, "notify", True, False, E.IN_PROGRESS),
        (E.IN_PROGRESS, "install", True, True, E.IN_PROGRESS),
        (E.QUEUED, "install", False, True, E.SUCCEEDED),
        (E.SENT, "install", True, True, E.SENT),
    ],
)
def test_what_an_inventory_makes_of_an_open_update(
    state: E, mode: str, handed: bool, shown: bool, becomes: E
) -> None:
    assert inventory_says(state, mode, handed=handed, shown=shown)[0] is becomes


def test_an_inventory_shows_a_release_only_with_every_component_at_its_version() -> None:
    wanted = {"app": "2.0", "model": "5"}
    assert shown_in(wanted, {"app": "2.0", "model": "5", "os": "1"})
    assert not shown_in(wanted, {"app": "2.0"})
    assert not shown_in(wanted, {"app": "2.0", "model": "4"})
    assert not shown_in({}, {"app": "2.0"})


@given(
    st.integers(0, 5000),
    st.lists(
        st.tuples(st.none() | st.integers(1, 100), st.none() | st.integers(1, 500)),
        min_size=1,
        max_size=8,
    ),
)
def test_every_device_is_in_exactly_one_phase(
    total: int, shares: list[tuple[int | None, int | None]]
) -> None:
    cut = sizes(total, shares)
    assert sum(cut) == total
    assert all(size >= 0 for size in cut)


def test_a_small_share_is_one_device_at_least() -> None:
    assert sizes(10, [(1, None), (50, None), (None, None)]) == [1, 5, 4]
