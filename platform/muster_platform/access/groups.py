"""The tree of groups: the only scope of permission."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import Integer, Table, cast, func, select, update
from sqlalchemy.orm import Session

from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.auth import bump_epoch
from muster_platform.access.models import ROOT_GROUP_ID, AuditEntry, Binding, Group, User
from muster_platform.access.narrow import inside, permitted, refuse_gain, require_on
from muster_platform.access.permissions import Permission
from muster_platform.db.base import Base
from muster_platform.db.bulk import is_postgres
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

NAME_CHARS = 128
PATH_CHARS = 512
_ENDED = ("deleted_at", "revoked_at")
"""Columns that mark a row as history: such rows do not keep a group from being deleted."""
_WORDS = {
    "groups": "groups",
    "devices": "devices",
    "bindings": "roles of people",
    "token_bindings": "scopes of API tokens",
    "enrolment_tokens": "enrolment tokens",
}
"""What keeps a group from being deleted, by table."""


class GroupHooks(Protocol):
    """What others do when the tree changes (jobs keep the path of their devices)."""

    def on_group_moved(self, unit: Unit, old_path: str, new_path: str) -> None:
        """Act on a group that moved, with all that is inside it."""
        ...


class GroupService:
    """Reads and changes the tree."""

    def __init__(self, unit: Unit, hooks: Sequence[GroupHooks] = ()) -> None:
        self._unit = unit
        self._session = unit.session
        self._hooks = hooks
        self._holds = False

    def create(self, name: str, parent_id: int = ROOT_GROUP_ID) -> Group:
        """Make a group inside another.

        Raises:
            NotFound: no such parent that the actor may read.
            PermissionDenied: without groups:write on the parent.
            InvalidInput: the name does not fit, or the tree is too deep.
            Conflict: the parent holds a group of that name.
        """
        parent = self._writable(parent_id)
        text = self._free_name(name, parent.id)
        # The id is part of the path and known only once the row is there.
        group = Group(name=text, parent_id=parent.id, path=uuid7(), created_at=self._unit.now())
        group.id = _unused_id(self._session)
        self._session.add(group)
        self._session.flush()
        group.path = _checked_path(f"{parent.path}{group.id}/")
        self._session.flush()
        self._note("group.create", group, after={"name": text, "parent": parent.name})
        return group

    def change(
        self,
        group_id: int,
        *,
        name: str | None = None,
        parent_id: int | None = None,
        if_version: int | None = None,
    ) -> Group:
        """Rename a group, move it, or both.

        Args:
            if_version: refuse unless this is the present version.

        Raises:
            NotFound, PermissionDenied, InvalidInput, Conflict: as `rename` and `move`.
            PreconditionFailed: it was changed meanwhile.
        """
        group = self._writable(group_id)
        versions.expect(self._session, group, if_version, f"the group {group.name}")
        if name is not None:
            self.rename(group_id, name)
        if parent_id is not None:
            self.move(group_id, parent_id)
        return group

    def rename(self, group_id: int, name: str) -> Group:
        """Rename a group.

        Raises:
            NotFound, PermissionDenied, InvalidInput, Conflict: as `create`.
        """
        group = self._writable(group_id)
        before = group.name
        if name != before:
            group.name = self._free_name(name, group.parent_id)
            versions.bump(self._session, group)
            self._note("group.rename", group, {"name": before}, {"name": group.name})
        return group

    def move(self, group_id: int, parent_id: int) -> Group:
        """Put a group, with all that is inside it, into another one.

        Rights follow the tree: people bound to ancestors lose or gain it with this commit.

        Raises:
            NotFound, PermissionDenied: as `create`, for the group and for its new parent; or the
                actor would gain a permission on what is inside.
            Conflict: the root, into itself, or the name is taken there.
        """
        group, parent = self._writable(group_id), self._writable(parent_id)
        if group.parent_id is None or parent.path.startswith(group.path):
            raise Conflict("a group cannot move into itself", code="circle")
        if group.parent_id == parent.id:
            return group
        # Nobody gives what they lack, to themselves neither: rights follow the tree.
        refuse_gain(self._unit.actor, group, parent)
        self._free_name(group.name, parent.id)
        old, new = group.path, _checked_path(f"{parent.path}{group.id}/")
        before = group_by_id(self._session, group.parent_id).name
        self._rewrite_paths(old, new)
        group.parent_id = parent.id
        self._session.flush()
        for user in self._bound_inside(new):
            bump_epoch(self._unit, user)
        for hook in self._hooks:
            hook.on_group_moved(self._unit, old, new)
        versions.bump(self._session, group)
        self._note("group.move", group, {"parent": before}, {"parent": parent.name})
        return group

    def delete(self, group_id: int) -> None:
        """Delete an empty group.

        Raises:
            NotFound, PermissionDenied: as `create`.
            Conflict: the root, or something still belongs to it; the message says what.
        """
        group = self._writable(group_id)
        if group.parent_id is None:
            raise Conflict("the root of the tree stays", code="root")
        for table, column in _referring():
            self._clear_history(table, column, group)
            count = self._session.scalar(
                select(func.count()).select_from(table).where(table.c[column] == group.id)
            )
            if count:
                raise Conflict(
                    f"{group.name} still holds {_words(table.name)} ({count}); "
                    "move or delete them first",
                    code="not_empty",
                )
        self._note("group.delete", group, before={"name": group.name})
        self._session.delete(group)
        self._session.flush()

    def get(self, group_id: int) -> Group:
        """Get one.

        Raises:
            NotFound: no such group that the actor may read.
        """
        return readable_group(self._unit, group_id)

    def list(self) -> list[Group]:
        """List the groups that the actor may read, parents before what is inside them.

        Raises:
            PermissionDenied: the actor may read no group at all.
        """
        self._unit.actor.require_somewhere(Permission.GROUPS_READ)
        statement = select(Group).where(permitted(self._unit.actor, Permission.GROUPS_READ))
        return list(self._session.scalars(statement.order_by(Group.path)))

    def _writable(self, group_id: int) -> Group:
        self._hold_tree()
        group = group_by_id(self._session, group_id)
        require_on(
            self._unit.actor,
            Permission.GROUPS_WRITE,
            group,
            read=Permission.GROUPS_READ,
            kind="group",
            name=group_id,
        )
        return group

    def _hold_tree(self) -> None:
        """Let one unit at a time change the tree.

        Else a group that is made while its parent moves keeps the old path, and with it the
        rights of people bound there; and two groups can move into each other.
        """
        if not self._holds:
            root = select(Group.id).where(Group.id == ROOT_GROUP_ID)
            self._session.execute(root.with_for_update(key_share=True))
            read = [row.id for row in self._session if isinstance(row, Group)]
            again = select(Group).where(Group.id.in_(read))
            self._session.scalars(again.execution_options(populate_existing=True)).all()
            self._holds = True

    def _free_name(self, name: str, parent_id: int | None) -> str:
        text = clean(name).strip()
        if not text or len(text) > NAME_CHARS:
            raise InvalidInput(f"a group's name has 1 to {NAME_CHARS} characters", where="name")
        taken = select(Group.id).where(Group.parent_id == parent_id, Group.name == text)
        if self._session.scalar(taken) is not None:
            raise Conflict(f"there is a group {text} in that place already", code="exists")
        return text

    def _rewrite_paths(self, old: str, new: str) -> None:
        rows = list(self._session.scalars(select(Group).where(inside(Group.path, (old,)))))
        for row in rows:
            row.path = _checked_path(new + row.path[len(old) :])

    def _bound_inside(self, path: str) -> Iterable[User]:
        statement = (
            select(User)
            .join(Binding, Binding.user_id == User.id)
            .join(Group, Group.id == Binding.group_id)
            .where(inside(Group.path, (path,)))
            .distinct()
            .order_by(User.id)  # as everywhere where several are changed
        )
        return self._session.scalars(statement).all()

    def _clear_history(self, table: Table, column: str, group: Group) -> None:
        """Hand rows that are only history (deleted devices, revoked tokens) to the parent."""
        for ended in _ENDED:
            if ended in table.c:
                self._session.execute(
                    update(table)
                    .where(table.c[column] == group.id, table.c[ended].is_not(None))
                    .values({column: group.parent_id})
                )

    def _note(self, action: str, group: Group, before: object = None, after: object = None) -> None:
        audit.record(self._unit, action, "group", group.id, group.name, before=before, after=after)


def group_by_id(session: Session, group_id: int) -> Group:
    """Load a group, whoever asks.

    Raises:
        NotFound: no such group.
    """
    group = session.get(Group, group_id)
    if group is None:
        raise NotFound("group", group_id)
    return group


def readable_group(unit: Unit, group_id: int) -> Group:
    """Load a group that the actor may read.

    Raises:
        NotFound: no such group, or not for the actor's eyes.
    """
    group = group_by_id(unit.session, group_id)
    if not unit.actor.may(Permission.GROUPS_READ, group.path):
        raise NotFound("group", group_id)
    return group


def common_path(paths: Iterable[str]) -> str:
    """Give the path of the deepest group that holds all of these paths ("" for none).

    Args:
        paths: group paths such as `1/4/9/`.
    """
    split = [path.rstrip("/").split("/") for path in paths]
    if not split:
        return ""
    shared = []
    for level in zip(*split, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "".join(f"{item}/" for item in shared)


def full_names(session: Session, groups: Iterable[Group]) -> dict[int, str]:
    """Give `Fleet / Berlin / Hall 2` by group id."""
    wanted = {group.id: [int(item) for item in group.path.split("/") if item] for group in groups}
    ids = {item for items in wanted.values() for item in items}
    rows = session.execute(select(Group.id, Group.name).where(Group.id.in_(ids)))
    names = {row.id: row.name for row in rows}
    return {key: " / ".join(names.get(i, "?") for i in items) for key, items in wanted.items()}


def _unused_id(session: Session) -> Any:
    """Give an id that no group ever had; None where the database does by itself.

    SQLite gives the id of a deleted group to the next one, and with it what is still written
    down at its path: jobs, rules, alarms. The audit log remembers every group that was deleted.
    """
    if is_postgres(session.connection()):
        return None
    gone = select(func.max(cast(AuditEntry.subject_id, Integer))).where(
        AuditEntry.subject_kind == "group", AuditEntry.action == "group.delete"
    )
    present = session.scalar(select(func.max(Group.id))) or 0
    return max(present, session.scalar(gone) or 0) + 1


def _referring() -> list[tuple[Table, str]]:
    """Give every table and column that refers to a group; those above need not be known here.

    What goes with its group (ON DELETE CASCADE) does not hold it.
    """
    return [
        (table, key.parent.name)
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column is Group.__table__.c.id and key.ondelete != "CASCADE"
    ]


def _words(table: str) -> str:
    return _WORDS.get(table, f"rows of {table.replace('_', ' ')}")


def _checked_path(path: str) -> str:
    if len(path) > PATH_CHARS:
        raise InvalidInput("the tree of groups is too deep here", where="parent_id")
    return path
