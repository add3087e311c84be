"""Why may X (not) do Y on Z? Pure: rights and places as data, a decision with its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from muster_platform.access.permissions import GLOBAL, Permission

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is to be done.

    Attributes:
        path: of the group, None for everywhere.
        name: for people: the group's full name, and the device in it.
    """

    path: str | None = None
    name: str = EVERYWHERE

    def words(self) -> str:
        """Say where, as it goes on behind what is done."""
        return EVERYWHERE if self.path is None else f"on {self.name}"


@dataclass(frozen=True, slots=True)
class Held:
    """A role, or permissions by name, that somebody has on a place.

    Attributes:
        role: its name; "" where permissions were given by name.
        path: of the group, None for everywhere.
        place: the group's full name.
    """

    id: str
    role: str
    permissions: frozenset[Permission]
    path: str | None
    place: str

    def covers(self, place: Place) -> bool:
        """Say whether this holds on the place: everywhere, on its group, or on one around it."""
        if self.path is None:
            return True
        return place.path is not None and place.path.startswith(self.path)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why not.

    Attributes:
        code: for programs.
        text: a sentence for people.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose rights are looked at.

    Attributes:
        kind: user, token or system.
        stopped: what keeps it from doing anything at all.
        held: bindings of a user, scopes of a token.
        owner: a token's owner, whose rights bound it.
    """

    kind: str
    id: str
    name: str
    held: tuple[Held, ...] = ()
    stopped: tuple[Obstacle, ...] = ()
    owner: "Subject | None" = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer.

    Attributes:
        given_by: what gives the permission there.
        owner_given_by: of a token: what gives it to the owner.
        obstacles: why not; empty when allowed.
        elsewhere: what gives the permission, but not there.
        helping: roles that hold the permission: one of them, given there, would do.
    """

    subject: Subject
    permission: Permission
    place: Place
    allowed: bool
    given_by: tuple[Held, ...]
    owner_given_by: tuple[Held, ...]
    obstacles: tuple[Obstacle, ...]
    elsewhere: tuple[Held, ...]
    helping: tuple[str, ...]


def decide(
    subject: Subject,
    permission: Permission,
    place: Place,
    roles: Iterable[tuple[str, frozenset[Permission]]],
) -> Decision:
    """Decide, and say why.

    Args:
        roles: the roles that there are, as (name, permissions).
    """
    # What has no group is decided everywhere, whatever place was named.
    place = Place() if permission in GLOBAL else place
    holding = [held for held in subject.held if permission in held.permissions]
    given_by = tuple(held for held in holding if held.covers(place))
    owner_given_by = _given(subject.owner, permission, place)
    obstacles = (*subject.stopped, *_lacking(subject, given_by, owner_given_by, permission, place))
    return Decision(
        subject=subject,
        permission=permission,
        place=place,
        allowed=not obstacles,
        given_by=given_by,
        owner_given_by=owner_given_by,
        obstacles=obstacles,
        elsewhere=tuple(held for held in holding if not held.covers(place)),
        helping=tuple(sorted(name for name, held in roles if permission in held)),
    )


def _given(owner: Subject | None, permission: Permission, place: Place) -> tuple[Held, ...]:
    if owner is None:
        return ()
    return tuple(h for h in owner.held if permission in h.permissions and h.covers(place))


def _lacking(
    subject: Subject,
    given_by: Sequence[Held],
    owner_given_by: Sequence[Held],
    permission: Permission,
    place: Place,
) -> list[Obstacle]:
    found = []
    if subject.kind != "system" and not given_by:
        what = "scope" if subject.kind == "token" else "role"
        found.append(
            Obstacle("not_given", f"no {what} of {subject.name} gives {permission} {place.words()}")
        )
    if subject.owner is not None:
        found += subject.owner.stopped
        if not owner_given_by:
            found.append(
                Obstacle(
                    "owner_lacks",
                    f"{subject.owner.name}, whose token it is, has no {permission} {place.words()}",
                )
            )
    return found
