"""Lists as files: read page by page while they are sent, up to the installation's limit."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from flask import Response, stream_with_context
from werkzeug.utils import secure_filename

from muster_platform.paging import Page, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.site import csv_safe, gate

T = TypeVar("T")

Fetch = Callable[[Unit, PageRequest], Page[T]]


def rows(fetch: Fetch[T]) -> Iterator[T]:
    """Give the rows of a list, the first one read already.

    Refusals (a permission, a filter that is none) are then answers and not half a file.
    """
    found = _rows(fetch)
    first = list(itertools.islice(found, 1))
    return itertools.chain(first, found)


def _rows(fetch: Fetch[T]) -> Iterator[T]:
    """Read page by page, each in a unit of its own, up to `export_rows_max`."""
    settings = platform().settings
    left = settings.export_rows_max
    cursor: str | None = None
    while left > 0:
        size = min(left, settings.page_size_max)
        with gate.reading() as unit:
            found = fetch(unit, PageRequest(size, cursor))
        yield from found.items
        left, cursor = left - len(found.items), found.next_cursor
        if cursor is None:
            return


def csv(name: str, header: Sequence[str], lines: Iterable[Iterable[object]]) -> Response:
    """Send lines as a CSV file; no cell is a formula.

    Args:
        name: of the file, without its ending.
    """
    filename = secure_filename(f"{name}.csv")
    return Response(
        stream_with_context(csv_safe.lines(header, lines)),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={filename}"},
    )
