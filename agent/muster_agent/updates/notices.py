"""Notify mode: the app shows it, the person acts, the inventory proves it."""

from collections.abc import Callable
from typing import Any

from muster_protocol.messages import ReleaseComponent, Update


class Notice:
    """An update that the app is told of.

    Attributes:
        execution: its id; the same notice comes again after a restart, with `again` True.
        title, body, url: what a person is shown; url is where to get it.
        data: the release's data for the app.
        version, components: what is to be installed.
    """

    def __init__(self, message: Update, again: bool, decline: Callable[[str], None]) -> None:
        note, release = message.notification, message.release
        self.execution = message.execution
        self.again = again
        self.title = note.title if note else ""
        self.body = note.body if note else ""
        self.url = note.url if note else ""
        self.data: dict[str, Any] = message.data
        self.version = release.version if release else ""
        self.components: list[ReleaseComponent] = release.components if release else []
        self._decline = decline

    def decline(self, why: str = "the user declined") -> None:
        """Say that it will not be installed: answered REJECTED."""
        self._decline(why)
