"""Ranges cut into parts: whole, even, none counted twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from muster_platform.logs.ranges import fill, width_of
from muster_platform.logs.store import Bar
from muster_protocol.messages import Level

times = st.integers(0, 2**42)


@given(times, st.integers(1, 2**41), st.integers(2, 200))
def test_a_range_fits_into_the_bars_asked_for(since, length, bars):
    width = width_of(since, since + length, bars)
    start = since // width * width
    parts = fill([], start, since + length, width)
    assert 1 <= len(parts) <= bars + 1
    assert parts[0].start <= since
    assert parts[-1].end >= since + length
    assert all(one.end == two.start for one, two in pairwise(parts))


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from([10, 50]), st.integers(1, 9)), max_size=20
    )
)
def test_every_record_is_in_one_part(found):
    unique = {(at, level): count for at, level, count in found}
    bars = [Bar(1_000 + at * 10, level, count) for (at, level), count in unique.items()]
    parts = fill(bars, 1_000, 2_000, 10)
    assert sum(part.total for part in parts) == sum(unique.values())
    assert sum(p.counts.get(Level.ERROR, 0) for p in parts) == sum(
        count for (_, level), count in unique.items() if level == 50
    )
