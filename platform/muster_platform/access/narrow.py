"""What an actor may see, as SQL; and the one rule of 403 and 404."""

from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from muster_platform.access.actor import Actor
from muster_platform.access.models import Group
from muster_platform.access.permissions import GLOBAL, Permission
from muster_platform.errors import NotFound, PermissionDenied

PathColumn = InstrumentedAttribute[str] | ColumnElement[str]


def inside(path: PathColumn, prefixes: tuple[str, ...] | None) -> ColumnElement[bool]:
    """Give the condition that a path lies in one of the groups (None: no condition)."""
    if prefixes is None:
        return true()
    if not prefixes:
        return false()
    return or_(*(path.like(f"{prefix}%") for prefix in prefixes))


def permitted(
    actor: Actor, permission: Permission, path: PathColumn = Group.path
) -> ColumnElement[bool]:
    """Give the condition that the actor has the permission on the group of that path."""
    return inside(path, actor.paths(permission))


def in_permitted_group(
    actor: Actor, permission: Permission, group_id: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """Give the condition that the actor has the permission on the group of that id."""
    if actor.paths(permission) is None:
        return true()
    groups: Any = select(Group.id).where(permitted(actor, permission))
    return group_id.in_(groups)


def require_on(
    actor: Actor,
    permission: Permission,
    group: Group,
    *,
    read: Permission,
    kind: str,
    name: object,
) -> None:
    """Refuse unless the actor has the permission on the group.

    Args:
        read: what the actor needs to know of the object at all.
        kind: of the object, for the message.
        name: of the object, as the caller gave it.

    Raises:
        NotFound: it may not even read the object.
        PermissionDenied: it may read, and lacks the permission.
    """
    if not actor.may(read, group.path):
        raise NotFound(kind, name)
    if not actor.may(permission, group.path):
        raise PermissionDenied(permission, group.name, group.path)


def gained(actor: Actor, before_path: str, after_path: str) -> Permission | None:
    """Give the first permission that the actor would gain on what moves between groups."""
    for permission in sorted(set(Permission) - GLOBAL):
        if actor.may(permission, after_path) and not actor.may(permission, before_path):
            return permission
    return None


def refuse_gain(actor: Actor, before: Group, after: Group) -> None:
    """Refuse a move by which the actor would give themselves what they lack.

    Args:
        before: where the thing is (or the thing itself, where a group moves).
        after: what it is to be put into.

    Raises:
        PermissionDenied: naming the permission, and where it is missing.
    """
    permission = gained(actor, before.path, after.path)
    if permission is not None:
        raise PermissionDenied(permission, before.name, before.path)
