"""How results are shown: tables for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from muster_client.errors import ClientError

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
State = Annotated[
    Path | None, typer.Option("--state", help="State folder; else state_dir of the configuration.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Rows to show.")]
Reason = Annotated[str, typer.Option("--reason", help="Kept in the audit trail.")]

Row = Mapping[str, Any]

_WHOLE = frozenset({"id", "device_id", "email", "state", "presence", "level"})
PIPE_WIDTH = 250
"""Characters of a table that goes to a file or another program."""


class WrongOption(ClientError):
    """What was given at the command line does not fit."""

    exit_code = 2


def show(rows: Sequence[Row], columns: Sequence[str], as_json: bool, empty: str = "none") -> None:
    """Print a table for people or a JSON list for programs."""
    if as_json:
        typer.echo(msgspec.json.encode(list(rows)).decode())
        return
    if not rows:
        typer.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # Ids are for copying: they are never broken into two lines.
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    console.print(table, markup=False)


def show_one(row: Row, as_json: bool) -> None:
    """Print one thing, a field a line."""
    if as_json:
        typer.echo(msgspec.json.encode(dict(row)).decode())
        return
    width = max(map(len, row), default=0)
    for name, value in row.items():
        typer.echo(f"{name:{width}}  {_cell(name, value)}")


def take(row: Row, *names: str, **also: Any) -> dict[str, Any]:
    """Take fields of an answer by name, and add others."""
    return {name: row[name] for name in names} | also


def parse_json(text: str, where: str) -> dict[str, Any]:
    """Read a JSON object given as an option.

    Raises:
        WrongOption: naming the option.
    """
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise WrongOption(f"{where}: expected a JSON object: {error}") from error


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if (name.endswith("_at") or name in ("since", "ts", "at")) and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "-"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
