"""Many rows in one statement, on PostgreSQL and SQLite, past the ORM.

PostgreSQL takes arrays (`unnest`), which costs one statement whatever the number of rows; SQLite
takes one prepared statement run for each row.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection


class Column(NamedTuple):
    """A column to write.

    Attributes:
        kind: its type on PostgreSQL; `jsonb` values are given as JSON text.
    """

    name: str
    kind: str = "bigint"


def is_postgres(connection: Connection) -> bool:
    """Say which of the two databases this is."""
    return connection.dialect.name == "postgresql"


def insert(
    connection: Connection,
    table: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Any, ...]],
    *,
    conflict: str = "",
) -> None:
    """Insert rows.

    Args:
        connection: inside a transaction.
        table: its name (ours, never a user's text).
        columns: in the order of the rows' values.
        rows: values; may be empty.
        conflict: what follows ON CONFLICT, the same on both databases.
    """
    if not rows:
        return
    names = ", ".join(column.name for column in columns)
    tail = f" ON CONFLICT {conflict}" if conflict else ""
    if is_postgres(connection):
        given = ", ".join(f"%s::{_array(column)}[]" for column in columns)
        taken = ", ".join(
            f"{column.name}::jsonb" if column.kind == "jsonb" else column.name for column in columns
        )
        # WHERE true: without it the parser takes ON CONFLICT for a join condition.
        statement = (
            f"INSERT INTO {table} ({names}) SELECT {taken}"  # noqa: S608 - our own names only
            f" FROM unnest({given}) AS given ({names}) WHERE true{tail}"
        )
        connection.exec_driver_sql(statement, tuple(list(values) for values in zip(*rows)))  # noqa: B905
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}){tail}"  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def member(connection: Connection, column: str, kind: str = "bigint") -> str:
    """Write the condition that a column is among the values of one parameter.

    Its parameter is made by `among`.
    """
    if is_postgres(connection):
        return f"{column} = ANY(%s::{kind}[])"
    return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608


def among(connection: Connection, values: Sequence[Any]) -> Any:
    """Make the parameter of `member`."""
    if is_postgres(connection):
        return list(values)
    return json.dumps(list(values))


def _array(column: Column) -> str:
    return "text" if column.kind == "jsonb" else column.kind
