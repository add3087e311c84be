"""Choices of filters and forms: only what the signed-in person may see."""

from flask import g

from muster_platform.access.groups import GroupService, full_names
from muster_platform.access.models import Group, Role
from muster_platform.access.permissions import WORDS, Permission
from muster_platform.access.roles import RoleService
from muster_platform.devices.gateways import gateway_names
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.tag_names import TagService
from muster_platform.unit import Unit
from muster_platform.web.site import words
from muster_platform.web.site.gate import actor, reading

SUGGESTIONS = 200

Choices = list[tuple[str, str]]


def presence() -> Choices:
    """Give the presence states."""
    return [(str(state), look.label) for state, look in words.PRESENCE.items()]


def groups(permission: Permission = Permission.GROUPS_READ) -> Choices:
    """Give the groups that the person has the permission on, by their full names."""
    if not actor().may_somewhere(Permission.GROUPS_READ):
        return []
    with reading() as unit:
        found = [g for g in GroupService(unit).list() if unit.actor.may(permission, g.path)]
        return named(unit, found)


def named(unit: Unit, found: list[Group]) -> Choices:
    """Give groups as choices, by their full names."""
    names = full_names(unit.session, found)
    return sorted(((str(g.id), names[g.id]) for g in found), key=lambda pair: pair[1].lower())


def kinds() -> Choices:
    """Give the ways in which devices connect."""
    return [
        ("gateway", "Gateways with children"),
        ("child", "Children of a gateway"),
        ("direct", "Connect by themselves"),
    ]


def tags() -> list[str]:
    """Give the tags in use, as they are typed into the filter."""
    with reading() as unit:
        found = TagService(unit).suggest(SUGGESTIONS)
    texts = [text for name, value in found for text in (name, f"{name}={value}" if value else "")]
    return [text for text in dict.fromkeys(texts) if text][:SUGGESTIONS]


def group_name(group: Group) -> str:
    """Give a group's full name; remembered for the request, since exports ask for each row."""
    known: dict[int, str] = g.setdefault("group_names", {})
    if group.id not in known:
        with reading() as unit:
            known |= full_names(unit.session, [group])
    return known[group.id]


def gateway_name(device: Device) -> str:
    """Give the device id of a device's gateway, "" for none; remembered likewise."""
    if device.gateway_id is None:
        return ""
    known: dict[int, str] = g.setdefault("gateway_names", {})
    if device.gateway_id not in known:
        with reading() as unit:
            known |= gateway_names(unit, [device])
    return known[device.gateway_id]


def profiles() -> Choices:
    """Give the profiles."""
    if not actor().may(Permission.PROFILES_READ):
        return []
    with reading() as unit:
        return [(p.name, p.title or p.name) for p in ProfileService(unit).list()]


def roles() -> Choices:
    """Give the roles, by title or name."""
    if not actor().may(Permission.ROLES_READ):
        return []
    with reading() as unit:
        return [(role.name, role_label(role)) for role in RoleService(unit).list()]


def role_label(role: Role) -> str:
    """Name a role for people."""
    return role.title or role.name.replace("_", " ").capitalize()


def permissions() -> Choices:
    """Give the permissions with their words."""
    return [(str(name), f"{words} ({name})") for name, words in WORDS.items()]
