"""CSV that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterable, Iterator

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters by which a spreadsheet takes text for a formula (OWASP: CSV Injection)."""


def safe_cell(value: object) -> str:
    """Write a value as a cell; what would be a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def lines(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Write header and rows, one line at a time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in _with_header(header, rows):
        writer.writerow([safe_cell(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _with_header(
    header: Iterable[object], rows: Iterable[Iterable[object]]
) -> Iterator[Iterable[object]]:
    yield header
    yield from rows
