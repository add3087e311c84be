"""What the platform's commands share: the platform, who acts, how results are shown."""

import getpass
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from muster_platform import config
from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import Platform, build
from muster_platform.db import migrate
from muster_platform.errors import InvalidInput
from muster_platform.settings import Settings
from muster_platform.unit import Unit

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
State = Annotated[
    Path | None, typer.Option("--state", help="State folder; else state_dir of the configuration.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Rows to show.")]

Row = Mapping[str, Any]

_WHOLE = frozenset({"id", "device_id", "email", "state", "presence", "level"})
PIPE_WIDTH = 250
"""Characters of a table that goes to a file or another program."""


def settings(state: Path | None = None, **overrides: Any) -> Settings:
    """Read the configuration as every command does."""
    return config.load(state_dir=state, **overrides)


def set_up_logging(chosen: Settings) -> None:
    """Send log lines to stderr in the one plain form."""
    logging.basicConfig(
        stream=sys.stderr,
        level=chosen.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )


def local_actor() -> Actor:
    """Give the person at this machine: whoever can read the state folder may do all."""
    name = f"cli ({getpass.getuser()})"
    return Actor("system", "cli", name, (Grant(frozenset(Permission)),))


@contextmanager
def platform(state: Path | None = None) -> Iterator[Platform]:
    """Open the platform, its database checked.

    Raises:
        ConfigurationError: no configuration, or a database of another version.
    """
    chosen = settings(state)
    built = build(chosen)
    try:
        migrate.check(built.engine)
        yield built
    finally:
        built.close()


@contextmanager
def unit(state: Path | None = None, *, write: bool = True) -> Iterator[Unit]:
    """Open a unit of work of the person at this machine."""
    with platform(state) as opened, opened.unit(local_actor(), write=write) as work:
        yield work


def parse_json(text: str, where: str) -> dict[str, Any]:
    """Read a JSON object given as an option.

    Raises:
        InvalidInput: naming the option.
    """
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{where}: expected a JSON object: {error}", where=where) from error


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
    console.print(table)


def show_one(row: Row, as_json: bool) -> None:
    """Print one thing, a field a line."""
    if as_json:
        typer.echo(msgspec.json.encode(dict(row)).decode())
        return
    width = max(map(len, row), default=0)
    for name, value in row.items():
        typer.echo(f"{name:{width}}  {_cell(name, value)}")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if (name.endswith("_at") or name in ("since", "ts", "at")) and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def pick(thing: object, *names: str, **also: Callable[[Any], Any]) -> dict[str, Any]:
    """Take attributes of a row by name, and some by function."""
    row = {name: getattr(thing, name) for name in names}
    return row | {name: get(thing) for name, get in also.items()}
