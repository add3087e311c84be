"""Commands about operations: command, job."""

from typing import Annotated, Any

import typer
from rich.console import Console

from muster_client.cli.connect import muster
from muster_client.cli.show import (
    Json,
    Limit,
    Reason,
    State,
    WrongOption,
    parse_json,
    show,
    show_one,
    take,
)
from muster_client.generated.operations import Operations

_EXECUTION = ("id", "device_id", "attempt", "state", "step", "progress", "message", "blocked_by")
_FOLLOW_S = 0.3
_FOLLOW_LIMIT_S = 366 * 86_400.0
"""`--wait` waits as long as the job's own limits do."""
_ROWS = 500

Devices = Annotated[list[str] | None, typer.Option("--device", help="Device id; may be repeated.")]
Group = Annotated[int | None, typer.Option("--group", help="Id of a group, with those inside.")]
Tag = Annotated[str | None, typer.Option("--tag", help="NAME=VALUE.")]
Args = Annotated[str, typer.Option("--args", help="JSON object with the command's arguments.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command = typer.Typer(no_args_is_help=True, help="Tell devices to do something.")
    command.command("run")(command_run)
    command.command("plan")(command_plan)
    job = typer.Typer(no_args_is_help=True, help="Operations and how far they are.")
    for name, function in (
        ("list", job_list),
        ("show", job_show),
        ("cancel", job_cancel),
        ("retry", job_retry),
        ("why", job_why),
    ):
        job.command(name)(function)
    app.add_typer(command, name="command")
    app.add_typer(job, name="job")


def command_plan(
    name: str,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show who would get a command, and who not and why; changes nothing."""
    with muster(state) as api:
        plan = api.plan_command(name=name, target=target_of(device, group, tag))
    rows = [{"device_id": d["device_id"], "in": "yes", "why": ""} for d in plan["included"]]
    rows += [{"device_id": d["device_id"], "in": "no", "why": d["why"]} for d in plan["excluded"]]
    show(rows, ("device_id", "in", "why"), as_json)


def command_run(
    name: str,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    args: Args = "{}",
    timeout_s: Annotated[int | None, typer.Option(help="Seconds from delivery to the end.")] = None,
    reason: Reason = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it has ended.")] = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Send a command to one device or many; ends with 1 when `--wait` saw one fail."""
    with muster(state) as api:
        job = api.create_command(
            name=name,
            args=parse_json(args, "--args"),
            target=target_of(device, group, tag),
            limits={"timeout_s": timeout_s},
            reason=reason,
        )
        if not wait:
            show_one({"job": job["id"], "devices": job["device_count"]}, as_json)
            return
        rows = _follow(api, job["id"], as_json)
    show(rows, (*_EXECUTION[1:], "result", "error_message"), as_json)
    if any(row["state"] != "SUCCEEDED" for row in rows):
        raise typer.Exit(1)


def job_list(limit: Limit = 20, state: State = None, as_json: Json = False) -> None:
    """List the newest jobs."""
    names = ("id", "title", "state", "device_count", "counts", "blocked_by", "created_at")
    with muster(state) as api:
        page = api.list_jobs(limit=limit)
    show([take(job, *names) for job in page["items"]], names, as_json)


def job_show(job_id: str, limit: Limit = 100, state: State = None, as_json: Json = False) -> None:
    """Show the executions of a job."""
    with muster(state) as api:
        rows = _executions(api, job_id, limit)
    show(rows, _EXECUTION, as_json)


def job_cancel(
    job_id: str, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Cancel what is still open of a job."""
    with muster(state) as api:
        job = api.cancel_job(job_id, reason=reason)
    show_one(take(job, "id", "state", "counts"), as_json)


def job_retry(job_id: str, reason: Reason = "", state: State = None, as_json: Json = False) -> None:
    """Try again on the devices where the job did not succeed."""
    with muster(state) as api:
        done = api.retry_job(job_id, reason=reason)
    show_one({"id": job_id, "new_attempts": done["attempts"]}, as_json)


def job_why(execution_id: str, state: State = None, as_json: Json = False) -> None:
    """Say what holds an execution back, or how it ended, and its history."""
    with muster(state) as api:
        why = api.why_execution(execution_id)
        events = api.list_execution_events(execution_id)["items"]
    names = ("at", "from_state", "to_state", "actor", "message")
    history = [take(event, *names) for event in events]
    if as_json:
        show_one(take(why, "code", "subject", "since", "text", events=history), as_json)
        return
    typer.echo(why["text"])
    show(history, names, as_json=False)


def target_of(devices: list[str] | None, group: int | None, tag: str | None) -> Any:
    """Give the target that the options name.

    Raises:
        WrongOption: not exactly one is given.
    """
    given = [part for part in (devices, group, tag) if part]
    if len(given) != 1:
        raise WrongOption("give exactly one of --device, --group, --tag")
    if devices:
        return {"devices": devices}
    if group:
        return {"group": group}
    name, _, value = (tag or "").partition("=")
    return {"tag": {"name": name, "value": value}}


def _executions(api: Operations, job_id: str, limit: int = _ROWS) -> list[dict[str, Any]]:
    page = api.list_job_executions(job_id, limit=limit)
    return [take(row, *_EXECUTION, "result", "error_message") for row in page["items"]]


def _follow(api: Operations, job_id: str, quiet: bool) -> list[dict[str, Any]]:
    """Look again and again until every execution has ended."""
    from muster_client.muster import wait_for_job

    with Console(stderr=True).status("") as line:

        def tell(job: Any) -> None:
            if not quiet:
                counts = job["counts"].items()
                line.update(", ".join(f"{number} {name.lower()}" for name, number in counts))

        wait_for_job(api, job_id, timeout_s=_FOLLOW_LIMIT_S, poll_s=_FOLLOW_S, progress=tell)
    return _executions(api, job_id)
