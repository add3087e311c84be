"""Tasks in words: states, triggers, and where what they moved on is shown."""

from muster_platform.tasks import models as tasks
from muster_platform.web.site.words import Look

LOOKS: dict[str, Look] = {
    tasks.QUEUED: Look("Queued", "hourglass", "mute"),
    tasks.RUNNING: Look("Running", "loader", "busy"),
    tasks.SUCCEEDED: Look("Succeeded", "circle-check", "ok"),
    tasks.FAILED: Look("Failed", "circle-x", "bad"),
    tasks.CANCELED: Look("Canceled", "x", "mute"),
    tasks.LOST: Look("Lost", "alert-triangle", "warn"),
}

TRIGGERS: dict[str, str] = {
    "schedule": "By its schedule",
    "wake": "Something changed",
    "person": "Asked for",
}

SUBJECTS: dict[str, tuple[str, str, str]] = {
    "job": ("Job", "jobs.page", "job_id"),
    "bulk": ("Bulk change", "bulk.page", "bulk_id"),
    "mail": ("Mail", "mail.details_view", "id"),
    "settings": ("Settings", "", ""),
}
"""Kind of subject -> its word, the endpoint of its page and the argument that names it."""


def task_title(name: str) -> str:
    """Write a task's name as words."""
    return name.replace("_", " ").capitalize()
