"""Commands about logs: log."""

from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, State, show, take


def register(app: typer.Typer) -> None:
    """Add the commands."""
    log = typer.Typer(no_args_is_help=True, help="What devices log.")
    log.command("search")(log_search)
    app.add_typer(log, name="log")


def log_search(
    text: Annotated[str, typer.Argument(help="Words in the message.")] = "",
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    level: Annotated[str, typer.Option(help="Least level: TRACE … FATAL.")] = "TRACE",
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Search the logs of devices, newest first."""
    names = ("ts", "device_id", "level", "logger", "message")
    least: Any = level.upper()
    with muster(state) as api:
        page = api.search_logs(text=text or None, device_id=device, min_level=least, limit=limit)
    show([take(record, *names) for record in page["items"]], names, as_json)
