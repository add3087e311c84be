"""Commands about devices: device, log."""

from typing import Annotated

import typer

from muster_platform.cli.common import Json, Limit, State, pick, show, show_one, unit
from muster_platform.errors import InvalidInput

device_app = typer.Typer(no_args_is_help=True, help="The registry of devices.")
log_app = typer.Typer(no_args_is_help=True, help="What devices log.")

Search = Annotated[str, typer.Option("--search", help="Words in the id or the display name.")]
Group = Annotated[int | None, typer.Option("--group", help="Id of a group, with those inside.")]
Reason = Annotated[str, typer.Option("--reason", help="Kept in the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("list", device_list),
        ("show", device_show),
        ("register", device_register),
        ("rotate", device_rotate),
        ("disable", device_disable),
        ("enable", device_enable),
        ("delete", device_delete),
        ("ledger", device_ledger),
        ("timeline", device_timeline),
    ):
        device_app.command(name)(command)
    log_app.command("search")(log_search)
    app.add_typer(device_app, name="device")
    app.add_typer(log_app, name="log")


def device_list(
    search: Search = "",
    group: Group = None,
    profile: Annotated[str | None, typer.Option(help="Name of a profile.")] = None,
    presence: Annotated[list[str] | None, typer.Option(help="ONLINE, OFFLINE, …")] = None,
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List devices."""
    from muster_platform.devices.filters import DeviceFilter
    from muster_platform.devices.service import DeviceService
    from muster_platform.paging import PageRequest
    from muster_protocol.states import PresenceState

    try:
        states = frozenset(PresenceState(word.upper()) for word in presence or ())
    except ValueError as error:
        known = ", ".join(PresenceState)
        raise InvalidInput(f"--presence: {error}; one of {known}", where="--presence") from error
    wanted = DeviceFilter(search=search, group_id=group, profile=profile, presence=states)
    with unit(state, write=False) as work:
        page = DeviceService(work).list(wanted, PageRequest(size=limit))
        rows = [
            pick(
                *(device, "device_id", "display_name"),
                profile=lambda d: d.profile.name,
                group=lambda d: d.group.name,
                presence=lambda d: d.presence.state,
                reason=lambda d: d.presence.reason,
                since=lambda d: d.presence.since,
            )
            for device in page.items
        ]
    show(rows, ("device_id", "display_name", "profile", "presence", "reason", "since"), as_json)
    if page.next_cursor and not as_json:
        typer.echo(f"… more; narrow with --search, or raise --limit (now {limit})", err=True)


def device_show(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Show a device: presence, newest values, inventory, settings."""
    from muster_platform.devices.service import DeviceService
    from muster_platform.devices.telemetry import TelemetryService

    with unit(state, write=False) as work:
        device = DeviceService(work).get(device_id)
        row = pick(
            *(device, "device_id", "display_name", "agent", "plain", "attributes", "capabilities"),
            profile=lambda d: d.profile.name,
            group=lambda d: d.group.name,
            presence=lambda d: d.presence.state,
            reason=lambda d: d.presence.reason,
            since=lambda d: d.presence.since,
            heard_at=lambda d: d.presence.heard_at,
            tags=lambda d: {tag.name: tag.value for tag in d.tags},
            disabled_at=lambda d: d.disabled_at,
        )
        row["latest"] = {
            value.metric: value.value for value in TelemetryService(work).latest(device_id)
        }
    show_one(row, as_json)


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
    from muster_platform.devices.service import DeviceService

    with unit(state) as work:
        made = DeviceService(work).register(device_id, profile, group, name, gateway=gateway)
        show_one(pick(made, "device_id", "display_name", "created_at"), as_json)


def device_rotate(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Give a device a new secret, shown once; the old one works for a while."""
    from muster_platform.devices.credentials import CredentialService

    with unit(state) as work:
        secret = CredentialService(work).rotate(device_id)
    show_one({"device_id": device_id, "secret": secret}, as_json)


def device_disable(
    device_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Keep a device out, at once."""
    from muster_platform.bootstrap import DEVICE_HOOKS
    from muster_platform.devices.service import DeviceService

    with unit(state) as work:
        DeviceService(work).disable(device_id, hooks=DEVICE_HOOKS, reason=reason)
    show_one({"device_id": device_id, "enabled": False}, as_json)


def device_enable(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Let a device in again."""
    from muster_platform.devices.service import DeviceService

    with unit(state) as work:
        DeviceService(work).enable(device_id)
    show_one({"device_id": device_id, "enabled": True}, as_json)


def device_delete(
    device_id: str,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Delete a device and what it has said; its open commands end as REMOVED."""
    from muster_platform.bootstrap import DEVICE_HOOKS
    from muster_platform.devices.service import DeviceService

    if not yes:
        typer.confirm(f"Delete {device_id} and all of its data?", abort=True)
    with unit(state) as work:
        DeviceService(work).delete(device_id, hooks=DEVICE_HOOKS, reason=reason)
    show_one({"device_id": device_id, "deleted": True}, as_json)


def device_ledger(device_id: str, state: State = None, as_json: Json = False) -> None:
    """Show what was sent, stored, doubled, missing, quarantined."""
    from muster_platform.devices.ledger_view import LedgerService

    names = ("channel", "stored", "doubled", "missing", "quarantined", "lost", "plain")
    with unit(state, write=False) as work:
        ledger = LedgerService(work).of(device_id)
    show([pick(row, *names) for row in ledger.channels], names, as_json)


def device_timeline(
    device_id: str, limit: Limit = 30, state: State = None, as_json: Json = False
) -> None:
    """Show what happened to a device, newest first."""
    from muster_platform.bootstrap import TIMELINE
    from muster_platform.devices.timeline import TimelineService
    from muster_platform.paging import PageRequest

    with unit(state, write=False) as work:
        page = TimelineService(work, TIMELINE).list(device_id, PageRequest(size=limit))
        rows = [pick(line, "at", "kind", "summary") for line in page.items]
    show(rows, ("at", "kind", "summary"), as_json)


def log_search(
    text: Annotated[str, typer.Argument(help="Words in the message.")] = "",
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    level: Annotated[str, typer.Option(help="Least level: TRACE … FATAL.")] = "TRACE",
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Search the logs of devices, newest first."""
    from muster_platform.logs.service import LogFilter, LogService
    from muster_platform.paging import PageRequest
    from muster_protocol.messages import Level

    try:
        least = Level(level.upper())
    except ValueError as error:
        raise InvalidInput(f"--level: {error}; {', '.join(Level)}", where="--level") from error
    wanted = LogFilter(device_id=device, text=text, min_level=least)
    with unit(state, write=False) as work:
        page = LogService(work).search(wanted, PageRequest(size=limit))
        rows = [pick(r, "ts", "device_id", "level", "logger", "message") for r in page.items]
    show(rows, ("ts", "device_id", "level", "logger", "message"), as_json)
