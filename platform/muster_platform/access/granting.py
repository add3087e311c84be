"""Nobody gives what they lack. Pure: rights as data."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import Permission
from muster_platform.errors import PermissionDenied


class PersonNeeded(PermissionDenied):
    """An act on people's rights, asked for by a token: a leaked one must not make more."""

    code = "person_needed"

    def __init__(self, what: str) -> None:
        super().__init__("a person")
        self.detail = f"an API token may not {what}; a person has to sign in for that"
        self.args = (self.detail,)
        self.extra = {}


def require_person(actor: Actor, what: str) -> None:
    """Refuse an act that gives rights when a token asks for it.

    Args:
        what: the act, as it goes on behind "may not".

    Raises:
        PersonNeeded: the actor is a token.
    """
    if actor.kind == "token":
        raise PersonNeeded(what)


def require_held(
    actor: Actor,
    permissions: Iterable[Permission],
    group_path: str | None = None,
    group_name: str = "",
) -> None:
    """Refuse to give permissions that the giver lacks there.

    Args:
        group_path: where they are to be given, None for everywhere.

    Raises:
        PermissionDenied: naming the first one that the actor lacks.
    """
    for permission in sorted(permissions):
        actor.require(permission, group_path, group_name)


def intersect(some: Sequence[Grant], others: Sequence[Grant]) -> tuple[Grant, ...]:
    """Give the grants that allow exactly what both sides allow."""
    found: dict[str | None, set[Permission]] = defaultdict(set)
    for one in some:
        for other in others:
            both = one.permissions & other.permissions
            place = _overlap(one.group_path, other.group_path)
            if both and place is not None:
                found[place[0]] |= both
    return tuple(Grant(frozenset(held), path) for path, held in found.items())


def _overlap(one: str | None, other: str | None) -> tuple[str | None] | None:
    """Give the place that lies in both, wrapped since None means everywhere; None: nowhere."""
    if one is None or other is None:
        return (other if one is None else one,)
    deeper, higher = sorted((one, other), key=len, reverse=True)
    return (deeper,) if deeper.startswith(higher) else None
