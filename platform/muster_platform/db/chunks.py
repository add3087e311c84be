"""Long lists in pieces: databases bound the parameters of one statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

IN_CLAUSE = 500
"""Most values in one IN (…): SQLite and the planner like it short."""


def chunks(items: Sequence[T], size: int = IN_CLAUSE) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most that size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
