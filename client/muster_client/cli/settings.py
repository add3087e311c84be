"""Commands about settings: of devices, groups and profiles."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, State, WrongOption, show, show_one, take
from muster_client.generated.operations import Operations

Device = Annotated[str, typer.Argument(metavar="[DEVICE]", help="Device id.")]
GroupId = Annotated[int | None, typer.Option("--group", help="Id of a group instead.")]
Profile = Annotated[str, typer.Option("--profile", help="Name of a profile instead.")]
Version = Annotated[
    int | None, typer.Option("--if-version", help="Refuse unless it is at this version.")
]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what would change.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    settings = typer.Typer(
        no_args_is_help=True, help="Desired settings of a device, a group or a profile."
    )
    settings.command("get")(settings_get)
    settings.command("set")(settings_set)
    settings.command("unset")(settings_unset)
    app.add_typer(settings, name="settings")


@dataclass(frozen=True, slots=True)
class Target:
    """Whose settings: exactly one of a device, a group, a profile."""

    device: str
    group: int | None
    profile: str

    def __post_init__(self) -> None:
        if sum((bool(self.device), self.group is not None, bool(self.profile))) != 1:
            raise WrongOption("name one device, or --group, or --profile")


def settings_get(
    device: Device = "",
    group: GroupId = None,
    profile: Profile = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show settings: each key with its value, where it comes from and how it stands."""
    target = Target(device, group, profile)
    with muster(state) as api:
        found = _read(api, target)
    _show(target, found, as_json)


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
    _change(Target(device, group, profile), patch, if_version, plan, state, as_json)


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
    _change(Target(device, group, profile), patch, if_version, plan, state, as_json)


def _device_first(words: list[str], group: int | None, profile: str) -> tuple[str, list[str]]:
    """Split off the device id, which stands first unless an option names something else."""
    if group is not None or profile:
        return "", words
    if len(words) < 2:
        raise WrongOption("name a device and at least one setting")
    return words[0], words[1:]


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise WrongOption(f"expected KEY=VALUE, got {text!r}")
    try:
        parsed = json.loads(value)
    except ValueError:
        return key, value
    if parsed is None:
        raise WrongOption(f"{key}: use `muster settings unset` instead of null")
    return key, parsed


def _change(
    target: Target,
    patch: dict[str, Any],
    if_version: int | None,
    plan: bool,
    state: Path | None,
    as_json: bool,
) -> None:
    """Patch settings and show them, or only show what that would do."""
    if plan and target.device:
        raise WrongOption("--plan is for groups and profiles")
    with muster(state) as api:
        if plan:
            _show_plan(_planned(api, target, patch), as_json)
            return
        found = _patched(api, target, patch, if_version)
    _show(target, found, as_json)


def _read(api: Operations, target: Target) -> Any:
    if target.device:
        return api.get_settings(target.device)
    if target.group is not None:
        return api.get_group_settings(target.group)
    return api.get_profile_settings(target.profile)


def _patched(api: Operations, target: Target, patch: dict[str, Any], version: int | None) -> Any:
    if target.device:
        return api.patch_settings(target.device, desired=patch, if_match=version)
    if target.group is not None:
        return api.patch_group_settings(target.group, desired=patch, if_match=version)
    return api.patch_profile_settings(target.profile, desired=patch, if_match=version)


def _planned(api: Operations, target: Target, patch: dict[str, Any]) -> Any:
    wanted = _merged(_read(api, target)["desired"], patch)
    if target.group is not None:
        return api.plan_group_settings(target.group, desired=wanted)
    return api.plan_profile_settings(target.profile, desired=wanted)


def _merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396), as the server will."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _show(target: Target, found: Any, as_json: bool) -> None:
    if as_json:
        show_one(found, True)
    elif target.device:
        _show_keys(found["keys"])
    else:
        desired = sorted(found["desired"].items())
        rows = [{"key": key, "value": _text(value)} for key, value in desired]
        show(rows, ("key", "value"), False)
        waiting = f", {found['waiting']} still to hear of it" if found["waiting"] else ""
        typer.echo(f"version {found['version']}, {found['devices']} devices{waiting}", err=True)


def _show_keys(keys: list[Any]) -> None:
    rows = [
        take(key, "key", "since")
        | {
            "desired": _text(key["desired"]) if key["is_desired"] else "-",
            "from": f"{key['layer']} {key['layer_name']}".strip() or "-",
            "reported": _text(key["reported"]) if key["is_reported"] else "-",
            "state": key["state"] + (f": {key['error']}" if key["error"] else ""),
        }
        for key in keys
    ]
    show(rows, ("key", "desired", "from", "reported", "state", "since"), False)


def _show_plan(plan: Any, as_json: bool) -> None:
    if as_json:
        show_one(plan, True)
        return
    rows = [
        take(line, "key", "devices", "own", "inner")
        | {"value": _text(line["value"]) if line["is_set"] else "(inherited)"}
        for line in plan["keys"]
    ]
    columns = ("key", "value", "devices", "own", "inner")
    show(rows, columns, False, empty="nothing would change")
    typer.echo(f"{plan['devices']} of {plan['below']} devices would hear of it", err=True)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
