"""On-call lists: kept for a group, in force for all groups inside that have none of their own."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.auth import actor_of
from muster_platform.access.groups import group_by_id
from muster_platform.access.models import Binding, Group, Role, User
from muster_platform.access.narrow import permitted, require_on
from muster_platform.access.permissions import Permission
from muster_platform.alerts import oncall_rules as rules
from muster_platform.alerts.oncall_models import OnCallList
from muster_platform.alerts.oncall_rules import Absence, Entry, Rota, Shift
from muster_platform.alerts.telling_rules import Pace
from muster_platform.errors import InvalidInput, NotAuthenticated, NotFound
from muster_platform.unit import Unit

DEFAULT_PACE = Pace(wait_ms=15 * 60_000, remind_ms=15 * 60_000, reminders=4)
WAIT_S = range(60, 86_401)
REMINDERS = range(21)
DAYS_MAX = 31
DAY_MS = 86_400_000
READ, WRITE = Permission.RULES_READ, Permission.RULES_WRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallDraft:
    """A list as a person writes it; see OnCallList."""

    zone: str = "UTC"
    wait_s: int = 900
    remind_s: int = 900
    reminders: int = 4
    entries: tuple[Entry, ...] = ()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is told of the alarms of a group at a moment, first told first.

    Attributes:
        gone_to: whose list it is, or why the administrators are told.
        group_id: of that list's group, None where the administrators are told.
    """

    people: tuple[User, ...]
    gone_to: str
    pace: Pace
    group_id: int | None


def rota_of(row: OnCallList) -> Rota:
    """Give a stored list as the rules read it."""
    return Rota(
        row.zone,
        tuple(msgspec.convert(row.entries, list[Entry])),
        tuple(msgspec.convert(row.absences, list[Absence])),
    )


def nearest(session: Session, group_path: str) -> tuple[OnCallList, Group] | None:
    """Give the list that counts for a group: its own, or that of the nearest group around it."""
    ids = [int(item) for item in group_path.split("/") if item]
    found = session.execute(
        select(OnCallList, Group)
        .join(Group, Group.id == OnCallList.group_id)
        .where(OnCallList.group_id.in_(ids))
    )
    rows = sorted(found, key=lambda row: ids.index(row.OnCallList.group_id))
    return (rows[-1].OnCallList, rows[-1].Group) if rows else None


def ladder(session: Session, group_path: str, at: int) -> Ladder:
    """Give who is told of the alarms of a group at a moment.

    Whoever may not read those alarms (any more) is passed over. Where nobody is left it is the
    administrators.
    """
    found = nearest(session, group_path)
    if found is None:
        why = "the administrators: no on-call list counts for this group"
        return Ladder(_administrators(session), why, DEFAULT_PACE, None)
    row, group = found
    ids = rules.on_call(rota_of(row), at)
    people = tuple(p for p in (_person(session, one, group_path) for one in ids) if p)
    pace = Pace(row.wait_s * 1000, row.remind_s * 1000, row.reminders)
    if people:
        return Ladder(people, f"the on-call list of {group.name}", pace, group.id)
    why = f"the administrators: nobody on the list of {group.name} is on call"
    return Ladder(_administrators(session), why, pace, None)


def may_read(session: Session, user_id: str, group_path: str) -> bool:
    """Say whether somebody may read the alarms of a group at this moment."""
    try:
        return actor_of(session, user_id).may(Permission.ALARMS_READ, group_path)
    except NotAuthenticated:
        return False


def _person(session: Session, user_id: str, group_path: str) -> User | None:
    return session.get(User, user_id) if may_read(session, user_id, group_path) else None


def _administrators(session: Session) -> tuple[User, ...]:
    bound = (
        select(Binding.user_id)
        .join(Role, Role.id == Binding.role_id)
        .where(Role.name == "administrator", Binding.group_id.is_(None))
    )
    who = select(User).where(User.id.in_(bound), User.disabled_at.is_(None)).order_by(User.email)
    return tuple(session.scalars(who))


class OnCallService:
    """Reads and writes on-call lists."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def lists(self) -> list[tuple[OnCallList, Group]]:
        """List those of the groups on which the actor may read rules.

        Raises:
            PermissionDenied: without rules:read on any group.
        """
        self._unit.actor.require_somewhere(READ)
        statement = (
            select(OnCallList, Group)
            .join(Group, Group.id == OnCallList.group_id)
            .where(permitted(self._unit.actor, READ))
            .order_by(Group.path)
        )
        return [(row.OnCallList, row.Group) for row in self._session.execute(statement)]

    def get(self, group_id: int) -> OnCallList:
        """Get the list of a group itself.

        Raises:
            NotFound: no such group for the actor, or it has no list of its own.
        """
        group = self._group(group_id, READ)
        row = self._session.get(OnCallList, group.id)
        if row is None:
            raise NotFound("on-call list of the group", group_id)
        return row

    def put(
        self, group_id: int, draft: OnCallDraft, *, if_version: int | None = None
    ) -> OnCallList:
        """Write the list of a group.

        Raises:
            NotFound, PermissionDenied: without rules:write on the group.
            InvalidInput: it does not fit, or somebody on it may not read the group's alarms.
            PreconditionFailed: it was changed meanwhile.
        """
        group = self._group(group_id, WRITE)
        self._check(draft, group)
        row = self._session.get(OnCallList, group.id, with_for_update=True)
        before = None if row is None else document(row)
        if row is None:
            row = OnCallList(group_id=group.id, version=0)
            self._session.add(row)
        else:
            versions.expect(self._session, row, if_version, f"the on-call list of {group.name}")
        for name in ("zone", "wait_s", "remind_s", "reminders"):
            setattr(row, name, getattr(draft, name))
        row.entries = msgspec.to_builtins(draft.entries)
        row.absences = msgspec.to_builtins(draft.absences)
        row.updated_at, row.version = self._unit.now(), row.version + 1
        self._session.flush()
        self._note("write", group, before, document(row))
        return row

    def check(self, group_id: int, draft: OnCallDraft) -> None:
        """Refuse what `put` would refuse; changes nothing.

        Raises:
            NotFound, PermissionDenied, InvalidInput: as `put`.
        """
        self._check(draft, self._group(group_id, WRITE))

    def delete(self, group_id: int) -> None:
        """Take the list of a group away; that of the group around it counts then.

        Raises:
            NotFound, PermissionDenied: as `get` and `put`.
        """
        group = self._group(group_id, WRITE)
        row = self.get(group_id)
        self._session.delete(row)
        self._session.flush()
        self._note("delete", group, document(row), None)

    def who(self, group_id: int, at: int | None = None) -> Ladder:
        """Give who is told of the alarms of a group, now or at a moment.

        Raises:
            NotFound: no such group, or the actor may not read its alarms.
        """
        group = group_by_id(self._session, group_id)
        if not self._unit.actor.may(Permission.ALARMS_READ, group.path):
            raise NotFound("group", group_id)
        return ladder(self._session, group.path, self._unit.now() if at is None else at)

    def preview(self, group_id: int, days: int = 7) -> list[Shift]:
        """Give who is on call by a group's own list in the days to come.

        Raises:
            NotFound: as `get`.
            InvalidInput: too many days.
        """
        if not 1 <= days <= DAYS_MAX:
            raise InvalidInput(f"1 to {DAYS_MAX} days", where="days")
        now = self._unit.now()
        return rules.shifts(rota_of(self.get(group_id)), now, now + days * DAY_MS)

    def people(self, group_id: int) -> list[User]:
        """Give who may stand in the list of a group: whoever may read its alarms.

        Raises:
            NotFound, PermissionDenied: without rules:write on the group.
        """
        group = self._group(group_id, WRITE)
        active = select(User).where(User.disabled_at.is_(None)).order_by(User.name, User.id)
        everybody = self._session.scalars(active)
        return [user for user in everybody if may_read(self._session, user.id, group.path)]

    def _group(self, group_id: int, permission: Permission) -> Group:
        group = group_by_id(self._session, group_id)
        actor = self._unit.actor
        require_on(actor, permission, group, read=READ, kind="group", name=group_id)
        return group

    def _check(self, draft: OnCallDraft, group: Group) -> None:
        if draft.zone not in rules.zones():
            raise InvalidInput("no such time zone; write one such as Europe/Berlin", where="zone")
        for where, value, fit in (
            ("wait_s", draft.wait_s, WAIT_S),
            ("remind_s", draft.remind_s, WAIT_S),
            ("reminders", draft.reminders, REMINDERS),
        ):
            if value not in fit:
                raise InvalidInput(f"{where} is {fit.start} to {fit.stop - 1}", where=where)
        if len(draft.entries) > rules.ENTRIES_MAX or len(draft.absences) > rules.ABSENCES_MAX:
            raise InvalidInput(
                f"at most {rules.ENTRIES_MAX} lines and {rules.ABSENCES_MAX} absences",
                where="entries",
            )
        named = [(f"entries[{n}]", entry.user_id) for n, entry in enumerate(draft.entries)]
        for number, away in enumerate(draft.absences):
            where = f"absences[{number}]"
            if away.end <= away.start:
                raise InvalidInput("an absence ends after it begins", where=where)
            named += [(where, one) for one in (away.user_id, away.instead_id) if one]
        for where, user_id in named:
            self._check_person(user_id, group, where)

    def _check_person(self, user_id: str, group: Group, where: str) -> None:
        user = self._session.get(User, user_id)
        if user is None:
            raise InvalidInput("no such person", where=where)
        if not may_read(self._session, user_id, group.path):
            raise InvalidInput(
                f"{user.name} may not read the alarms of {group.name} (alarms:read), or is locked "
                "out; give a role there first",
                where=where,
            )

    def _note(self, verb: str, group: Group, before: Any, after: Any) -> None:
        audit.record(
            self._unit, f"on_call.{verb}", "group", group.id, group.name,
            before=before, after=after,
        )  # fmt: skip


def document(row: OnCallList) -> dict[str, Any]:
    """Give a list as JSON."""
    names = ("zone", "wait_s", "remind_s", "reminders", "entries", "absences")
    return {name: getattr(row, name) for name in names}
