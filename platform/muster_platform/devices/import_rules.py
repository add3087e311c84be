"""Reading a list of devices (CSV) as people and spreadsheets write it. Pure: no database.

The file is UTF-8, with or without a byte order mark, parted by commas, semicolons or tabs. Its
first line names the columns. A cell that an export has made harmless for a spreadsheet (an
apostrophe before what would be a formula) is read as what it was.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from muster_platform.db.text import clean
from muster_platform.errors import InvalidInput

COLUMNS = ("device_id", "profile", "group", "display_name", "tags", "gateway")
NEEDED = ("device_id", "profile")
IGNORED = frozenset(
    {"presence", "reason", "since", "last_seen", "heard_at", "agent", "created_at"}
    | {"enrolled_at", "disabled_at", "id", "version"}
)
"""Columns of our own exports that say what only the platform knows."""
BYTES = 8 * 1024 * 1024
DELIMITERS = ",;\t"
_FORMULA = "=+-@\t\r\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One device of the list; an empty text says nothing.

    Attributes:
        number: of the line in the file, from 1.
        tags: None where the cell is empty.
        fault: what is wrong with the line itself, "" for nothing.
        column: where.
    """

    number: int
    device_id: str
    profile: str = ""
    group: str = ""
    display_name: str = ""
    tags: dict[str, str] | None = field(default=None)
    gateway: str = ""
    fault: str = ""
    column: str = ""


def decode(data: bytes) -> str:
    """Decode an uploaded file.

    Raises:
        InvalidInput: too large, or not UTF-8.
    """
    if len(data) > BYTES:
        raise InvalidInput(
            f"the list has {len(data)} bytes; at most {BYTES} are taken: part it", where="csv"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInput(
            f"the list is not UTF-8 (line {line}); save it as `CSV UTF-8`", where="csv"
        ) from error


def read(text: str, rows_max: int) -> list[Line]:
    """Read the lines of a list; what is wrong with one is told in it.

    Raises:
        InvalidInput: it is no such list at all, or has too many lines.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    named = next(_cells(reader), (0, []))[1]
    header = [name.strip().lower().replace(" ", "_") for name in named]
    _check_header(header)
    lines: list[Line] = []
    for number, cells in _cells(reader):
        if len(lines) >= rows_max:
            raise InvalidInput(f"the list has more than {rows_max} devices; part it", where="csv")
        lines.append(_line(number, header, cells))
    if not lines:
        raise InvalidInput("the list has a header and no devices", where="csv")
    return _without_doubles(lines)


def _cells(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Give lines that hold anything, with the number of their first line in the file."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInput(f"line {number} is not CSV: {error}", where="csv") from error
        if any(cell.strip() for cell in cells):
            yield number, cells


def _check_header(header: list[str]) -> None:
    lacking = [name for name in NEEDED if name not in header]
    if lacking:
        raise InvalidInput(
            f"the first line must name the columns {', '.join(COLUMNS)} (device_id and profile "
            f"at least), parted by commas or semicolons; {', '.join(lacking)} is not there",
            where="csv",
        )
    unknown = [name for name in header if name not in COLUMNS and name not in IGNORED]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        raise InvalidInput(f"unknown columns: {shown}; there are {', '.join(COLUMNS)}", where="csv")
    if len(set(header)) < len(header):
        raise InvalidInput("a column is named twice", where="csv")


def _line(number: int, header: list[str], cells: list[str]) -> Line:
    if len(cells) > len(header):
        return Line(
            number,
            _plain(cells[header.index("device_id")]),
            fault=f"{len(cells)} cells under {len(header)} columns: is something not quoted?",
        )
    given = {
        name: _plain(cell) for name, cell in zip(header, cells, strict=False) if name in COLUMNS
    }
    tags, fault = _tags(given.pop("tags", ""))
    return Line(number, **given, tags=tags, fault=fault, column="tags" if fault else "")


def _plain(cell: str) -> str:
    """Take back what an export put before a formula, and what no database stores."""
    text = clean(cell).strip()
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in _FORMULA else text


def _tags(cell: str) -> tuple[dict[str, str] | None, str]:
    """Read `name=value; name`; the second says what is wrong."""
    tags: dict[str, str] = {}
    for part in cell.split(";"):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in tags:
            return None, f"the tag {name} is given twice"
        if name:
            tags[name] = value
        elif value:
            return None, f"a value without a name: {value[:40]!r}"
    return tags or None, ""


def _without_doubles(lines: list[Line]) -> list[Line]:
    first: dict[str, int] = {}
    checked = []
    for line in lines:
        number = first.setdefault(line.device_id, line.number)
        if number != line.number and line.device_id and not line.fault:
            line = Line(
                line.number,
                line.device_id,
                fault=f"the same device stands in line {number}",
                column="device_id",
            )
        checked.append(line)
    return checked


def write_tags(tags: dict[str, str]) -> str:
    """Write tags as a cell that `read` reads."""
    return ";".join(f"{name}={value}" if value else name for name, value in sorted(tags.items()))
