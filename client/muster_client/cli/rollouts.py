"""Commands about rollouts of releases."""

from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, Reason, State, WrongOption, show, show_one, take
from muster_client.cli.work import Devices, Group, Tag, target_of

Release = Annotated[str, typer.Argument(help="Id of a published release.")]
Mode = Annotated[str, typer.Option(help="auto, notify or install.")]
Phase = Annotated[
    list[str] | None,
    typer.Option(
        "--phase",
        help="SIZE[,success=PERCENT][,errors=PERCENT|N][,soak=SECONDS][,hand]; SIZE is 5%, 20 or "
        "rest. May be repeated; the last takes the rest.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Updates of many devices, phase by phase.")
    for name, function in (
        ("plan", rollout_plan),
        ("start", rollout_start),
        ("list", rollout_list),
        ("show", rollout_show),
        ("pause", rollout_pause),
        ("resume", rollout_resume),
        ("next", rollout_next),
        ("abort", rollout_abort),
        ("retry", rollout_retry),
    ):
        group.command(name)(function)
    app.add_typer(group, name="rollouts")


def rollout_plan(
    release: Release,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    mode: Mode = "auto",
    phase: Phase = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show who would be updated in which phase, and who not and why; changes nothing."""
    with muster(state) as api:
        plan = api.plan_rollout(**_asked(release, device, group, tag, mode, phase))
    if as_json:
        show_one(dict(plan), as_json)
        return
    rows = [
        {"device_id": d["device_id"], "phase": d["phase"], "mode": d["mode"], "why": ""}
        for d in plan["included"]
    ]
    rows += [
        {"device_id": d["device_id"], "phase": "out", "mode": "", "why": d["why"]}
        for d in plan["excluded"]
    ]
    show(rows, ("device_id", "phase", "mode", "why"), as_json)
    typer.echo(f"digest {plan['digest']}", err=True)


def rollout_start(
    release: Release,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    mode: Mode = "auto",
    phase: Phase = None,
    digest: Annotated[
        str | None, typer.Option(help="Of the plan you looked at; another one is refused.")
    ] = None,
    title: Annotated[str, typer.Option(help="What people see.")] = "",
    reason: Reason = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Start a rollout."""
    with muster(state) as api:
        asked = _asked(release, device, group, tag, mode, phase)
        found = api.start_rollout(**asked, digest=digest, title=title, reason=reason)
    _show(found, as_json)


def rollout_list(limit: Limit = 20, state: State = None, as_json: Json = False) -> None:
    """List the newest rollouts."""
    with muster(state) as api:
        page = api.list_rollouts(limit=limit)
    names = ("id", "title", "state", "device_count", "counts", "blocked_by", "reason")
    show([take({**one["job"]}, *names) for one in page["items"]], names, as_json)


def rollout_show(rollout_id: str, state: State = None, as_json: Json = False) -> None:
    """Show a rollout and its phases."""
    with muster(state) as api:
        _show(api.get_rollout(rollout_id), as_json)


def rollout_pause(
    rollout_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Hand nothing more over, open no phase."""
    with muster(state) as api:
        _show(api.pause_rollout(rollout_id, reason=reason), as_json)


def rollout_resume(
    rollout_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Go on, and accept the failures so far."""
    with muster(state) as api:
        _show(api.resume_rollout(rollout_id, reason=reason), as_json)


def rollout_next(
    rollout_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Open the next phase now."""
    with muster(state) as api:
        _show(api.open_next_phase(rollout_id, reason=reason), as_json)


def rollout_abort(
    rollout_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Open nothing more and cancel what is open."""
    with muster(state) as api:
        _show(api.abort_rollout(rollout_id, reason=reason), as_json)


def rollout_retry(
    rollout_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Try again on the devices where it failed."""
    with muster(state) as api:
        done = api.retry_rollout(rollout_id, reason=reason)
    show_one({"id": rollout_id, "new_attempts": done["attempts"]}, as_json)


def parse_phase(text: str) -> dict[str, Any]:
    """Read a phase as `--phase` writes it.

    Raises:
        WrongOption: saying what is wrong with it.
    """
    size, *options = [part.strip() for part in text.split(",")]
    found: dict[str, Any] = {}
    if size.endswith("%"):
        found["percent"] = _number(size[:-1], text)
    elif size != "rest":
        found["devices"] = _number(size, text)
    for option in options:
        name, _, value = option.partition("=")
        if name == "hand" and not value:
            found["by_hand"] = True
        elif name == "success":
            found["success_percent"] = _number(value.removesuffix("%"), text)
        elif name == "errors":
            kind = "error_percent" if value.endswith("%") else "error_devices"
            found[kind] = _number(value.removesuffix("%"), text)
        elif name == "soak":
            found["soak_s"] = _number(value, text)
        else:
            raise WrongOption(f"--phase {text}: there is no {option!r}")
    return found


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise WrongOption(f"--phase {where}: {text!r} is no whole number")
    return int(text)


def _asked(
    release: str,
    devices: list[str] | None,
    group: int | None,
    tag: str | None,
    mode: str,
    phases: list[str] | None,
) -> dict[str, Any]:
    return {
        "release_id": release,
        "target": target_of(devices, group, tag),
        "mode": mode,
        "phases": [parse_phase(one) for one in phases or ()],
    }


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        show_one(dict(found), as_json)
        return
    job = found["job"]
    typer.echo(f"{found['id']}  {job['title']}: {job['state']} {job['reason']}".rstrip())
    names = ("number", "state", "device_count", "counts", "error_devices", "soak_s", "by_hand")
    show([take(one, *names) for one in found["phases"]], names, as_json)
