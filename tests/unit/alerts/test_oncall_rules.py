"""Who is on call when: order, days, nights, absences, and the two nights when clocks change."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.alerts.oncall_rules import (
    HOUR_MS,
    MINUTE_MS,
    Absence,
    Entry,
    Rota,
    on_call,
    shifts,
)

BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"
"""Its clocks are changed by half an hour."""
DAY_MS = 24 * HOUR_MS
WORKDAYS, WEEKEND = [1, 2, 3, 4, 5], [6, 7]


def at(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    """Give the instant at which the wall clocks of a zone show a time."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(wall.timestamp() * 1000)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def rota(*entries: Entry, zone: str = BERLIN, away: tuple[Absence, ...] = ()) -> Rota:
    return Rota(zone, entries, away)


def hours(found: Rota, since: int, until: int, person: str) -> float:
    """Give for how long somebody is on call."""
    parts = shifts(found, since, until)
    return sum(one.end - one.start for one in parts if person in one.people) / HOUR_MS


def test_the_order_of_the_list_is_the_order_of_telling_and_nobody_is_told_twice() -> None:
    found = rota(Entry(user_id="b"), Entry(user_id="a"), Entry(user_id="b"))
    assert on_call(found, at("2026-11-24T12:00")) == ("b", "a")


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        ("2026-11-24T07:59", ()),
        ("2026-11-24T08:00", ("a",)),
        ("2026-11-24T17:59", ("a",)),
        ("2026-11-24T18:00", ()),
        ("2026-11-28T12:00", ()),
    ],
)
def test_a_day_begins_with_its_start_and_ends_before_its_end(
    moment: str, people: tuple[str, ...]
) -> None:
    found = rota(Entry(user_id="a", days=WORKDAYS, start="08:00", end="18:00"))
    assert on_call(found, at(moment)) == people


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        ("2026-11-27T21:59", ()),
        ("2026-11-27T22:00", ("n",)),
        ("2026-11-28T05:59", ("n",)),
        ("2026-11-28T06:00", ()),
        ("2026-11-28T23:00", ()),
        ("2026-11-29T23:00", ()),
        ("2026-11-30T01:00", ()),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(
    moment: str, people: tuple[str, ...]
) -> None:
    found = rota(Entry(user_id="n", days=[5], start="22:00", end="06:00"))
    assert on_call(found, at(moment)) == people


def test_a_night_that_begins_on_sunday_ends_on_monday() -> None:
    found = rota(Entry(user_id="n", days=[7], start="22:00", end="06:00"))
    assert on_call(found, at("2026-11-30T05:00")) == ("n",)


def test_whoever_takes_a_place_stands_where_the_other_one_stood() -> None:
    away = Absence(user_id="a", start=1_000, end=2_000, instead_id="c")
    found = rota(Entry(user_id="a"), Entry(user_id="b"), away=(away,))
    assert [on_call(found, moment) for moment in (999, 1_000, 1_999, 2_000)] == [
        ("a", "b"), ("c", "b"), ("c", "b"), ("a", "b"),
    ]  # fmt: skip


def test_people_who_are_away_for_each_other_are_both_away() -> None:
    pair = (
        Absence(user_id="a", start=0, end=10, instead_id="b"),
        Absence(user_id="b", start=0, end=10, instead_id="a"),
    )
    assert on_call(rota(Entry(user_id="a"), Entry(user_id="b"), away=pair), 5) == ()


def test_a_night_in_which_clocks_are_put_forward_is_an_hour_shorter() -> None:
    found = rota(Entry(user_id="n", start="22:00", end="06:00"))
    since = at("2026-03-28T12:00")
    assert hours(found, since, since + DAY_MS, "n") == 7
    assert [one.start for one in shifts(found, since, since + DAY_MS)][1:] == [
        utc("2026-03-28T21:00"), utc("2026-03-29T04:00"),
    ]  # fmt: skip


def test_a_night_in_which_clocks_are_put_back_is_an_hour_longer() -> None:
    found = rota(Entry(user_id="n", start="22:00", end="06:00"))
    since = at("2026-10-24T12:00")
    assert hours(found, since, since + DAY_MS, "n") == 9


def test_a_time_that_the_clocks_leave_out_begins_when_they_are_past_it() -> None:
    """In Berlin there is no half past two on 29 March 2026."""
    found = rota(Entry(user_id="n", start="02:30", end="04:00"))
    since = at("2026-03-29T00:00")
    assert [(one.start, one.people) for one in shifts(found, since, since + 6 * HOUR_MS)][1:] == [
        (utc("2026-03-29T01:00"), ("n",)),
        (utc("2026-03-29T02:00"), ()),
    ]


def test_a_time_that_the_clocks_show_twice_is_on_call_twice() -> None:
    found = rota(Entry(user_id="n", start="02:00", end="02:30"))
    since = at("2026-10-25T00:00")
    assert hours(found, since, since + 8 * HOUR_MS, "n") == 1
    both = [on_call(found, at("2026-10-25T02:10", fold=fold)) for fold in (0, 1)]
    assert both == [("n",), ("n",)]
    assert on_call(found, at("2026-10-25T02:40")) == ()


def test_clocks_that_are_changed_by_half_an_hour_are_read_to_the_minute() -> None:
    found = rota(Entry(user_id="n", start="00:00", end="06:00"), zone=LORD_HOWE)
    since = at("2026-10-03T12:00", LORD_HOWE)
    assert hours(found, since, since + DAY_MS, "n") == 5.5


people = st.sampled_from("abcd")
clocks = st.times().map(lambda one: one.strftime("%H:%M"))
days = st.lists(st.integers(1, 7), min_size=1, max_size=7, unique=True)
entries = st.builds(Entry, user_id=people, days=days, start=clocks, end=clocks)
zones = st.sampled_from((BERLIN, LORD_HOWE, "UTC", "America/St_Johns", "Asia/Kathmandu"))
BASES = tuple(map(utc, ("2026-03-27", "2026-10-02", "2026-10-23", "2026-11-24")))
moments = st.builds(lambda base, ms: base + ms, st.sampled_from(BASES), st.integers(0, 3 * DAY_MS))


def absence(person: str, start: int, length: int, instead: str | None) -> Absence:
    return Absence(user_id=person, start=start, end=start + length, instead_id=instead)


absences = st.builds(absence, people, moments, st.integers(1, 2 * DAY_MS), st.none() | people)
rotas = st.builds(
    Rota,
    zones,
    st.lists(entries, max_size=5).map(tuple),
    st.lists(absences, max_size=3).map(tuple),
)


@given(rotas, moments, st.integers(1, 3 * DAY_MS), st.data())
def test_the_preview_says_for_every_minute_who_is_told(
    found: Rota, since: int, length: int, data: st.DataObject
) -> None:
    parts = shifts(found, since, since + length)
    assert (parts[0].start, parts[-1].end) == (since, since + length)
    for before, after in itertools.pairwise(parts):
        assert before.end == after.start
        assert before.people != after.people, "joined where nothing changes"
    moment = data.draw(st.integers(since, since + length - 1))
    shown = next(one for one in parts if one.start <= moment < one.end)
    assert shown.people == on_call(found, moment)


@given(rotas, moments)
def test_nobody_is_told_twice_or_while_away_or_without_being_named(
    found: Rota, moment: int
) -> None:
    told = on_call(found, moment)
    away = {one.user_id for one in found.absences if one.start <= moment < one.end}
    named = {one.user_id for one in found.entries}
    named |= {one.instead_id for one in found.absences if one.instead_id}
    assert len(told) == len(set(told))
    assert not set(told) & away
    assert set(told) <= named


@given(zones, moments)
def test_a_whole_day_every_day_is_always(zone: str, moment: int) -> None:
    found = rota(Entry(user_id="a"), zone=zone)
    assert [one.people for one in shifts(found, moment, moment + DAY_MS)] == [("a",)]


@given(clocks, clocks, zones, moments)
def test_two_halves_of_a_day_leave_no_gap_and_never_overlap(
    start: str, end: str, zone: str, moment: int
) -> None:
    if start == end:
        end = "12:34" if start != "12:34" else "12:35"
    found = rota(
        Entry(user_id="a", start=start, end=end), Entry(user_id="b", start=end, end=start),
        zone=zone,
    )  # fmt: skip
    for step in range(0, 36 * 60, 30):
        assert len(on_call(found, moment + step * MINUTE_MS)) == 1
