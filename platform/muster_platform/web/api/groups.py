"""The tree of groups."""

import msgspec

from muster_platform.access.groups import GroupService
from muster_platform.access.models import ROOT_GROUP_ID, Group
from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import GROUP_HOOKS
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key, Listed, Name
from muster_platform.web.api.routing import Routes

routes = Routes("Groups")


class GroupAnswer(msgspec.Struct, kw_only=True):
    """A group.

    Attributes:
        path: ids from the root down, each with a slash behind it.
        version: counts the edits; for If-Match.
    """

    id: int
    name: str
    parent_id: int | None
    path: str
    created_at: int
    version: int


class NewGroup(Input, kw_only=True):
    """A group to be made inside another; the root when no parent is named."""

    name: Name
    parent_id: Key = ROOT_GROUP_ID


class GroupChange(Input, kw_only=True):
    """What to change: the name, the parent, or both."""

    name: Name | None = None
    parent_id: Key | None = None


@routes.add("GET", "/groups", permission=Permission.GROUPS_READ)
def list_groups(unit: Unit) -> Listed[GroupAnswer]:
    """List the groups that you may read, parents first."""
    return Listed(items=[group_answer(group) for group in GroupService(unit).list()])


@routes.add(
    "POST",
    "/groups",
    permission=Permission.GROUPS_WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
)
def create_group(unit: Unit, body: NewGroup) -> GroupAnswer:
    """Make a group inside another."""
    return group_answer(GroupService(unit).create(body.name, body.parent_id))


@routes.add("GET", "/groups/{group_id}", permission=Permission.GROUPS_READ, etag="version")
def get_group(unit: Unit, group_id: int) -> GroupAnswer:
    """Get a group."""
    return group_answer(GroupService(unit).get(group_id))


@routes.add(
    "PATCH",
    "/groups/{group_id}",
    permission=Permission.GROUPS_WRITE,
    errors=(Conflict,),
    etag="version",
)
def update_group(unit: Unit, group_id: int, body: GroupChange, if_match: int | None) -> GroupAnswer:
    """Rename a group, or move it with all that is inside it. Rights follow the tree."""
    changed = GroupService(unit, GROUP_HOOKS).change(
        group_id, name=body.name, parent_id=body.parent_id, if_version=if_match
    )
    return group_answer(changed)


@routes.add("DELETE", "/groups/{group_id}", permission=Permission.GROUPS_WRITE, errors=(Conflict,))
def delete_group(unit: Unit, group_id: int) -> None:
    """Delete an empty group."""
    GroupService(unit).delete(group_id)


def group_answer(group: Group) -> GroupAnswer:
    """Show a group."""
    return msgspec.convert(group, GroupAnswer, from_attributes=True)
