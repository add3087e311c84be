"""Permissions as a table for forms: resources down, what can be done with them across."""

from collections.abc import Collection
from typing import NamedTuple

from muster_platform.access.actor import Actor
from muster_platform.access.permissions import GLOBAL, WORDS, Permission

COLUMNS = {"read": "See", "write": "Change"}
MORE = "More"


class Box(NamedTuple):
    """One permission in the table.

    Attributes:
        is_held: the person has it everywhere and so may put it into a role.
        everywhere_only: about things without a group: counts only where given everywhere.
    """

    name: str
    words: str
    is_checked: bool
    is_held: bool
    everywhere_only: bool


class Row(NamedTuple):
    """The permissions on one kind of thing, by column."""

    title: str
    cells: dict[str, list[Box]]


def table(checked: Collection[str], actor: Actor, *, anywhere: bool = False) -> list[Row]:
    """Give the table.

    Args:
        checked: names of the permissions that are chosen.
        actor: what it lacks cannot be chosen.
        anywhere: whether having a permission on some group is enough (a token's scope).
    """
    rows: dict[str, Row] = {}
    for permission, words in WORDS.items():
        resource, _, action = permission.partition(":")
        title = resource.capitalize()
        row = rows.setdefault(title, Row(title, {name: [] for name in columns()}))
        held = actor.may_somewhere(permission) if anywhere else actor.may(permission)
        box = Box(str(permission), words, permission in checked, held, permission in GLOBAL)
        row.cells[COLUMNS.get(action, MORE)].append(box)
    return list(rows.values())


def columns() -> list[str]:
    """Give the heads of the columns."""
    return [*COLUMNS.values(), MORE]


NAMES = {str(permission): str(permission) for permission in Permission}
"""Choices of a field that takes permissions."""
