"""The form of an on-call list: rows as they were typed, changed by its buttons, and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from werkzeug.datastructures import MultiDict

from muster_platform.alerts import oncall_rules as rules
from muster_platform.alerts.oncall import WAIT_S, OnCallDraft, rota_of
from muster_platform.alerts.oncall_models import OnCallList
from muster_platform.alerts.oncall_rules import Absence, Entry
from muster_platform.errors import InvalidInput

ALL_DAYS = ("1", "2", "3", "4", "5", "6", "7")
TEXT_MAX = 64
MINUTE_S = 60
NUMBERS = {"wait": "Next person after", "remind": "Remind every", "reminders": "Reminders"}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A person in the order, as typed; days are "1" (Monday) to "7"."""

    user_id: str = ""
    days: tuple[str, ...] = ALL_DAYS
    start: str = "00:00"
    end: str = "00:00"


@dataclass(frozen=True, slots=True)
class AwayRow:
    """An absence as typed: dates and times of the list's zone, `YYYY-MM-DDTHH:MM`."""

    user_id: str = ""
    start: str = ""
    end: str = ""
    instead_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListForm:
    """The form; `wait` and `remind` are minutes."""

    zone: str = "UTC"
    wait: str = "15"
    remind: str = "15"
    reminders: str = "4"
    entries: tuple[EntryRow, ...] = (EntryRow(),)
    absences: tuple[AwayRow, ...] = field(default=())


def filled(row: OnCallList) -> ListForm:
    """Show a stored list."""
    rota, zone = rota_of(row), ZoneInfo(row.zone)
    return ListForm(
        zone=row.zone,
        wait=f"{row.wait_s / MINUTE_S:g}",
        remind=f"{row.remind_s / MINUTE_S:g}",
        reminders=str(row.reminders),
        entries=tuple(
            EntryRow(one.user_id, tuple(map(str, one.days)), one.start, one.end)
            for one in rota.entries
        ),
        absences=tuple(
            AwayRow(a.user_id, _wall(a.start, zone), _wall(a.end, zone), a.instead_id or "")
            for a in rota.absences
        ),
    )


def typed(form: MultiDict[str, str]) -> ListForm:
    """Take what was typed, right or wrong; rows beyond what a list may have are left out."""

    def text(name: str) -> str:
        return form.get(name, "").strip()[:TEXT_MAX]

    entries = tuple(
        EntryRow(
            text(f"person-{n}"),
            tuple(day for day in ALL_DAYS if day in form.getlist(f"day-{n}")),
            text(f"start-{n}"),
            text(f"end-{n}"),
        )
        for n in range(rules.ENTRIES_MAX)
        if f"person-{n}" in form
    )
    absences = tuple(
        AwayRow(text(f"away-{n}"), text(f"from-{n}"), text(f"until-{n}"), text(f"instead-{n}"))
        for n in range(rules.ABSENCES_MAX)
        if f"away-{n}" in form
    )
    return ListForm(
        zone=text("zone"),
        wait=text("wait"),
        remind=text("remind"),
        reminders=text("reminders"),
        entries=entries,
        absences=absences,
    )


def changed(form: ListForm, do: str) -> ListForm | None:
    """Do what one of the buttons beside the rows says; None where it is none of them."""
    name, _, place = do.partition("-")
    number = int(place) if place.isdecimal() and len(place) < 4 else -1
    if name not in _CHANGES:
        return None
    return _CHANGES[name](form, number)


def draft(form: ListForm) -> OnCallDraft:
    """Read it.

    Raises:
        InvalidInput: saying which line is wrong.
    """
    if form.zone not in rules.zones():
        raise InvalidInput("no such time zone; choose one such as Europe/Berlin", where="zone")
    zone = ZoneInfo(form.zone)
    return OnCallDraft(
        zone=form.zone,
        wait_s=_minutes("wait", form.wait),
        remind_s=_minutes("remind", form.remind),
        reminders=int(_number("reminders", form.reminders)),
        entries=tuple(_entry(n, row) for n, row in enumerate(form.entries, 1)),
        absences=tuple(_away(n, row, zone) for n, row in enumerate(form.absences, 1)),
    )


def _moved(form: ListForm, number: int, step: int) -> ListForm:
    rows, other = list(form.entries), number + step
    if 0 <= number < len(rows) and 0 <= other < len(rows):
        rows[number], rows[other] = rows[other], rows[number]
    return replace(form, entries=tuple(rows))


def _without(rows: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return tuple(row for place, row in enumerate(rows) if place != number)


def _add(form: ListForm, _number: int) -> ListForm:
    return replace(form, entries=(*form.entries, EntryRow())[: rules.ENTRIES_MAX])


def _add_away(form: ListForm, _number: int) -> ListForm:
    return replace(form, absences=(*form.absences, AwayRow())[: rules.ABSENCES_MAX])


_CHANGES: Mapping[str, Callable[[ListForm, int], ListForm]] = {
    "up": lambda form, n: _moved(form, n, -1),
    "down": lambda form, n: _moved(form, n, 1),
    "drop": lambda form, n: replace(form, entries=_without(form.entries, n)),
    "add": _add,
    "here": lambda form, n: replace(form, absences=_without(form.absences, n)),
    "away": _add_away,
}


def _entry(number: int, row: EntryRow) -> Entry:
    where = f"line {number}"
    if not row.user_id:
        raise InvalidInput(f"{where}: choose a person, or remove the line", where=where)
    if not row.days:
        raise InvalidInput(f"{where}: tick a day, or remove the line", where=where)
    given = {"user_id": row.user_id, "days": [int(day) for day in row.days],
             "start": row.start or "00:00", "end": row.end or "00:00"}  # fmt: skip
    try:
        return msgspec.convert(given, Entry)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{where}: write times as 08:00", where=where) from error


def _away(number: int, row: AwayRow, zone: ZoneInfo) -> Absence:
    where = f"absence {number}"
    if not row.user_id:
        raise InvalidInput(f"{where}: choose a person, or remove it", where=where)
    given = {
        "user_id": row.user_id,
        "start": _instant(where, row.start, zone),
        "end": _instant(where, row.end, zone),
        "instead_id": row.instead_id or None,
    }
    try:
        return msgspec.convert(given, Absence)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{where}: a time from 1970 on is needed", where=where) from error


def _instant(where: str, text: str, zone: ZoneInfo) -> int:
    try:
        wall = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 (the zone comes next)
        return int(wall.replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{where}: say from when until when", where=where) from error


def _wall(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _minutes(name: str, text: str) -> int:
    seconds = round(_number(name, text) * MINUTE_S)
    if seconds not in WAIT_S:
        least, most = WAIT_S.start // MINUTE_S, (WAIT_S.stop - 1) // MINUTE_S
        raise InvalidInput(f"{NUMBERS[name]}: {least} to {most} minutes", where=name)
    return seconds


def _number(name: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError as error:
        raise InvalidInput(f"{NUMBERS[name]}: write a number", where=name) from error
    if not 0 <= found < 1e6:
        raise InvalidInput(f"{NUMBERS[name]}: write a number from 0 on", where=name)
    return found
