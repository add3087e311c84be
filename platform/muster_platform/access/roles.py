"""Roles: the built-in ones to be read, and custom ones to be made."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.auth import bump_epoch
from muster_platform.access.granting import require_held, require_person
from muster_platform.access.models import Binding, Role, RolePermission, User
from muster_platform.access.permissions import Permission
from muster_platform.access.token_models import ApiToken, TokenBinding
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

TITLE_CHARS = 128
DESCRIPTION_CHARS = 1_000
NAMED_HOLDERS = 5
"""Holders that a refusal to delete names."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,62}")
_KNOWN = {str(permission): permission for permission in Permission}
_WHAT = "make or change roles"


class Holders(NamedTuple):
    """Who has a role."""

    bindings: list[Binding]
    tokens: list[ApiToken]


class RoleService:
    """Reads and changes roles; a change bites on the next request of everyone who has the role."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self) -> list[Role]:
        """List all with their permissions, by name.

        Raises:
            PermissionDenied: without roles:read everywhere.
        """
        self._unit.actor.require(Permission.ROLES_READ)
        return list(self._session.scalars(select(Role).order_by(Role.name)))

    def get(self, name: str) -> Role:
        """Get one by its name.

        Raises:
            PermissionDenied: without roles:read everywhere.
            NotFound: no such role.
        """
        self._unit.actor.require(Permission.ROLES_READ)
        return role_by_name(self._session, name)

    def holders(self, role: Role) -> Holders:
        """Give who has the role: people by address, and tokens that are not revoked.

        Raises:
            PermissionDenied: without users:read everywhere.
        """
        self._unit.actor.require(Permission.USERS_READ)
        return _holders(self._session, role)

    def counts(self) -> dict[str, int]:
        """Count the people who have each role, by role id.

        Raises:
            PermissionDenied: without roles:read everywhere.
        """
        self._unit.actor.require(Permission.ROLES_READ)
        people = func.count(Binding.user_id.distinct())
        rows = self._session.execute(select(Binding.role_id, people).group_by(Binding.role_id))
        return {row[0]: row[1] for row in rows}

    def create(
        self,
        name: str,
        permissions: Iterable[str],
        title: str = "",
        description: str = "",
        *,
        require_second_factor: bool = False,
    ) -> Role:
        """Make a custom role.

        Args:
            name: for programs: small letters, digits and _; never changes.
            permissions: their names, such as `devices:read`.
            require_second_factor: who has it can do nothing before setting one up.

        Raises:
            PermissionDenied: without roles:write, or one of the permissions is one that the
                actor lacks everywhere; PersonNeeded: by a token.
            InvalidInput: a name, text or permission does not fit.
            Conflict: the name is taken.
        """
        self._require_writer()
        wanted = known(permissions)
        require_held(self._unit.actor, wanted)
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                "a role's name has 2 to 63 characters: a small letter, then small letters, "
                f"digits and _; got {name[:64]!r}",
                where="name",
            )
        if self._session.scalar(select(Role.id).where(Role.name == name)) is not None:
            raise Conflict(f"there is a role {name} already", code="exists")
        role = Role(
            id=uuid7(self._unit.now()),
            name=name,
            title=_text(title, TITLE_CHARS, "title"),
            description=_text(description, DESCRIPTION_CHARS, "description"),
            require_second_factor=require_second_factor,
            permissions=[RolePermission(permission=str(item)) for item in sorted(wanted)],
        )
        self._session.add(role)
        self._session.flush()
        self._note("role.create", role, after=described(role))
        return role

    def update(
        self,
        name: str,
        *,
        permissions: Iterable[str] | None = None,
        title: str | None = None,
        description: str | None = None,
        require_second_factor: bool | None = None,
        if_version: int | None = None,
    ) -> Role:
        """Change a role; None leaves a part as it is.

        Of a built-in role only whether it asks for a second factor can be changed.

        Args:
            if_version: version that the editor has read.

        Raises:
            PermissionDenied: without roles:write, or the role has or would get a permission that
                the actor lacks everywhere; PersonNeeded: by a token.
            NotFound: no such role.
            InvalidInput: a text or permission does not fit.
            Conflict: what a built-in role allows or is called.
            PreconditionFailed: it was changed meanwhile.
        """
        policy_only = permissions is None and title is None and description is None
        role = self._changeable(name, policy_only=policy_only)
        versions.expect(self._session, role, if_version, f"the role {name}")
        before = described(role)
        if permissions is not None:
            self._replace_permissions(role, known(permissions))
        if title is not None:
            role.title = _text(title, TITLE_CHARS, "title")
        if description is not None:
            role.description = _text(description, DESCRIPTION_CHARS, "description")
        if require_second_factor is not None:
            self._require_factor(role, require_second_factor)
        after = described(role)
        changed = [key for key in after if before[key] != after[key]]
        if changed:
            versions.bump(self._session, role)
            self._note(
                "role.update",
                role,
                {key: before[key] for key in changed},
                {key: after[key] for key in changed},
            )
        return role

    def delete(self, name: str) -> None:
        """Delete a custom role that nobody has.

        Raises:
            PermissionDenied, NotFound: as `update`.
            Conflict: built-in, or somebody has it; the message says who.
        """
        role = self._changeable(name)
        holders = _holders(self._session, role)
        if holders.bindings or holders.tokens:
            raise Conflict(
                f"{name} is still given to {_names(holders)}; take it away first", code="in_use"
            )
        self._note("role.delete", role, before=described(role))
        self._session.delete(role)
        self._session.flush()

    def _require_writer(self) -> None:
        require_person(self._unit.actor, _WHAT)
        self._unit.actor.require(Permission.ROLES_WRITE)

    def _changeable(self, name: str, *, policy_only: bool = False) -> Role:
        self._require_writer()
        role = role_by_name(self._session, name)
        if role.builtin and not policy_only:
            raise Conflict(
                f"{name} is built in and stays as it is; make a role of your own from it",
                code="builtin",
            )
        require_held(self._unit.actor, permissions_of(role))
        return role

    def _replace_permissions(self, role: Role, wanted: frozenset[Permission]) -> None:
        require_held(self._unit.actor, wanted)
        if wanted == permissions_of(role):
            return
        present = {row.permission: row for row in role.permissions}
        kept = {str(item) for item in wanted}
        for name, row in present.items():
            if name not in kept:
                role.permissions.remove(row)
        for name in sorted(kept - set(present)):
            role.permissions.append(RolePermission(permission=name))
        self._session.flush()
        bump_holders(self._unit, role)

    def _require_factor(self, role: Role, needed: bool) -> None:
        if role.require_second_factor != needed:
            role.require_second_factor = needed
            bump_holders(self._unit, role)

    def _note(self, action: str, role: Role, before: object = None, after: object = None) -> None:
        audit.record(self._unit, action, "role", role.id, role.name, before=before, after=after)


def role_by_name(session: Session, name: str) -> Role:
    """Load a role, whoever asks.

    Raises:
        NotFound: no such role.
    """
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        raise NotFound("role", name)
    return role


def permissions_of(role: Role) -> frozenset[Permission]:
    """Give what a role allows."""
    return recognised(row.permission for row in role.permissions)


def recognised(names: Iterable[str]) -> frozenset[Permission]:
    """Give the permissions of these names; names that nobody knows allow nothing."""
    return frozenset(_KNOWN[name] for name in names if name in _KNOWN)


def known(names: Iterable[str]) -> frozenset[Permission]:
    """Read names of permissions.

    Raises:
        InvalidInput: one that does not exist, or none at all.
    """
    found = set()
    for name in names:
        if name not in _KNOWN:
            raise InvalidInput(f"there is no permission {name[:64]!r}", where="permissions")
        found.add(_KNOWN[name])
    if not found:
        raise InvalidInput("choose at least one permission", where="permissions")
    return frozenset(found)


def bump_holders(unit: Unit, role: Role) -> None:
    """Make the rights of everyone who has the role old: requests and live streams look again."""
    holders = unit.session.scalars(
        select(User)
        .join(Binding, Binding.user_id == User.id)
        .where(Binding.role_id == role.id)
        .order_by(User.id)  # all in one order: two changes wait for each other and no more
    )
    for user in holders.unique().all():
        bump_epoch(unit, user)


def described(role: Role) -> dict[str, object]:
    """Give what the audit log keeps of a role."""
    return {
        "title": role.title,
        "description": role.description,
        "require_second_factor": role.require_second_factor,
        "permissions": sorted(row.permission for row in role.permissions),
    }


def _holders(session: Session, role: Role) -> Holders:
    bindings = session.scalars(
        select(Binding)
        .join(User, User.id == Binding.user_id)
        .where(Binding.role_id == role.id)
        .options(joinedload(Binding.user))
        .order_by(User.email)
    )
    tokens = session.scalars(
        select(ApiToken)
        .join(TokenBinding, TokenBinding.token_id == ApiToken.id)
        .where(TokenBinding.role_id == role.id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.name)
    )
    return Holders(list(bindings.unique()), list(tokens.unique()))


def _names(holders: Holders) -> str:
    people = sorted({binding.user.email for binding in holders.bindings})
    named = [*people, *(f"the token {token.name}" for token in holders.tokens)]
    more = len(named) - NAMED_HOLDERS
    return ", ".join(named[:NAMED_HOLDERS]) + (f" and {more} more" if more > 0 else "")


def _text(text: str, most: int, where: str) -> str:
    given = clean(text).strip()
    if len(given) > most:
        raise InvalidInput(f"at most {most} characters", where=where)
    return given
