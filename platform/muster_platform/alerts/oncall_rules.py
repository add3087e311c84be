"""Who is on call when. Pure: a list as data, an instant, people in order.

Times of day are those of a wall clock in the list's zone, so a night shift is an hour shorter or
longer where the clocks change, and nobody's begins at another time of day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ENTRIES_MAX = 50
ABSENCES_MAX = 200

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[int, Meta(ge=1, le=7, description="1 is Monday")]
PersonId = Annotated[str, Meta(min_length=1, max_length=36)]
Instant = Annotated[int, Meta(ge=0, le=2**53, description="ms since the epoch, UTC")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person, and when they are told; the same person may stand in a list several times.

    Attributes:
        days: on which the time begins.
        start: of the day's time, `HH:MM` in the list's zone.
        end: of it; not later than the start, it is on the next day. Both alike: the whole day.
    """

    user_id: PersonId
    days: Annotated[list[Weekday], Meta(min_length=1, max_length=7)] = msgspec.field(
        default_factory=lambda: [1, 2, 3, 4, 5, 6, 7]
    )
    start: Clock = "00:00"
    end: Clock = "00:00"


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person is away for a while; another one may take their place in the order.

    Attributes:
        start, end: ms since the epoch; the end is not part of it.
        instead_id: who takes the place, None for nobody.
    """

    user_id: PersonId
    start: Instant
    end: Instant
    instead_id: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Rota:
    """A list of people on call.

    Attributes:
        zone: IANA name.
        entries: in the order in which they are told.
    """

    zone: str
    entries: tuple[Entry, ...]
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A time in which the same people are on call.

    Attributes:
        start, end: ms since the epoch; the end is not part of it.
        people: ids, first told first; () for nobody.
    """

    start: int
    end: int
    people: tuple[str, ...]


@cache
def zones() -> frozenset[str]:
    """Give the names of the time zones that there are."""
    return frozenset(available_timezones())


def on_call(rota: Rota, at: int) -> tuple[str, ...]:
    """Give who is on call at an instant, first told first, nobody twice.

    Args:
        at: ms since the epoch.
    """
    local = _local(at, ZoneInfo(rota.zone))
    found: dict[str, None] = {}
    for entry in rota.entries:
        if _covers(entry, local):
            person = _in_place_of(rota, entry.user_id, at)
            if person is not None:
                found.setdefault(person)
    return tuple(found)


def shifts(rota: Rota, since: int, until: int) -> list[Shift]:
    """Give who is on call from one instant to another, joined where nothing changes."""
    edges = sorted({since, *(e for e in _edges(rota, since, until) if since < e < until)})
    found: list[Shift] = []
    for start, end in zip(edges, [*edges[1:], until], strict=True):
        people = on_call(rota, start)
        if found and found[-1].people == people:
            found[-1] = Shift(found[-1].start, end, people)
        else:
            found.append(Shift(start, end, people))
    return found


def _in_place_of(rota: Rota, person: str, at: int) -> str | None:
    """Give who is told where this person stands; whoever takes a place may be away, too."""
    asked: set[str] = set()
    while person not in asked:
        asked.add(person)
        away = next(
            (a for a in rota.absences if a.user_id == person and a.start <= at < a.end), None
        )
        if away is None:
            return person
        if away.instead_id is None:
            return None
        person = away.instead_id
    return None


def _covers(entry: Entry, local: datetime) -> bool:
    minute, day = local.hour * 60 + local.minute, local.isoweekday()
    start, end = _minutes(entry.start), _minutes(entry.end)
    if start < end:
        return day in entry.days and start <= minute < end
    day_before = (day - 2) % 7 + 1
    began_today = day in entry.days and minute >= start
    return began_today or (day_before in entry.days and minute < end)


def _edges(rota: Rota, since: int, until: int) -> Iterator[int]:
    """Give every instant at which the people may change; more do no harm."""
    zone = ZoneInfo(rota.zone)
    for away in rota.absences:
        yield from (away.start, away.end)
    yield from _clock_changes(zone, since, until)
    times = {clock for entry in rota.entries for clock in (entry.start, entry.end)}
    minutes = {_minutes(clock) for clock in times} | {0}
    day, last = _local(since, zone).date() - timedelta(days=1), _local(until, zone).date()
    while day <= last:
        for minute in minutes:
            yield from _instants(day, minute, zone)
        day += timedelta(days=1)


def _instants(day: date, minute: int, zone: ZoneInfo) -> Iterator[int]:
    """Give when a wall clock shows a time: twice where it was put back."""
    wall = datetime.combine(day, time(minute // 60, minute % 60))
    for fold in (0, 1):
        yield int(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1000)


def _clock_changes(zone: ZoneInfo, since: int, until: int) -> Iterator[int]:
    """Give the instants at which the zone's clocks are changed, to the minute."""
    first = since - since % HOUR_MS
    for low in range(first, until, HOUR_MS):
        high = low + HOUR_MS
        before = _local(low, zone).utcoffset()
        if _local(high, zone).utcoffset() == before:
            continue
        while high - low > MINUTE_MS:
            middle = (low + high) // 2 // MINUTE_MS * MINUTE_MS
            if _local(middle, zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        yield high


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
