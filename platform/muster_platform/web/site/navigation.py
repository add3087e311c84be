"""The side navigation: one table; people see the links to what they may read."""

from typing import NamedTuple

from flask import request, url_for

from muster_platform.access.permissions import Permission
from muster_platform.web.allowed import is_allowed
from muster_platform.web.site.gate import actor


class Entry(NamedTuple):
    """One link.

    Attributes:
        endpoint: Flask endpoint of the page.
        section: blueprints whose pages count as being here.
        also: another permission that opens the page.
    """

    text: str
    icon: str
    endpoint: str
    permission: Permission | None
    section: tuple[str, ...]
    also: Permission | None = None


class Link(NamedTuple):
    """A link as drawn."""

    text: str
    icon: str
    url: str
    is_current: bool


class Group(NamedTuple):
    """A headed group of links."""

    title: str
    links: list[Link]


NAVIGATION: dict[str, tuple[Entry, ...]] = {
    "": (Entry("Home", "home", "admin.index", None, ("admin",)),),
    "Fleet": (
        Entry(
            "Devices",
            "router",
            "device.index_view",
            Permission.DEVICES_READ,
            ("device", "devices", "device_acts", "bulk", "imports", "deleted"),
        ),
        Entry("Groups", "folders", "group.index_view", Permission.GROUPS_READ, ("group",)),
        Entry("Profiles", "cpu", "profile.index_view", Permission.PROFILES_READ, ("profile",)),
        Entry("Versions", "versions", "versions.index", Permission.DEVICES_READ, ("versions",)),
        Entry(
            "Enrolment",
            "key",
            "enrolment.index_view",
            Permission.DEVICES_ENROL,
            ("enrolment", "approvals"),
        ),
    ),
    "Operations": (
        Entry("Jobs", "list-check", "jobs.index", Permission.COMMANDS_READ, ("jobs", "executions")),
        Entry("Rollouts", "upload", "rollouts.index", Permission.ROLLOUTS_READ, ("rollouts",)),
        Entry(
            "Alarms", "alert-triangle", "alarms.index", Permission.ALARMS_READ, ("alarms", "rules")
        ),
        Entry("On call", "phone", "on_call.index", Permission.RULES_READ, ("on_call",)),
        Entry("Releases", "send", "releases.index", Permission.RELEASES_READ, ("releases",)),
        Entry("Logs", "logs", "logs.index", Permission.LOGS_READ, ("logs",)),
        Entry(
            "Fingerprints",
            "bug",
            "fingerprints.index",
            Permission.LOGS_READ,
            ("fingerprints",),
        ),
    ),
    "People": (
        Entry("People", "users", "user.index_view", Permission.USERS_READ, ("user",)),
        Entry("Roles", "shield-lock", "role.index_view", Permission.ROLES_READ, ("role",)),
        Entry("API tokens", "key", "api_token.index_view", None, ("api_token",)),
        Entry("Sign-ins", "login", "sign_ins.index", Permission.USERS_READ, ("sign_ins",)),
        Entry("Access review", "eye", "review.index", Permission.USERS_READ, ("review",)),
        Entry("Why may…?", "help-circle", "why.index", None, ("why",)),
    ),
    "System": (
        Entry(
            "Quarantine",
            "biohazard",
            "quarantine.index_view",
            Permission.SYSTEM_READ,
            ("quarantine",),
            also=Permission.LOGS_READ,
        ),
        Entry("Tasks", "list-check", "tasks.index", Permission.TASKS_READ, ("tasks",)),
        Entry("Mails", "mail", "mail.index_view", Permission.SYSTEM_READ, ("mail",)),
        Entry("Audit", "history", "audit.index_view", Permission.AUDIT_READ, ("audit",)),
        Entry("API", "terminal-2", "api_pages.index", None, ("api_pages",)),
    ),
}


def navigation() -> list[Group]:
    """Give the groups that the signed-in person sees."""
    here = request.blueprint or ""
    person = actor()
    groups = []
    for title, entries in NAVIGATION.items():
        links = [
            Link(entry.text, entry.icon, url_for(entry.endpoint), here in entry.section)
            for entry in entries
            if entry.permission is None
            or is_allowed(person, entry.permission)
            or (entry.also is not None and is_allowed(person, entry.also))
        ]
        if links:
            groups.append(Group(title, links))
    return groups
