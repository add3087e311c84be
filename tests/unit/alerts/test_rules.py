"""What rules compute: bands, shares, lost sites; and the states of alarms."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.alerts.kinds.table import KINDS
from muster_platform.alerts.rules import (
    ORDERED,
    UPWARD,
    Band,
    Comparison,
    Count,
    duration_words,
    lost_sites,
    parent,
    rolled_up,
)
from muster_platform.alerts.states import ACTIVE, NEXT, OPEN, AlarmState, Change, after
from muster_platform.errors import InvalidInput

numbers = st.floats(-1e6, 1e6, allow_nan=False)
widths = st.floats(0.001, 1e5, allow_nan=False)
ordered = st.sampled_from(sorted(ORDERED))


@given(st.sampled_from(Comparison), numbers, widths, numbers)
def test_no_value_both_begins_and_ends(comparison, limit, width, value):
    band = Band(comparison, limit, width if comparison in ORDERED else 0.0)
    assert not (band.begins(value) and band.ends(value))


@given(st.sampled_from(Comparison), numbers, numbers)
def test_without_hysteresis_every_value_begins_or_ends(comparison, limit, value):
    band = Band(comparison, limit)
    assert band.begins(value) is not band.ends(value)


@given(ordered, numbers, widths, st.lists(st.floats(0.0, 1.0), min_size=1), st.booleans())
def test_values_inside_the_band_never_change_anything(comparison, limit, width, inside, active):
    band = Band(comparison, limit, width)
    sign = -1 if comparison in UPWARD else 1
    states = {active}
    for share in inside:
        value = limit + sign * width * share
        if band.begins(value) or band.ends(value):  # the very edges belong to one side
            continue
        active = (active or band.begins(value)) and not band.ends(value)
        states.add(active)
    assert len(states) == 1


@given(ordered, numbers, widths, st.lists(numbers))
def test_between_two_raises_lies_a_value_behind_the_hysteresis(comparison, limit, width, values):
    band, active, raised = Band(comparison, limit, width), False, []
    for index, value in enumerate(values):
        if not active and band.begins(value):
            raised.append(index)
        active = (active or bool(band.begins(value))) and not band.ends(value)
    for first, second in itertools.pairwise(raised):
        assert any(band.ends(value) for value in values[first:second])


def test_counts_of_groups_are_added_to_those_they_are_in_up_to_the_scope():
    own = {"1/2/": Count(3, 1), "1/2/5/": Count(4, 4), "1/3/": Count(1, 0)}
    assert rolled_up(own, "1/2/") == {"1/2/": Count(7, 5), "1/2/5/": Count(4, 4)}
    assert rolled_up(own, "1/")["1/"] == Count(8, 5)
    assert [parent(path) for path in ("1/2/5/", "1/2/", "1/")] == ["1/2/", "1/", ""]


def test_only_the_outermost_lost_group_counts_and_it_is_held_until_enough_came_back():
    counts = {"1/": Count(100, 12), "1/2/": Count(10, 10), "1/2/5/": Count(5, 5)}
    assert lost_sites(counts, share=0.5, least=5).keys() == {"1/2/"}
    back = {"1/2/": Count(10, 5)}
    assert lost_sites(back, share=0.6, least=5) == {}
    assert lost_sites(back, share=0.6, least=5, before=["1/2/"]).keys() == {"1/2/"}
    assert lost_sites({"1/2/": Count(10, 4)}, share=0.6, least=5, before=["1/2/"]) == {}


@pytest.mark.parametrize("state", AlarmState)
@pytest.mark.parametrize("change", Change)
def test_what_the_table_of_states_allows_leads_where_the_words_say(state, change):
    if (state, change) not in NEXT:
        with pytest.raises(KeyError):
            after(state, change)
        return
    then = after(state, change)
    assert (then in ACTIVE) is (
        change is Change.RAISED_AGAIN
        or (state in ACTIVE and change in (Change.ACKNOWLEDGED, Change.UNACKNOWLEDGED))
    )
    if change is Change.RESOLVED:
        assert then not in OPEN


def test_a_hidden_alarm_closes_when_it_clears():
    assert after(AlarmState.ACTIVE_UNACK, Change.CLEARED, hidden=True) == AlarmState.CLEARED_ACK


@pytest.mark.parametrize(
    ("kind", "params", "where"),
    [
        ("telemetry_threshold", {"metric": "a", "comparison": ">"}, "params"),
        ("telemetry_threshold", {"metric": "", "comparison": ">", "value": 1}, "params.metric"),
        (
            "telemetry_threshold",
            {"metric": "a", "comparison": "~", "value": 1},
            "params.comparison",
        ),
        (
            "telemetry_threshold",
            {"metric": "a", "comparison": "==", "value": 1, "hysteresis": 2},
            "params.hysteresis",
        ),
        ("telemetry_absent", {"metric": "a", "for_s": 1}, "params.for_s"),
        ("device_offline", {"for_s": -1}, "params.for_s"),
        ("device_offline", {"for_m": 1}, "params"),
        ("log_match", {}, "params.text"),
        ("log_match", {"text": '"open'}, "params.text"),
        ("new_fingerprint", {"min_level": "LOUD"}, "params.min_level"),
        ("new_fingerprint", {"min_level": "ERROR", "max_level": "WARN"}, "params.max_level"),
        ("execution_failures", {"share": 0}, "params.share"),
        ("quarantine_grows", {"count": 0}, "params.count"),
        ("part_down", {"state": "ok"}, "params.state"),
        ("part_down", [], "params"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_name(kind, params, where):
    with pytest.raises(InvalidInput) as refused:
        KINDS[kind].read(params)
    assert refused.value.where == where


def test_durations_are_said_in_the_largest_whole_unit():
    assert [duration_words(s) for s in (0, 90, 300, 7200, 86_400)] == [
        *("0 s", "90 s", "5 min", "2 h", "1 d")
    ]
