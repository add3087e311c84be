"""Rate limits without Redis: each process counts for itself."""

from pathlib import Path

import pytest

from muster_platform.bootstrap import build
from muster_platform.clock import ManualClock
from muster_platform.errors import RateLimited
from muster_platform.settings import Settings
from muster_platform.web.limits import KEPT, Limit, Limits

TWO = Limit("two", 2, "tries")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_040_000)  # the beginning of a minute


@pytest.fixture
def limits(clock: ManualClock, tmp_path: Path) -> Limits:
    return Limits(build(Settings(state_dir=tmp_path), clock))


def test_one_too_many_is_refused_and_told_when_to_come_back(
    limits: Limits, clock: ManualClock
) -> None:
    limits.spend(TWO, "a")
    limits.spend(TWO, "a")
    clock.advance(s=20)
    with pytest.raises(RateLimited) as caught:
        limits.spend(TWO, "a")
    assert caught.value.retry_after_s == 40


def test_a_new_minute_is_a_new_count(limits: Limits, clock: ManualClock) -> None:
    for _ in range(3):
        limits.spend(TWO, "a")
        limits.spend(TWO, "a")
        clock.advance(s=60)


def test_subjects_and_limits_do_not_share_a_count(limits: Limits) -> None:
    for subject in (("a",), ("b",), ("a", "b"), ("ab",)):
        limits.spend(TWO, *subject)
        limits.spend(TWO, *subject)
    limits.spend(Limit("other", 2, "tries"), "a")


def test_many_subjects_do_not_fill_the_memory(limits: Limits) -> None:
    for number in range(KEPT + 10):
        limits.spend(TWO, str(number))
    assert len(limits._counts) <= KEPT


def test_a_large_limit_taken_in_shares_is_the_same_limit(limits: Limits) -> None:
    many = Limit("many", 1_250, "requests")
    for _ in range(1_250):
        limits.spend(many, "a")
    with pytest.raises(RateLimited):
        limits.spend(many, "a")


def test_two_processes_that_take_shares_never_go_beyond_the_limit(
    clock: ManualClock, tmp_path: Path
) -> None:
    platform = build(Settings(state_dir=tmp_path), clock)
    one, other = Limits(platform), Limits(platform)
    other._counts = one._counts  # what Redis is to two processes
    many, good = Limit("many", 1_000, "requests"), 0
    for number in range(3_000):
        try:
            (one if number % 3 else other).spend(many, "a")
        except RateLimited:
            continue
        good += 1
    assert 1_000 - many.most // 100 <= good <= 1_000


def test_what_is_left_of_a_share_ends_with_its_window(limits: Limits, clock: ManualClock) -> None:
    many = Limit("many", 200, "requests")
    limits.spend(many, "a")
    clock.advance(s=60)
    for _ in range(200):
        limits.spend(many, "a")
    with pytest.raises(RateLimited):
        limits.spend(many, "a")
