"""Commands about devices: device."""

from typing import Annotated, Any

import typer

from muster_client.cli import intake, registry
from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, Reason, State, show, show_one, take

Search = Annotated[str, typer.Option("--search", help="Words in the id or the display name.")]
Group = Annotated[int | None, typer.Option("--group", help="Id of a group, with those inside.")]
Tag = Annotated[str | None, typer.Option("--tag", help="NAME or NAME=VALUE.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    device = typer.Typer(no_args_is_help=True, help="The registry of devices.")
    for name, command in (
        ("list", device_list),
        ("show", device_show),
        ("register", device_register),
        ("update", device_update),
        ("rotate", device_rotate),
        ("disable", device_disable),
        ("enable", device_enable),
        ("delete", device_delete),
        ("ledger", device_ledger),
        ("timeline", device_timeline),
        ("telemetry", device_telemetry),
    ):
        device.command(name)(command)
    intake.register(app, device)
    registry.register(app, device)
    app.add_typer(device, name="device")


def device_list(
    search: Search = "",
    group: Group = None,
    tag: Tag = None,
    profile: Annotated[str | None, typer.Option(help="Name of a profile.")] = None,
    presence: Annotated[list[str] | None, typer.Option(help="ONLINE, OFFLINE, …")] = None,
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List devices."""
    states: Any = [word.upper() for word in presence or ()] or None
    with muster(state) as api:
        page = api.list_devices(
            search=search or None,
            group=group,
            tag=tag,
            profile=profile,
            presence=states,
            limit=limit,
        )
    rows = [
        take(device, "device_id", "display_name", "profile", group=device["group"]["name"])
        | _presence(device)
        for device in page["items"]
    ]
    show(rows, ("device_id", "display_name", "profile", "presence", "reason", "since"), as_json)
    if page["next_cursor"] and not as_json:
        typer.echo(f"… more; narrow with --search, or raise --limit (now {limit})", err=True)


def device_show(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Show a device: presence, newest values, inventory, settings."""
    with muster(state) as api:
        device = api.get_device(device_id)
        latest = api.list_latest(device_id)["items"]
    names = ("device_id", "display_name", "agent", "plain", "attributes", "capabilities", "profile")
    row = take(device, *names, group=device["group"]["name"]) | _presence(device)
    row |= take(device, "tags", "gateway", "disabled_at", "version")
    row["heard_at"] = device["presence"]["heard_at"]
    show_one(row | {"latest": {item["metric"]: item["value"] for item in latest}}, as_json)


def device_register(
    device_id: str,
    profile: Annotated[str, typer.Option(help="Name of its profile.")],
    group: Annotated[int, typer.Option(help="Id of its home group.")] = 1,
    name: Annotated[str | None, typer.Option(help="As people see it.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Device id of its gateway.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Register a device, so that it may enrol."""
    with muster(state) as api:
        made = api.register_device(
            device_id=device_id, profile=profile, group_id=group, display_name=name, gateway=gateway
        )
    show_one(take(made, "device_id", "display_name", "created_at"), as_json)


def device_update(
    device_id: str,
    name: Annotated[str | None, typer.Option(help="As people see it.")] = None,
    group: Annotated[int | None, typer.Option(help="Id of its new home group.")] = None,
    if_version: Annotated[
        int | None, typer.Option(help="Refuse if `device show` says another version by now.")
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Change a device's name or home group."""
    with muster(state) as api:
        changed = api.update_device(
            device_id, display_name=name, group_id=group, if_match=if_version
        )
    show_one(
        take(changed, "device_id", "display_name", "version", group=changed["group"]["name"]),
        as_json,
    )


def device_rotate(
    device_id: str,
    overlap_s: Annotated[
        int, typer.Option(min=0, help="How long the secrets before still work; 0: not at all.")
    ] = 86_400,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Give a device a new secret, shown once; the old one works for a while."""
    with muster(state) as api:
        made = api.rotate_credential(device_id, overlap_s=overlap_s)
    show_one(take(made, "device_id", "secret"), as_json)


def device_disable(
    device_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Keep a device out, at once."""
    with muster(state) as api:
        api.disable_device(device_id, reason=reason)
    show_one({"device_id": device_id, "enabled": False}, as_json)


def device_enable(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Let a device in again."""
    with muster(state) as api:
        api.enable_device(device_id)
    show_one({"device_id": device_id, "enabled": True}, as_json)


def device_delete(
    device_id: str,
    reason: Reason = "",
    purge: Annotated[
        bool, typer.Option("--purge", help="Its data goes now; it cannot be restored.")
    ] = False,
    yes: Yes = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Delete a device; it can be restored for a time. Its open commands end as REMOVED."""
    if not yes:
        typer.confirm(f"Delete {device_id}{' and all of its data' if purge else ''}?", abort=True)
    with muster(state) as api:
        api.delete_device(device_id, reason=reason or None, purge=purge)
    show_one({"device_id": device_id, "deleted": True}, as_json)


def device_ledger(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Show what was sent, stored, doubled, missing, quarantined."""
    names = ("channel", "sent", "stored", "doubled", "missing", "quarantined", "lost", "plain")
    with muster(state) as api:
        ledger = api.get_ledger(device_id)
    show([take(row, *names) for row in ledger["channels"]], names, as_json)


def device_timeline(
    device_id: str, limit: Limit = 30, state: State = None, as_json: Json = False
) -> None:
    """Show what happened to a device, newest first."""
    names = ("at", "kind", "summary")
    with muster(state) as api:
        page = api.list_timeline(device_id, limit=limit)
    show([take(line, *names) for line in page["items"]], names, as_json)


def device_telemetry(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Show the newest value of each metric."""
    names = ("metric", "value", "ts")
    with muster(state) as api:
        latest = api.list_latest(device_id)["items"]
    show([take(item, *names) for item in latest], names, as_json)


def _presence(device: Any) -> dict[str, Any]:
    presence = device["presence"]
    return take(presence, "reason", "since", presence=presence["state"])
