"""What the bodies and queries of several routes share."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from muster_platform.paging import DEFAULT_SIZE, Page, PageRequest

T = TypeVar("T")

LIMIT_MAX = 500

Name = Annotated[str, Meta(min_length=1, max_length=128)]
DeviceId = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Millis = Annotated[int, Meta(ge=0, le=2**62, description="ms since the epoch, UTC")]
Seconds = Annotated[int, Meta(ge=1, le=10 * 365 * 86_400)]
Reason = Annotated[str, Meta(max_length=1_000)]
Password = Annotated[str, Meta(min_length=1, max_length=1_024)]

Cursor = Annotated[str, Meta(min_length=1, max_length=2_048)]
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]


class Input(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of bodies and queries: a field nobody knows is a mistake worth telling."""


class PageQuery(Input, kw_only=True):
    """Which part of a list: `cursor` is the `next_cursor` of the page before."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE

    def page(self) -> PageRequest:
        """Give it as services take it."""
        return PageRequest(self.limit, self.cursor)


class Listed(msgspec.Struct, Generic[T], kw_only=True):
    """A list; `next_cursor` is null at its end."""

    items: list[T]
    next_cursor: str | None = None


def listed(page: Page[T]) -> Listed[T]:
    """Show a page as the services give it."""
    return Listed(items=page.items, next_cursor=page.next_cursor)
