"""Roles: named sets of permissions, built-in and of one's own."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.models import Role
from muster_platform.access.permissions import GLOBAL, WORDS, Permission
from muster_platform.access.roles import RoleService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed
from muster_platform.web.api.routing import Routes

routes = Routes("Roles")

RoleName = Annotated[str, Meta(min_length=2, max_length=63, pattern="^[a-z][a-z0-9_]+$")]
Title = Annotated[str, Meta(max_length=128)]
Description = Annotated[str, Meta(max_length=1_000)]
Permissions = Annotated[list[Permission], Meta(min_length=1, max_length=len(Permission))]


class RoleAnswer(msgspec.Struct, kw_only=True):
    """A named set of permissions.

    Attributes:
        builtin: only its `require_second_factor` can be changed.
        require_second_factor: who has it can do nothing before setting one up.
        version: counts the edits; for If-Match.
    """

    name: str
    title: str
    description: str
    builtin: bool
    permissions: list[str]
    require_second_factor: bool
    version: int


class NewRole(Input, kw_only=True):
    """A role to be made; the name never changes. Nobody can give permissions that they lack."""

    name: RoleName
    permissions: Permissions
    title: Title = ""
    description: Description = ""
    require_second_factor: bool = False


class RoleChange(Input, kw_only=True):
    """What to change; null leaves it. `permissions` replaces them all."""

    permissions: Permissions | None = None
    title: Title | None = None
    description: Description | None = None
    require_second_factor: bool | None = None


class RoleHolder(msgspec.Struct, kw_only=True):
    """A user who has a role, on a group and those inside it, or everywhere (null)."""

    binding_id: str
    user_id: str
    email: str
    group_id: int | None
    group_name: str | None


class PermissionAnswer(msgspec.Struct, kw_only=True):
    """A permission that there is.

    Attributes:
        words: what it lets people do.
        everywhere_only: it is about things that have no group, so it counts only where a role is
            given everywhere.
    """

    name: str
    words: str
    everywhere_only: bool


@routes.add("GET", "/permissions")
def list_permissions() -> Listed[PermissionAnswer]:
    """List the permissions that there are, in words."""
    items = [
        PermissionAnswer(name=str(name), words=words, everywhere_only=name in GLOBAL)
        for name, words in WORDS.items()
    ]
    return Listed(items=items)


@routes.add("GET", "/roles", permission=Permission.ROLES_READ)
def list_roles(unit: Unit) -> Listed[RoleAnswer]:
    """List the roles with their permissions."""
    return Listed(items=[role_answer(role) for role in RoleService(unit).list()])


@routes.add(
    "POST",
    "/roles",
    permission=Permission.ROLES_WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    fresh=True,
)
def create_role(unit: Unit, body: NewRole) -> RoleAnswer:
    """Make a role."""
    made = RoleService(unit).create(
        body.name,
        body.permissions,
        body.title,
        body.description,
        require_second_factor=body.require_second_factor,
    )
    return role_answer(made)


@routes.add("GET", "/roles/{role_name}", permission=Permission.ROLES_READ, etag="version")
def get_role(unit: Unit, role_name: str) -> RoleAnswer:
    """Get a role by its name."""
    return role_answer(RoleService(unit).get(role_name))


@routes.add(
    "PATCH",
    "/roles/{role_name}",
    permission=Permission.ROLES_WRITE,
    errors=(Conflict,),
    etag="version",
    fresh=True,
)
def update_role(unit: Unit, role_name: str, body: RoleChange, if_match: int | None) -> RoleAnswer:
    """Change a role; it bites on the next request of whoever has it.

    Of a built-in role only `require_second_factor` can be changed.
    """
    changed = RoleService(unit).update(
        role_name,
        permissions=body.permissions,
        title=body.title,
        description=body.description,
        require_second_factor=body.require_second_factor,
        if_version=if_match,
    )
    return role_answer(changed)


@routes.add(
    "DELETE",
    "/roles/{role_name}",
    permission=Permission.ROLES_WRITE,
    errors=(Conflict,),
    fresh=True,
)
def delete_role(unit: Unit, role_name: str) -> None:
    """Delete a role that nobody has."""
    RoleService(unit).delete(role_name)


@routes.add("GET", "/roles/{role_name}/holders", permission=Permission.USERS_READ)
def list_role_holders(unit: Unit, role_name: str) -> Listed[RoleHolder]:
    """List who has a role, and where; needs roles:read, too."""
    service = RoleService(unit)
    items = [
        RoleHolder(
            binding_id=binding.id,
            user_id=binding.user_id,
            email=binding.user.email,
            group_id=binding.group_id,
            group_name=binding.group.name if binding.group is not None else None,
        )
        for binding in service.holders(service.get(role_name)).bindings
    ]
    return Listed(items=items)


def role_answer(role: Role) -> RoleAnswer:
    """Show a role."""
    return RoleAnswer(
        name=role.name,
        title=role.title,
        description=role.description,
        builtin=role.builtin,
        permissions=sorted(row.permission for row in role.permissions),
        require_second_factor=role.require_second_factor,
        version=role.version,
    )
