"""States in words, icons and tones: never colour alone. One table for each kind of state."""

from typing import NamedTuple

from muster_platform.devices.settings_rules import KeyState as K
from muster_protocol.states import ExecutionState as E
from muster_protocol.states import JobState as J
from muster_protocol.states import PresenceState as P
from muster_protocol.states import UpdateStep as U


class Look(NamedTuple):
    """How a state is shown.

    Attributes:
        label: the word people read.
        icon: name in the icon sprite.
        tone: ok, rest, warn, bad, busy or mute: picks ink and ground.
    """

    label: str
    icon: str
    tone: str


PRESENCE: dict[str, Look] = {
    P.ONLINE: Look("Online", "plug-connected", "ok"),
    P.SLEEPING: Look("Sleeping", "moon", "rest"),
    P.SUSPECT: Look("Suspect", "alert-triangle", "warn"),
    P.OFFLINE: Look("Offline", "plug-connected-x", "bad"),
    P.UNKNOWN: Look("Never heard", "circle-dashed", "mute"),
}

SETTINGS: dict[str, Look] = {
    K.IN_SYNC: Look("In sync", "circle-check", "ok"),
    K.WAITING: Look("Waiting for device", "hourglass", "busy"),
    K.OFFLINE: Look("Device offline", "plug-connected-x", "mute"),
    K.REJECTED: Look("Rejected", "ban", "bad"),
    K.DIFFERS: Look("Reports otherwise", "alert-triangle", "warn"),
    K.ONLY_REPORTED: Look("Only reported", "info-circle", "mute"),
}

EXECUTION: dict[str, Look] = {
    E.QUEUED: Look("Queued", "hourglass", "mute"),
    E.SENT: Look("Sent", "send", "busy"),
    E.DELIVERED: Look("Delivered", "check", "busy"),
    E.IN_PROGRESS: Look("In progress", "loader", "busy"),
    E.VERIFYING: Look("Verifying", "shield-check", "busy"),
    E.SUCCEEDED: Look("Succeeded", "circle-check", "ok"),
    E.FAILED: Look("Failed", "circle-x", "bad"),
    E.REJECTED: Look("Rejected", "ban", "bad"),
    E.TIMED_OUT: Look("Timed out", "clock", "bad"),
    E.EXPIRED: Look("Expired", "clock", "warn"),
    E.CANCELED: Look("Canceled", "x", "mute"),
    E.REMOVED: Look("Removed", "trash", "mute"),
}

STEP: dict[str, str] = {
    U.WAIT_FOR_CONFIRMATION: "Waits for somebody to confirm",
    U.WAIT_FOR_WINDOW: "Waits for its window",
}
"""Steps whose names alone do not say it."""

JOB: dict[str, Look] = {
    J.DRAFT: Look("Draft", "pencil", "mute"),
    J.WAITING_FOR_APPROVAL: Look("Waiting for approval", "user", "warn"),
    J.SCHEDULED: Look("Scheduled", "clock", "rest"),
    J.IN_PROGRESS: Look("In progress", "loader", "busy"),
    J.PAUSED: Look("Paused", "player-pause", "warn"),
    J.COMPLETED: Look("Completed", "circle-check", "ok"),
    J.CANCELED: Look("Canceled", "x", "mute"),
}

FINGERPRINT: dict[str, Look] = {
    "OPEN": Look("Open", "bug", "bad"),
    "REGRESSED": Look("Came back", "alert-triangle", "warn"),
    "RESOLVED": Look("Resolved", "circle-check", "ok"),
    "IGNORED": Look("Ignored", "ban", "mute"),
}

BULK: dict[str, Look] = {
    "RUNNING": Look("Running", "loader", "busy"),
    "DONE": Look("Done", "circle-check", "ok"),
    "CANCELED": Look("Stopped", "x", "mute"),
}

BULK_ITEM: dict[str, Look] = {
    "PENDING": Look("Waiting", "hourglass", "mute"),
    "CHANGED": Look("Changed", "circle-check", "ok"),
    "SKIPPED": Look("Left as it was", "ban", "warn"),
}

PRESENCE_REASON: dict[str, str] = {
    "connected": "connected",
    "disconnected": "said goodbye",
    "lost": "connection lost",
    "sleep": "announced sleep",
    "silent": "silent for too long",
    "gateway": "its gateway is away",
    "disabled": "disabled",
}

PART: dict[str, Look] = {
    "ok": Look("Works", "circle-check", "ok"),
    "warn": Look("Look", "alert-triangle", "warn"),
    "bad": Look("Down", "circle-x", "bad"),
}

PART_NAME: dict[str, str] = {
    "web": "Web",
    "database": "Database",
    "redis": "Redis",
    "broker": "Broker",
    "ingest": "Ingest",
    "dispatch": "Dispatch",
    "live": "Live",
    "worker": "Worker",
    "schedule": "Schedule",
    "bridge": "Bridge",
    "kafka-ingest": "Ingest from Kafka",
    "indexer": "Indexer",
    "accounts": "Accounts",
}

SIGN_IN: dict[str, Look] = {
    "signed_in": Look("Signed in", "circle-check", "ok"),
    "wrong_password": Look("Wrong password", "circle-x", "bad"),
    "wrong_code": Look("Wrong code", "circle-x", "bad"),
    "disabled": Look("Disabled account", "ban", "warn"),
    "unknown_account": Look("No such account", "question-mark", "warn"),
}

CHANGE: dict[str, Look] = {
    "presence": Look("Presence", "wifi", "mute"),
    "settings": Look("Settings", "adjustments", "mute"),
    "inventory": Look("Inventory", "cpu", "mute"),
    "enrolment": Look("Enrolment", "key", "mute"),
    "credential": Look("Secret", "lock", "mute"),
    "clone": Look("Cloned id", "copy", "bad"),
}

ROLE: dict[str, str] = {
    "administrator": "Administrator",
    "operator": "Operator",
    "release_manager": "Release manager",
    "analyst": "Analyst",
    "on_call": "On call",
    "auditor": "Auditor",
    "viewer": "Viewer",
}

JOB_KIND: dict[str, str] = {"command": "Command", "update": "Update"}

UNKNOWN = Look("Unknown", "question-mark", "mute")


def look(table: dict[str, Look], state: str | None) -> Look:
    """Give the look of a state; one that the table lacks is shown by its own name."""
    if state is None:
        return UNKNOWN
    return table.get(state) or Look(
        str(state).replace("_", " ").capitalize(), "question-mark", "mute"
    )


def step(name: str) -> str:
    """Write the step that a device names, which is free text for a command, as words."""
    return STEP.get(name) or name.replace("_", " ").capitalize()
