"""Long answers, read page by page while they are sent: no transaction waits for a slow reader."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from flask import Response

from muster_platform.bootstrap import Platform
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.routing import TEXTS
from muster_platform.web.context import platform

T = TypeVar("T")


class Part(Protocol[T]):
    """A page of a list."""

    @property
    def items(self) -> list[T]:
        """Give its rows."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """Give where to go on."""
        ...


Fetch = Callable[[Unit, PageRequest], Part[T]]


def rows(unit: Unit, fetch: Fetch[T]) -> Iterator[T]:
    """Give the rows of a list, up to `export_rows_max`, each page in a unit of the same actor.

    The first row is read at once: a refusal is an answer, and not half a file.
    """
    found = _rows(platform(), unit, fetch)
    first = list(itertools.islice(found, 1))
    return itertools.chain(first, found)


def _rows(here: Platform, unit: Unit, fetch: Fetch[T]) -> Iterator[T]:
    left, cursor = unit.settings.export_rows_max, None
    while left > 0:
        size = min(left, unit.settings.page_size_max)
        with here.unit(unit.actor, write=False) as own:
            page = fetch(own, PageRequest(size, cursor))
        yield from page.items
        left, cursor = left - len(page.items), page.next_cursor
        if cursor is None:
            return


def answer(kind: type, lines: Iterator[str]) -> Any:
    """Send lines as they come, as a document of that kind (Csv, JsonLines)."""
    return Response(lines, content_type=f"{TEXTS[kind]}; charset=utf-8")
