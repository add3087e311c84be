"""Commands about devices that come and come back: device import, deleted, restore; request."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, Reason, State, WrongOption, show, show_one, take

DECIDED = ("id", "device_id", "state")
LINE = ("line", "device_id", "status", "column", "why")


def register(app: typer.Typer, device: typer.Typer) -> None:
    """Add the commands, some of them to the group `device`."""
    device.command("import")(device_import)
    device.command("deleted")(device_deleted)
    device.command("restore")(device_restore)
    request = typer.Typer(no_args_is_help=True, help="Devices that wait for approval.")
    request.command("list")(request_list)
    request.command("approve")(request_approve)
    request.command("reject")(request_reject)
    app.add_typer(request, name="request")


def device_import(
    file: Annotated[str, typer.Argument(help="CSV file, or - for input.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without it only the report is made.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Change devices that are there already.")
    ] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Make a secret for each new device; shown once.")
    ] = False,
    group: Annotated[int | None, typer.Option(help="Home group where a line names none.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Register many devices from a CSV list: all of it or nothing, with a report per line."""
    text = sys.stdin.read() if file == "-" else _read(Path(file))
    with muster(state) as api:
        done = api.import_devices(
            csv=text, apply=apply, update_existing=update, make_secrets=secrets, group_id=group
        )
    if as_json:
        show_one(done, True)
    else:
        show([take(row, *LINE) for row in done["rows"]], LINE, False, empty="the list is empty")
        for device_id, secret in (done["secrets"] or {}).items():
            typer.echo(f"{device_id}  {secret}")
        counts = ", ".join(f"{number} {name}" for name, number in done["counts"].items() if number)
        typer.echo(f"{'done' if done['applied'] else 'nothing is done yet'}: {counts}", err=True)
    if apply and not done["applied"]:
        raise typer.Exit(1)


def device_deleted(limit: Limit = 50, state: State = None, as_json: Json = False) -> None:
    """List deleted devices that can still be restored."""
    names = ("key", "device_id", "display_name", "profile", "deleted_at", "deleted_by", "purge_at")
    with muster(state) as api:
        page = api.list_deleted(limit=limit)
    show([take(row, *names) for row in page["items"]], names, as_json)


def device_restore(
    key: Annotated[int, typer.Argument(help="Key of the device in `device deleted`.")],
    reason: Reason = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Bring a deleted device back, with what is kept of it."""
    with muster(state) as api:
        device = api.restore_device(key, reason=reason)
    show_one(take(device, "device_id", "display_name"), as_json)


def request_list(limit: Limit = 50, state: State = None, as_json: Json = False) -> None:
    """List the devices that ask to be let in."""
    with muster(state) as api:
        rows = api.list_requests(limit=limit)["items"]
    columns = ("id", "device_id", "state", "token_name", "profile", "last_asked_at")
    show(rows, columns, as_json, empty="nobody waits")


def request_approve(
    request_id: list[str], reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Let devices in."""
    with muster(state) as api:
        done = api.approve_requests(requests=request_id, reason=reason)["items"]
    show([take(row, *DECIDED) for row in done], DECIDED, as_json)


def request_reject(
    request_id: list[str], reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Keep devices out."""
    with muster(state) as api:
        done = api.reject_requests(requests=request_id, reason=reason)["items"]
    show([take(row, *DECIDED) for row in done], DECIDED, as_json)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongOption(f"{path}: {error}") from error
