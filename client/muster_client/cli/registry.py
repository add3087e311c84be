"""Commands about what belongs to a device: gateway, secrets, raw messages; tag, quarantine."""

import base64
from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, Reason, State, show, show_one, take

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
SHOWN = 200
RAW = ("received_at", "topic", "size", "payload")
KEPT = ("id", "received_at", "topic", "reason", "detail", "replay_at")


def register(app: typer.Typer, device: typer.Typer) -> None:
    """Add the commands, some of them to the group `device`."""
    for name, command in (
        ("children", device_children),
        ("attach", device_attach),
        ("detach", device_detach),
        ("credentials", device_credentials),
        ("revoke", device_revoke),
        ("purge", device_purge),
        ("raw", device_raw),
        ("capture", device_capture),
    ):
        device.command(name)(command)
    tag = typer.Typer(no_args_is_help=True, help="Tags in use.")
    tag.command("list")(tag_list)
    app.add_typer(tag, name="tag")
    quarantine = typer.Typer(no_args_is_help=True, help="Messages that could not be taken.")
    for name, act in (
        ("list", quarantine_list),
        ("show", quarantine_show),
        ("replay", quarantine_replay),
        ("delete", quarantine_delete),
    ):
        quarantine.command(name)(act)
    app.add_typer(quarantine, name="quarantine")


def device_children(
    device_id: str, limit: Limit = 50, state: State = None, as_json: Json = False
) -> None:
    """List the children that a gateway speaks for."""
    names = ("device_id", "display_name", "profile")
    with muster(state) as api:
        page = api.list_children(device_id, limit=limit)
    rows = [take(row, *names, presence=row["presence"]["state"]) for row in page["items"]]
    show(rows, (*names, "presence"), as_json)


def device_attach(
    device_id: str,
    gateway: Annotated[str, typer.Argument(help="Device id of the gateway.")],
    reason: Reason = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make a device the child of a gateway, or move it from another one."""
    with muster(state) as api:
        done = api.attach_device(device_id, gateway=gateway, reason=reason)
    show_one(take(done, "device_id", "gateway"), as_json)


def device_detach(
    device_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Make a child a device of its own; it needs a secret then."""
    with muster(state) as api:
        done = api.detach_device(device_id, reason=reason or None)
    show_one(take(done, "device_id", "gateway"), as_json)


def device_credentials(device_id: str, state: State = None, as_json: Json = False) -> None:
    """List a device's secrets: their beginnings, uses and ends."""
    names = ("id", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at", "token")
    with muster(state) as api:
        rows = api.list_credentials(device_id)["items"]
    show([take(row, *names) for row in rows], names, as_json)


def device_revoke(
    device_id: str,
    credential: Annotated[
        str | None, typer.Argument(help="Id of one secret; all of them without it.")
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """End one secret of a device now, or all, and disconnect it."""
    with muster(state) as api:
        if credential is None:
            api.revoke_credentials(device_id)
        else:
            api.revoke_credential(device_id, credential)
    show_one({"device_id": device_id, "revoked": credential or "all"}, as_json)


def device_purge(
    key: Annotated[int, typer.Argument(help="Key of the device in `device deleted`.")],
    reason: Reason = "",
    yes: Yes = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Delete a deleted device's data now; it cannot be restored then."""
    if not yes:
        typer.confirm(f"Delete all data of the deleted device {key}?", abort=True)
    with muster(state) as api:
        api.purge_device(key, reason=reason)
    show_one({"key": key, "purged": True}, as_json)


def device_raw(
    device_id: str,
    channel: Annotated[str, typer.Option(help="Such as telemetry, or x.")] = "",
    limit: Limit = 20,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show raw messages of a device, newest first."""
    with muster(state) as api:
        rows = api.list_raw(device_id, channel=channel or None, limit=limit)["items"]
    show([take(row, *RAW[:3], payload=_text(row)) for row in rows], RAW, as_json)


def device_capture(
    device_id: str,
    seconds: Annotated[int, typer.Option(min=0, max=3600, help="0 ends it.")] = 900,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Keep every message of a device as it comes, for a time."""
    with muster(state) as api:
        done = api.capture_messages(device_id, seconds=seconds)
    show_one({"device_id": device_id, "capture_until": done["capture_until"]}, as_json)


def tag_list(state: State = None, as_json: Json = False) -> None:
    """List the tags in use, with how many devices have them."""
    names = ("name", "devices", "values")
    with muster(state) as api:
        rows = api.list_tags()["items"]
    show([take(row, *names) for row in rows], names, as_json)


def quarantine_list(
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    why: Annotated[str | None, typer.Option(help="Reason, such as unknown_device.")] = None,
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List messages that could not be taken, newest first."""
    with muster(state) as api:
        rows = api.list_quarantine(device_id=device, reason=why, limit=limit)["items"]
    show([take(row, *KEPT) for row in rows], KEPT, as_json)


def quarantine_show(message_id: int, state: State = None, as_json: Json = False) -> None:
    """Show one with its bytes."""
    with muster(state) as api:
        row = api.get_quarantined(message_id)
    show_one(row if as_json else take(row, *KEPT, payload=_text(row, 16_384)), as_json)


def quarantine_replay(
    message_id: Annotated[int | None, typer.Argument(help="All of the options without it.")] = None,
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    why: Annotated[str | None, typer.Option(help="Reason, such as unknown_device.")] = None,
    reason: Reason = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Have messages read again, with the time at which they were received."""
    with muster(state) as api:
        if message_id is not None:
            api.replay_quarantined(message_id, reason=reason)
            count = 1
        else:
            count = api.replay_quarantine(device_id=device, reason=why, why=reason)["count"]
    show_one({"replayed": count}, as_json)


def quarantine_delete(
    message_id: Annotated[int | None, typer.Argument(help="All of the options without it.")] = None,
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    why: Annotated[str | None, typer.Option(help="Reason, such as unknown_device.")] = None,
    reason: Reason = "",
    yes: Yes = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Delete messages for good."""
    if not yes:
        typer.confirm("Delete them for good?", abort=True)
    with muster(state) as api:
        if message_id is not None:
            api.delete_quarantined(message_id, reason=reason or None)
            count = 1
        else:
            count = api.delete_quarantine(device_id=device, reason=why, why=reason)["count"]
    show_one({"deleted": count}, as_json)


def _text(row: Any, limit: int = SHOWN) -> str:
    """Write a payload as text where it is text, else in hexadecimal."""
    payload = base64.b64decode(row["payload_base64"])
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        text = payload.hex(" ")
    return text if len(text) <= limit else f"{text[:limit]}…"
