"""Who is on call, for people to read: names, and when it changes next."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.access.groups import full_names
from muster_platform.access.models import Group, User
from muster_platform.access.permissions import Permission
from muster_platform.alerts import oncall_rules as rules
from muster_platform.alerts.oncall import DAY_MS, OnCallService, ladder, may_read, nearest, rota_of
from muster_platform.unit import Unit

AHEAD_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is told of the alarms of a group now, and who next.

    Attributes:
        own: the group has a list of its own.
        people: names, first told first.
        gone_to: whose list it is, or why the administrators are told.
        until: when other people are on call, ms since the epoch; None for not within AHEAD_MS.
        then: their names; () for nobody, where the administrators are told.
    """

    group_id: int
    group_name: str
    own: bool
    people: tuple[str, ...]
    gone_to: str
    until: int | None
    then: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedShift:
    """A time in which the same people are on call; ms since the epoch, names."""

    start: int
    end: int
    people: tuple[str, ...]


def duties(unit: Unit) -> list[Duty]:
    """Give who is on call: by each list that the actor may read, and for the actor's own groups.

    A group of the actor's without a list is there, too: it says whose list counts for it.

    Raises:
        PermissionDenied: without rules:read on any group.
    """
    groups = {group.id: group for _row, group in OnCallService(unit).lists()}
    listed = set(groups)
    groups |= {group.id: group for group in _own(unit)}
    names = full_names(unit.session, list(groups.values()))
    ordered = sorted(groups.values(), key=lambda group: names[group.id].lower())
    return [_duty(unit, group, names[group.id], own=group.id in listed) for group in ordered]


def duty(unit: Unit, group: Group) -> Duty:
    """Give who is told of the alarms of one group, which the actor may read."""
    found = nearest(unit.session, group.path)
    own = found is not None and found[1].id == group.id
    return _duty(unit, group, full_names(unit.session, [group])[group.id], own=own)


def named(session: Session, shifts: Iterable[rules.Shift]) -> list[NamedShift]:
    """Put names in the place of ids."""
    found = list(shifts)
    names = names_of(session, (one for shift in found for one in shift.people))
    return [
        NamedShift(shift.start, shift.end, tuple(names[one] for one in shift.people))
        for shift in found
    ]


def names_of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Give the names of people; of those who are gone, what is left of them."""
    wanted = set(ids)
    rows = session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    return dict.fromkeys(wanted, "somebody who is gone") | {row.id: row.name for row in rows}


def _own(unit: Unit) -> list[Group]:
    """Give the groups on which the actor was given the right to read alarms."""
    paths = unit.actor.paths(Permission.ALARMS_READ)
    which = Group.parent_id.is_(None) if paths is None else Group.path.in_(paths)
    return list(unit.session.scalars(select(Group).where(which)))


def _duty(unit: Unit, group: Group, name: str, *, own: bool) -> Duty:
    told = ladder(unit.session, group.path, unit.now())
    until, then = _next(unit, group)
    people = tuple(user.name for user in told.people)
    return Duty(group.id, name, own, people, told.gone_to, until, then)


def _next(unit: Unit, group: Group) -> tuple[int | None, tuple[str, ...]]:
    found, now = nearest(unit.session, group.path), unit.now()
    shifts = rules.shifts(rota_of(found[0]), now, now + AHEAD_MS) if found else []
    if len(shifts) < 2:
        return None, ()
    ids = [one for one in shifts[1].people if may_read(unit.session, one, group.path)]
    names = names_of(unit.session, ids)
    return shifts[1].start, tuple(names[one] for one in ids)
