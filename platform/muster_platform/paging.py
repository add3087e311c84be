"""Pages of a list by keyset.

The cursor says after which row to go on, so that page 1,000 costs what page 1 costs, and rows
that come and go shift nothing.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import Session

from muster_platform.db.text import clean
from muster_platform.errors import InvalidInput

T = TypeVar("T")

DEFAULT_SIZE = 50


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted.

    Attributes:
        size: most rows; the installation's page_size_max caps it.
        cursor: `next_cursor` of the page before, None for the first page.
    """

    size: int = DEFAULT_SIZE
    cursor: str | None = None

    def __post_init__(self) -> None:
        """Refuse a size that is no size."""
        if self.size < 1:
            raise InvalidInput(f"a page holds at least 1 row, not {self.size}", where="size")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One part of a list.

    Attributes:
        next_cursor: opaque; None on the last page.
    """

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One column that a list is ordered by; it must never be NULL.

    Attributes:
        column: what SQL orders by and compares.
        kind: Python type of its values (int, str, float): checked in what a cursor brings.
        value: reads it from a row.
    """

    column: ColumnElement[Any]
    kind: type
    value: Callable[[T], Any]


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """The order of a list.

    Attributes:
        name: written into the cursor, so that one is refused under another order.
        keys: the last one must make the order total (a primary key).
    """

    name: str
    keys: tuple[Key[T], ...]
    descending: bool = False


def encode_cursor(order: str, values: Sequence[Any]) -> str:
    """Write a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode([order, *values])).decode().rstrip("=")


def decode_cursor(text: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """Read a cursor.

    Raises:
        InvalidInput: it is damaged, or from a list in another order.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[Any])
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise _bad_cursor() from error
    values = found[1:]
    if found[:1] != [order] or len(values) != len(kinds):
        raise _bad_cursor()
    if any(type(value) is not kind for value, kind in zip(values, kinds, strict=True)):
        raise _bad_cursor()
    if not all(map(_storable, values)):
        raise _bad_cursor()
    return values


def _storable(value: Any) -> bool:
    """Say whether a database can compare it: text without NUL, integers of 64 bits."""
    if isinstance(value, str):
        return clean(value) == value
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _bad_cursor() -> InvalidInput:
    return InvalidInput(
        "the cursor does not fit this list; start again without one", where="cursor"
    )


def fetch_page(
    session: Session, statement: Select[Any], order: Order[T], page: PageRequest, most: int
) -> Page[T]:
    """Run a statement for one page.

    Args:
        statement: selects entities, without order and limit.
        most: cap on the size (settings.page_size_max).

    Raises:
        InvalidInput: the cursor does not fit.
    """
    size = min(page.size, most)
    if page.cursor is not None:
        statement = statement.where(after(order, page.cursor))
    columns = [key.column.desc() if order.descending else key.column for key in order.keys]
    rows = list(session.scalars(statement.order_by(*columns).limit(size + 1)).unique())
    return make_page(rows, size, order)


def fetch_narrow_page(
    session: Session, statement: Select[Any], order: Order[T], page: PageRequest, most: int
) -> Page[T]:
    """Run a statement for one page, as `fetch_page`, where no index gives the order.

    All that match are sorted by nothing but their keys; only the page's own rows are read whole.
    The last key of the order must be the primary key.
    """
    size = min(page.size, most)
    narrow = statement.with_only_columns(order.keys[-1].column, maintain_column_froms=True)
    if page.cursor is not None:
        narrow = narrow.where(after(order, page.cursor))
    columns = [key.column.desc() if order.descending else key.column for key in order.keys]
    ids = list(session.scalars(narrow.order_by(*columns).limit(size + 1)))
    key = order.keys[-1]
    rows = session.scalars(statement.where(key.column.in_(ids))).unique()
    place = {value: number for number, value in enumerate(ids)}
    found = sorted(rows, key=lambda row: place[key.value(row)])
    return make_page(found, size, order)


def after(order: Order[T], cursor: str) -> ColumnElement[bool]:
    """Give the condition for rows behind the cursor."""
    values = decode_cursor(cursor, order.name, [key.kind for key in order.keys])
    columns = tuple_(*(key.column for key in order.keys))
    bounds = tuple_(*(literal(v, k.column.type) for k, v in zip(order.keys, values, strict=True)))
    return columns < bounds if order.descending else columns > bounds


def make_page(rows: list[T], size: int, order: Order[T]) -> Page[T]:
    """Cut size + 1 rows to a page and its cursor."""
    if len(rows) <= size:
        return Page(rows)
    last = rows[size - 1]
    return Page(rows[:size], encode_cursor(order.name, [key.value(last) for key in order.keys]))
