"""Alarms in words, icons and tones; where the subject of one is shown."""

from flask import url_for

from muster_platform.alerts.states import AlarmState, Severity
from muster_platform.alerts.views import AlarmView
from muster_platform.web.site.words import Look

S = AlarmState

ALARM: dict[str, Look] = {
    S.ACTIVE_UNACK: Look("Active", "alert-triangle", "bad"),
    S.ACTIVE_ACK: Look("Acknowledged", "eye", "warn"),
    S.CLEARED_UNACK: Look("Cleared, not seen", "circle-dashed", "rest"),
    S.CLEARED_ACK: Look("Closed", "circle-check", "mute"),
}

SEVERITY: dict[str, Look] = {
    Severity.CRITICAL: Look("Critical", "alert-triangle", "bad"),
    Severity.WARNING: Look("Warning", "alert-triangle", "warn"),
    Severity.INFO: Look("Info", "info-circle", "busy"),
}

CHANGES: dict[str, str] = {
    "raised": "raised it",
    "raised_again": "raised it again",
    "cleared": "saw that it is over",
    "acknowledged": "acknowledged it",
    "unacknowledged": "took back the acknowledgement of it",
    "resolved": "resolved it",
    "commented": "wrote",
    "assigned": "assigned it to",
    "hidden": "hid it behind the alarm that explains it",
    "shown": "showed it again",
}
"""What became of an alarm, after the name of who did it."""


def subject_url(alarm: AlarmView) -> str:
    """Give the address of what an alarm is about, "" where it has no page."""
    if alarm.device_id is not None:
        return url_for("devices.page", device_id=alarm.device_id, tab="overview")
    if alarm.subject_kind == "fingerprint":
        return url_for("fingerprints.page", fingerprint=alarm.subject_id)
    if alarm.subject_kind == "job":
        return url_for("jobs.page", job_id=alarm.subject_id)
    if alarm.subject_kind == "group":
        return url_for("device.index_view", group=alarm.subject_id)
    return ""
