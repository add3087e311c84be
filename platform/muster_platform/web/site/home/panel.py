"""What a panel of a home is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import url_for

from muster_platform.access.actor import Actor
from muster_platform.access.permissions import GLOBAL, Permission
from muster_platform.unit import Unit
from muster_platform.web.allowed import is_allowed
from muster_platform.web.site.links import list_url

ROWS = 8
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One part of a home; its template is `site/home/<name>.html` and is given `found`.

    Attributes:
        title: "" for a panel without a card of its own (the tiles on top).
        permissions: all are needed, those with a group somewhere; else the panel is not drawn.
        read: gives what it shows, narrowed by the services to what the actor may see.
        topics: of `muster live`, after which it is drawn again.
        every_s: it is drawn again so often, where nothing tells of changes; 0 for never.
        more: text of the link in the head, endpoint and list filters behind it.
    """

    name: str
    title: str
    permissions: tuple[Permission, ...]
    read: Callable[[Unit], Any]
    topics: str = ""
    every_s: int = 0
    more: tuple[str, str] = ("", "")
    more_filters: dict[str, str] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """Give the name of its template."""
        return f"site/home/{self.name}.html"

    def may_be_seen_by(self, actor: Actor) -> bool:
        """Say whether the actor has what it needs."""
        return all(is_allowed(actor, needed) for needed in self.permissions)

    def require_of(self, actor: Actor) -> None:
        """Refuse unless the actor has what it needs.

        Raises:
            PermissionDenied: naming the first permission that is missing.
        """
        for needed in self.permissions:
            if needed in GLOBAL:
                actor.require(needed)
            else:
                actor.require_somewhere(needed)

    def more_url(self) -> str:
        """Give the address of the list behind it, "" where there is none."""
        endpoint = self.more[1]
        if not endpoint:
            return ""
        return list_url(endpoint, **self.more_filters) if self.more_filters else url_for(endpoint)
