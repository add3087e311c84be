"""Permissions and the built-in roles: two tables.

A permission is named `resource:action`. Those in GLOBAL have no group and need a binding
everywhere; all others are given on a group and hold for the groups inside it.
"""

from enum import StrEnum


class Permission(StrEnum):
    """What an actor may do; `resource:action`."""

    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    DEVICES_DELETE = "devices:delete"
    DEVICES_ENROL = "devices:enrol"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    COMMANDS_READ = "commands:read"
    COMMANDS_RUN = "commands:run"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    TELEMETRY_READ = "telemetry:read"
    LOGS_READ = "logs:read"
    LOGS_WRITE = "logs:write"
    RELEASES_READ = "releases:read"
    RELEASES_WRITE = "releases:write"
    RELEASES_PUBLISH = "releases:publish"
    ROLLOUTS_READ = "rollouts:read"
    ROLLOUTS_RUN = "rollouts:run"
    ALARMS_READ = "alarms:read"
    ALARMS_ACKNOWLEDGE = "alarms:acknowledge"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    AUDIT_READ = "audit:read"
    TASKS_READ = "tasks:read"
    TASKS_RUN = "tasks:run"
    SYSTEM_READ = "system:read"
    SYSTEM_WRITE = "system:write"


P = Permission

WORDS: dict[Permission, str] = {
    P.DEVICES_READ: "See devices, their presence, inventory and timeline",
    P.DEVICES_WRITE: "Register, edit, tag, move and disable devices",
    P.DEVICES_DELETE: "Delete devices with what they sent",
    P.DEVICES_ENROL: "Enrol devices: tokens and secrets",
    P.GROUPS_READ: "See groups",
    P.GROUPS_WRITE: "Make, rename, move and delete groups",
    P.PROFILES_READ: "See profiles",
    P.PROFILES_WRITE: "Make, edit and delete profiles",
    P.COMMANDS_READ: "See jobs and commands, and how they went",
    P.COMMANDS_RUN: "Send commands to devices",
    P.SETTINGS_READ: "See the settings of devices",
    P.SETTINGS_WRITE: "Change the settings of devices",
    P.TELEMETRY_READ: "See telemetry",
    P.LOGS_READ: "Read and search logs",
    P.LOGS_WRITE: "Assign and resolve what logs report",
    P.RELEASES_READ: "See releases and their files",
    P.RELEASES_WRITE: "Make and edit releases, upload their files",
    P.RELEASES_PUBLISH: "Publish and revoke releases",
    P.ROLLOUTS_READ: "See rollouts, and how they went",
    P.ROLLOUTS_RUN: "Plan, start, pause, resume and abort rollouts",
    P.ALARMS_READ: "See alarms, who is on call, and what was mailed",
    P.ALARMS_ACKNOWLEDGE: "Acknowledge, assign, comment on and resolve alarms",
    P.RULES_READ: "See rules and on-call lists",
    P.RULES_WRITE: "Make, edit and delete rules and on-call lists",
    P.USERS_READ: "See people, their roles and tokens",
    P.USERS_WRITE: "Invite, disable and edit people, give them roles, revoke tokens",
    P.ROLES_READ: "See roles",
    P.ROLES_WRITE: "Make, edit and delete roles",
    P.AUDIT_READ: "Read the audit log",
    P.TASKS_READ: "See background tasks and schedules",
    P.TASKS_RUN: "Retry and cancel background tasks",
    P.SYSTEM_READ: "See the state of the platform",
    P.SYSTEM_WRITE: "Change the platform itself",
}
"""What each permission lets people do, in words: shown wherever roles are made or explained."""

GLOBAL: frozenset[Permission] = frozenset(
    {P.PROFILES_READ, P.PROFILES_WRITE, P.USERS_READ, P.USERS_WRITE, P.ROLES_READ, P.ROLES_WRITE}
    | {P.AUDIT_READ, P.TASKS_READ, P.TASKS_RUN, P.SYSTEM_READ, P.SYSTEM_WRITE}
    | {P.RELEASES_READ, P.RELEASES_WRITE, P.RELEASES_PUBLISH}
)
"""Permissions on things that have no group."""

_SEE_DEVICES = frozenset(
    {P.DEVICES_READ, P.GROUPS_READ, P.PROFILES_READ, P.TELEMETRY_READ, P.SETTINGS_READ}
    | {P.COMMANDS_READ, P.RELEASES_READ, P.ROLLOUTS_READ, P.ALARMS_READ}
)

BUILTIN_ROLES: dict[str, frozenset[Permission]] = {
    "administrator": frozenset(Permission),
    "operator": _SEE_DEVICES
    | {
        P.LOGS_READ,
        P.LOGS_WRITE,
        P.COMMANDS_RUN,
        P.SETTINGS_WRITE,
        P.DEVICES_WRITE,
        P.DEVICES_ENROL,
        P.ALARMS_ACKNOWLEDGE,
        P.RULES_READ,
        P.RULES_WRITE,
    },
    "release_manager": _SEE_DEVICES
    | {P.LOGS_READ, P.RELEASES_WRITE, P.RELEASES_PUBLISH, P.ROLLOUTS_RUN},
    "analyst": _SEE_DEVICES | {P.LOGS_READ, P.LOGS_WRITE, P.RULES_READ},
    "on_call": _SEE_DEVICES | {P.LOGS_READ, P.LOGS_WRITE, P.ALARMS_ACKNOWLEDGE, P.RULES_READ},
    "auditor": _SEE_DEVICES
    | {P.LOGS_READ, P.RULES_READ, P.USERS_READ, P.ROLES_READ, P.AUDIT_READ}
    | {P.TASKS_READ, P.SYSTEM_READ},
    "viewer": _SEE_DEVICES,
}
"""Roles that every installation has; they cannot be edited or deleted."""
