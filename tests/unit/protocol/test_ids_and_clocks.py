"""Identifiers sort by time; a device's clock is believed within its limits."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_protocol import clocks, ids, limits

NOW = 1_700_000_000_000
times = st.integers(0, 2**48 - 1)
tails = st.binary(min_size=10, max_size=10)


@given(now=times, tail=tails)
def test_an_id_is_a_uuid_of_version_7(now, tail):
    made = uuid.UUID(ids.uuid7(now, lambda count: tail[:count]))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == now


@given(first=times, second=times, tail=tails, other=tails)
def test_ids_sort_by_the_time_they_were_made(first, second, tail, other):
    if first < second:
        earlier, later = ids.uuid7(first, lambda _: tail), ids.uuid7(second, lambda _: other)
        assert earlier < later


@given(tail=tails, other=tails)
def test_no_random_bit_is_lost_that_the_form_has_room_for(tail, other):
    kept = (1 << 74) - 1
    same = int.from_bytes(tail, "big") & kept == int.from_bytes(other, "big") & kept
    assert (ids.uuid7(0, lambda _: tail) == ids.uuid7(0, lambda _: other)) is same


def test_ids_of_the_present_differ():
    assert len({ids.uuid7() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("text", ["a", "0", "A.b_c-9", "x" * 64])
def test_a_device_id(text):
    assert ids.is_device_id(text)


@pytest.mark.parametrize(
    "text", ["", "_a", ".a", "-a", "a b", "a/b", "a+", "a#", "x" * 65, "a\n", "é", "a\0", "$a"]
)
def test_not_a_device_id(text):
    assert not ids.is_device_id(text)


@given(text=st.text(max_size=10))
def test_no_device_id_lies_in_the_platforms_name_space(text):
    assert not (ids.is_device_id(text) and ids.is_platform_client(text))


@given(said=st.none() | st.integers(-(2**62), 2**62))
def test_a_stored_time_is_always_near_the_time_of_receipt(said):
    stamp = clocks.believe(said, NOW)
    assert NOW - limits.CLOCK_PAST_MS <= stamp.ts <= NOW + limits.CLOCK_FUTURE_MS
    assert stamp.clamped is (stamp.ts != said)


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        (NOW - limits.CLOCK_PAST_MS, True),
        (NOW - limits.CLOCK_PAST_MS - 1, False),
        (NOW + limits.CLOCK_FUTURE_MS, True),
        (NOW + limits.CLOCK_FUTURE_MS + 1, False),
        (0, False),
    ],
)
def test_the_limits_of_belief(said, believed):
    expected = clocks.Stamp(said, False) if believed else clocks.Stamp(NOW, True)
    assert clocks.believe(said, NOW) == expected


@given(last=st.integers(0, 2**62), now=st.integers(0, 2**62))
def test_the_next_session_is_greater_whatever_the_clock_did(last, now):
    assert clocks.next_session(last, now) > last
    assert clocks.next_session(last, now) >= now
