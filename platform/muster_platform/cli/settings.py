"""Commands about settings: of devices, groups and profiles."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from muster_platform.cli.common import Json, State, pick, show, show_one, unit
from muster_platform.devices import settings_rules as rules
from muster_platform.devices.settings_layers import LayerService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit

settings_app = typer.Typer(
    no_args_is_help=True, help="Desired settings of a device, a group or a profile."
)

Device = Annotated[str, typer.Argument(metavar="[DEVICE]", help="Device id.")]
GroupId = Annotated[int | None, typer.Option("--group", help="Id of a group instead.")]
Profile = Annotated[str, typer.Option("--profile", help="Name of a profile instead.")]
Version = Annotated[
    int | None, typer.Option("--if-version", help="Refuse unless it is at this version.")
]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what would change.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    settings_app.command("get")(settings_get)
    settings_app.command("set")(settings_set)
    settings_app.command("unset")(settings_unset)
    app.add_typer(settings_app, name="settings")


def settings_get(
    device: Device = "",
    group: GroupId = None,
    profile: Profile = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show settings: each key with its value, where it comes from and how it stands."""
    target = _target(device, group, profile)
    with unit(state, write=False) as work:
        if device:
            _show_device(work, device, as_json)
        else:
            _show_layer(work, target, as_json)


def settings_set(
    pairs: Annotated[
        list[str], typer.Argument(metavar="[DEVICE] KEY=VALUE…", help="VALUE: JSON, or text.")
    ],
    group: GroupId = None,
    profile: Profile = "",
    if_version: Version = None,
    plan: Plan = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Set keys; the others stay."""
    device, values = _device_first(pairs, group, profile)
    patch = dict(_pair(text) for text in values)
    _change(_target(device, group, profile), bool(device), patch, if_version, plan, state, as_json)


def settings_unset(
    keys: Annotated[list[str], typer.Argument(metavar="[DEVICE] KEY…", help="Names of settings.")],
    group: GroupId = None,
    profile: Profile = "",
    if_version: Version = None,
    plan: Plan = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Take keys out: they are inherited again."""
    device, names = _device_first(keys, group, profile)
    patch: dict[str, Any] = dict.fromkeys(names)
    _change(_target(device, group, profile), bool(device), patch, if_version, plan, state, as_json)


def _device_first(words: list[str], group: int | None, profile: str) -> tuple[str, list[str]]:
    """Split off the device id, which stands first unless an option names something else."""
    if group is not None or profile:
        return "", words
    if len(words) < 2:
        raise InvalidInput("name a device and at least one setting", where="DEVICE")
    return words[0], words[1:]


def _target(device: str, group: int | None, profile: str) -> int | str:
    if sum((bool(device), group is not None, bool(profile))) != 1:
        raise InvalidInput("name one device, or --group, or --profile", where="DEVICE")
    return group if group is not None else device or profile


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidInput(f"expected KEY=VALUE, got {text!r}", where="KEY=VALUE")
    try:
        parsed = json.loads(value)
    except ValueError:
        return key, value
    if parsed is None:
        raise InvalidInput(f"{key}: use `muster settings unset` instead of null", where=key)
    return key, parsed


def _change(
    target: int | str,
    is_device: bool,
    patch: dict[str, Any],
    if_version: int | None,
    plan: bool,
    state: Path | None,
    as_json: bool,
) -> None:
    """Patch a layer and show it, or only show what that would do."""
    if plan and is_device:
        raise InvalidInput("--plan is for groups and profiles", where="--plan")
    with unit(state, write=not plan) as work:
        if is_device:
            SettingsService(work).patch(str(target), patch, if_version)
            _show_device(work, str(target), as_json)
        elif plan:
            _show_plan(work, target, patch, as_json)
        else:
            LayerService(work).patch(target, patch, if_version)
            _show_layer(work, target, as_json)


def _show_device(work: Unit, device_id: str, as_json: bool) -> None:
    service = SettingsService(work)
    row, keys = service.get(device_id), service.keys(device_id)
    if as_json:
        names = ("own", "own_version", "desired", "version", "applied_version", "reported")
        show_one(pick(row, *names, "errors") | {"keys": [asdict(key) for key in keys]}, True)
        return
    rows = [
        {
            "key": key.key,
            "desired": _text(key.desired) if key.is_desired else "-",
            "from": f"{key.layer} {key.layer_name}".strip() or "-",
            "reported": _text(key.reported) if key.is_reported else "-",
            "state": key.state + (f": {key.error}" if key.error else ""),
            "since": key.since,
        }
        for key in keys
    ]
    show(rows, ("key", "desired", "from", "reported", "state", "since"), False)


def _show_layer(work: Unit, target: int | str, as_json: bool) -> None:
    layer = LayerService(work).get(target)
    if as_json:
        show_one(asdict(layer), True)
        return
    rows = [{"key": key, "value": _text(value)} for key, value in sorted(layer.desired.items())]
    show(rows, ("key", "value"), False)
    waiting = f", {layer.waiting} still to hear of it" if layer.waiting else ""
    typer.echo(f"version {layer.version}, {layer.devices} devices{waiting}", err=True)


def _show_plan(work: Unit, target: int | str, patch: dict[str, Any], as_json: bool) -> None:
    service = LayerService(work)
    wanted = rules.merge_patch(service.get(target).desired, patch)
    made = service.plan(target, wanted)
    if as_json:
        show_one(asdict(made), True)
        return
    rows = [
        {
            "key": line.key,
            "value": _text(line.value) if line.is_set else "(inherited)",
            "devices": line.devices,
            "own": line.own,
            "inner": line.inner,
        }
        for line in made.keys
    ]
    show(rows, ("key", "value", "devices", "own", "inner"), False, empty="nothing would change")
    typer.echo(f"{made.devices} of {made.below} devices would hear of it", err=True)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
