"""What a right request for every page of the site is: whoever adds a page adds a line here.

`fresh` of samples.py makes the objects; names in braces are its.
"""

from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from muster_platform.access.permissions import Permission
from muster_platform.web.site.navigation import NAVIGATION

NOT_PAGES = (
    "/api/",
    "/internal/",
    "/health/",
    "/metrics",
    "/static/",
    "/assets/",
    "/admin/static/",
)

ARGUMENTS: dict[str, dict[str, str]] = {
    "admin.part": {"piece": "fleet"},
    "devices.part": {"piece": "status"},
    "devices.page": {"tab": "commands"},
    "api_pages.operation": {"wanted": "list_devices"},
    "api_pages.type": {"wanted": "DeviceAnswer"},
    "account.end_session": {"family": "{own_session_id}"},
    "sign_ins.end_session": {"family": "{session_id}"},
    "settings.profile": {"profile_name": "{name}"},
    "settings.reset_key": {"key": "a"},
    "settings.set_key": {"key": "a"},
    "alarms.unacknowledge": {"alarm_id": "{acknowledged_alarm_id}"},
    "releases.publish": {"release_id": "{ready_release_id}"},
    "releases.revoke": {"release_id": "{published_release_id}"},
    "tasks.retry": {"run_id": "{failed_run_id}"},
    "alarm_links.show": {"token": "no-token-of-ours"},
    "alarm_links.acknowledge": {"token": "no-token-of-ours"},
    "session.take_link": {"token": "no-token-of-ours"},
}
"""Endpoint -> path arguments that are no objects, or objects of another name."""

IDS: dict[str, str] = {
    "api_token": "{api_token_id}",
    "audit": "1",
    "device": "{device_id}",
    "enrolment": "{token_id}",
    "group": "{group_id}",
    "profile": "{name}",
    "quarantine": "{message_id}",
    "role": "{role_name}",
    "user": "{user_id}",
}
"""Blueprint of a model view -> the id of a row."""

NOT_THERE = "01900000-0000-7000-8000-000000000000"
"""An id of nothing: a list being imported is its author's alone, and for an hour."""

EXPORT = {"export_type": "csv"}


def rules(app: Flask, method: str) -> list[Rule]:
    """Give the rules of pages that take a method, in order."""
    return sorted(
        (
            rule
            for rule in app.url_map.iter_rules()
            if method in (rule.methods or ()) and not rule.rule.startswith(NOT_PAGES)
        ),
        key=lambda rule: (rule.rule, rule.endpoint),
    )


def url_of(rule: Rule, names: dict[str, Any]) -> str:
    """Give the address of a page, with names filled in.

    Raises:
        AssertionError: nobody said what an argument is.
    """
    chosen = ARGUMENTS.get(rule.endpoint, {})
    given = {
        "import_id": NOT_THERE,
        **names,
        **{name: text.format_map(names) for name, text in chosen.items()},
        **EXPORT,
    }
    missing = sorted(rule.arguments - set(given))
    if missing:
        raise AssertionError(
            f"{rule.rule} ({rule.endpoint}): add {missing} to ARGUMENTS of "
            "tests/integration/web/page_samples.py, or let `fresh` of samples.py make it"
        )
    path = rule.rule
    for argument in rule.arguments:
        for converter in ("", "int:", "path:", "string:"):
            path = path.replace(f"<{converter}{argument}>", str(given[argument]))
    blueprint, _, view = rule.endpoint.partition(".")
    if blueprint in IDS and view in ("details_view", "edit_view"):
        path += "?id=" + IDS[blueprint].format_map(names)
    return path


P = Permission

READS: dict[str, Permission | None] = {
    **{
        section: entry.permission
        for entries in NAVIGATION.values()
        for entry in entries
        for section in entry.section
    },
    **dict.fromkeys(("root", "session", "account", "second_factor", "admin")),
    **dict.fromkeys(("search", "why", "api_pages", "api_token")),
    "deleted": P.DEVICES_DELETE,
    "device_acts": None,
    "executions": P.COMMANDS_READ,
    "imports": P.DEVICES_ENROL,
    "settings": P.SETTINGS_READ,
    "bulk": P.DEVICES_READ,
    "mail": P.SYSTEM_READ,
    "quarantine": P.LOGS_READ,
    "sign_ins": P.USERS_READ,
    "review": P.USERS_READ,
    "role": P.ROLES_READ,
    "rules": P.RULES_READ,
    "alarm_links": None,
    "user": P.USERS_READ,
    "versions": P.DEVICES_READ,
}
"""Blueprint -> what its pages need somewhere; None: to be signed in, or nothing."""

PAGES: dict[str, Permission | None] = {
    "admin.part": P.DEVICES_READ,
    "device.create_view": P.DEVICES_ENROL,
    "device.edit_view": P.DEVICES_WRITE,
    "devices.log": P.LOGS_READ,
    "devices.telemetry": P.TELEMETRY_READ,
    "enrolment.create_view": P.DEVICES_ENROL,
    "group.create_view": P.GROUPS_WRITE,
    "group.edit_view": P.GROUPS_WRITE,
    "profile.create_view": P.PROFILES_WRITE,
    "profile.edit_view": P.PROFILES_WRITE,
    "role.create_view": P.ROLES_WRITE,
    "rollouts.new": P.ROLLOUTS_RUN,
    "releases.create": P.RELEASES_WRITE,
    "releases.edit": P.RELEASES_WRITE,
    "rules.create": P.RULES_WRITE,
    "role.edit_view": P.ROLES_WRITE,
    "user.create_view": P.USERS_WRITE,
    "user.edit_view": P.USERS_WRITE,
}
"""Endpoint -> what it needs beyond its blueprint."""

WRITES: dict[str, Permission | None] = {
    **dict.fromkeys(("session", "account", "second_factor", "admin", "api_token", "audit")),
    "bulk": P.DEVICES_WRITE,
    "alarms": P.ALARMS_ACKNOWLEDGE,
    "alarm_links": None,
    "on_call": P.RULES_WRITE,
    "rules": P.RULES_WRITE,
    "approvals": P.DEVICES_ENROL,
    "deleted": P.DEVICES_DELETE,
    "device": P.DEVICES_WRITE,
    "device_acts": P.DEVICES_ENROL,
    "devices": P.DEVICES_WRITE,
    "enrolment": P.DEVICES_ENROL,
    "executions": P.COMMANDS_RUN,
    "fingerprints": P.LOGS_WRITE,
    "group": P.GROUPS_WRITE,
    "imports": P.DEVICES_ENROL,
    "jobs": P.COMMANDS_RUN,
    "logs": P.LOGS_WRITE,
    "mail": P.SYSTEM_WRITE,
    "profile": P.PROFILES_WRITE,
    "quarantine": P.SYSTEM_WRITE,
    "role": P.ROLES_WRITE,
    "releases": P.RELEASES_WRITE,
    "rollouts": P.ROLLOUTS_RUN,
    "settings": P.SETTINGS_WRITE,
    "sign_ins": P.USERS_WRITE,
    "tasks": P.TASKS_RUN,
    "user": P.USERS_WRITE,
}
"""Blueprint -> what its forms need somewhere."""

FORMS: dict[str, Permission | None] = {
    "device.create_view": P.DEVICES_ENROL,
    "releases.publish": P.RELEASES_PUBLISH,
    "releases.revoke": P.RELEASES_PUBLISH,
    "device_acts.capture": P.DEVICES_WRITE,
    "devices.delete": P.DEVICES_DELETE,
    "devices.revoke": P.DEVICES_ENROL,
    "devices.rotate": P.DEVICES_ENROL,
    "devices.save_settings": P.SETTINGS_WRITE,
    "devices.send": P.COMMANDS_RUN,
}
"""Endpoint -> what its form needs instead of its blueprint's."""

FIELDS: dict[str, dict[str, str]] = {
    "device.create_view": {
        "device_id": "made-{n}",
        "profile": "sensor",
        "group_id": "{group_id}",
        "display_name": "",
        "tags": "",
    },
    "device.edit_view": {"display_name": "Other", "group_id": "{group_id}", "tags": ""},
    "devices.delete": {},
    "alarms.acknowledge": {"comment": "on it"},
    "alarms.unacknowledge": {},
    "alarms.resolve": {"reason": "repaired"},
    "alarms.comment": {"text": "seen"},
    "alarms.assign": {"assignee": "me"},
    "on_call.save": {
        "do": "save",
        "version": "1",
        "zone": "Europe/Berlin",
        "wait": "15",
        "remind": "15",
        "reminders": "4",
        "person-0": "{user_id}",
        "day-0": "1",
        "start-0": "08:00",
        "end-0": "18:00",
    },
    "on_call.delete": {},
    "on_call.test": {},
    "rules.delete": {},
    "rules.create": {
        "do": "save",
        "kind": "telemetry_threshold",
        "name": "Hot",
        "severity": "warning",
        "group_id": "{group_id}",
        "p_metric": "temperature",
        "p_comparison": ">",
        "p_value": "80",
        "enabled": "1",
    },
    "rules.edit": {
        "do": "save",
        "name": "Hotter",
        "severity": "critical",
        "version": "1",
        "p_metric": "temperature",
        "p_comparison": ">",
        "p_value": "90",
    },
    "fingerprints.decide": {"state": "IGNORED", "version": "1"},
    "devices.disable": {},
    "devices.rotate": {},
    "devices.save_settings": {"desired": '{{"a": 1}}', "version": "0"},
    "devices.send": {"name": "reboot", "args": "{{}}"},
    "enrolment.delete_view": {"id": "{token_id}"},
    "executions.cancel": {},
    "group.create_view": {"name": "Made {n}", "parent_id": "{group_id}"},
    "group.delete_view": {"id": "{empty_group}"},
    "jobs.cancel": {},
    "rollouts.start": {
        "release_id": "{published_release_id}",
        "kind": "devices",
        "devices": "{updatable_id}",
        "mode": "auto",
        "digest": "{rollout_digest}",
    },
    "rollouts.pause": {},
    "rollouts.next_phase": {},
    "rollouts.abort": {},
    "tasks.cancel": {},
    "tasks.retry": {},
    "tasks.run_now": {},
    "releases.create": {"name": "Made", "version": "{n}", "components": "app=1"},
    "releases.edit": {"name": "Made", "version": "e{n}", "components": "app=1"},
    "releases.revoke": {"reason": "it breaks"},
    "releases.delete": {},
    "profile.create_view": {
        "name": "made-{n}",
        "title": "Made",
        "contact": "always",
        "expect_every_s": "300",
        "qos_down": "1",
        "message_bytes_max": "0",
        "metrics_max": "0",
    },
    "profile.delete_view": {"id": "{name}"},
    "user.disable": {},
}
"""Endpoint -> right fields of its form: with them an administrator changes something."""


def needed(rule: Rule, method: str) -> Permission | None:
    """Give what a page needs somewhere, or None.

    Raises:
        AssertionError: nobody said.
    """
    blueprint = rule.endpoint.partition(".")[0]
    first, second = (PAGES, READS) if method == "GET" else (FORMS, WRITES)
    if rule.endpoint in first:
        return first[rule.endpoint]
    if blueprint not in second:
        raise AssertionError(
            f"{method} {rule.rule} ({rule.endpoint}): say what permission it needs in "
            "READS, PAGES, WRITES or FORMS of tests/integration/web/page_samples.py"
        )
    return second[blueprint]


def fields_of(rule: Rule, names: dict[str, Any]) -> dict[str, str]:
    """Give right fields of a form where somebody said them."""
    given = FIELDS.get(rule.endpoint, {})
    return {name: value.format_map(names) for name, value in given.items()}
