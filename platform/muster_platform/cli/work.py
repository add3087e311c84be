"""Commands about operations: command, job."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from muster_platform.cli.common import (
    Json,
    Limit,
    State,
    local_actor,
    parse_json,
    pick,
    platform,
    show,
    show_one,
    unit,
)
from muster_platform.errors import InvalidInput
from muster_protocol.states import EXECUTION_TERMINAL, ExecutionState

command_app = typer.Typer(no_args_is_help=True, help="Tell devices to do something.")
job_app = typer.Typer(no_args_is_help=True, help="Operations and how far they are.")

_EXECUTION = ("id", "device_id", "attempt", "state", "step", "progress", "message", "blocked_by")
_ENDED = frozenset(map(str, EXECUTION_TERMINAL))
_FOLLOW_S = 0.3

Devices = Annotated[list[str] | None, typer.Option("--device", help="Device id; may be repeated.")]
Group = Annotated[int | None, typer.Option("--group", help="Id of a group, with those inside.")]
Tag = Annotated[str | None, typer.Option("--tag", help="NAME=VALUE.")]
Args = Annotated[str, typer.Option("--args", help="JSON object with the command's arguments.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command_app.command("run")(command_run)
    command_app.command("plan")(command_plan)
    for name, command in (
        ("list", job_list),
        ("show", job_show),
        ("cancel", job_cancel),
        ("retry", job_retry),
        ("why", job_why),
    ):
        job_app.command(name)(command)
    app.add_typer(command_app, name="command")
    app.add_typer(job_app, name="job")


def command_plan(
    name: str,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show who would get a command, and who not and why; changes nothing."""
    from muster_platform.jobs.service import JobService

    with unit(state, write=False) as work:
        plan = JobService(work).plan(_target(device, group, tag), name)
    rows = [{"device_id": d.device_id, "in": "yes", "why": ""} for d in plan.included]
    rows += [{"device_id": d.device_id, "in": "no", "why": d.why} for d in plan.excluded]
    show(rows, ("device_id", "in", "why"), as_json)


def command_run(
    name: str,
    device: Devices = None,
    group: Group = None,
    tag: Tag = None,
    args: Args = "{}",
    timeout_s: Annotated[int | None, typer.Option(help="Seconds from delivery to the end.")] = None,
    reason: Annotated[str, typer.Option(help="Kept in the audit trail.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it has ended.")] = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Send a command to one device or many; ends with 1 when `--wait` saw one fail."""
    from muster_platform.jobs.service import JobService
    from muster_platform.jobs.views import Limits

    with unit(state) as work:
        job = JobService(work).create_command(
            name,
            parse_json(args, "--args"),
            target=_target(device, group, tag),
            limits=Limits(timeout_s=timeout_s),
            reason=reason,
        )
        job_id = job.id
    if not wait:
        show_one({"job": job_id, "devices": job.device_count}, as_json)
        return
    rows = _follow(state, job_id, as_json)
    show(rows, (*_EXECUTION[1:], "result", "error_message"), as_json)
    if any(row["state"] != "SUCCEEDED" for row in rows):
        raise typer.Exit(1)


def job_list(limit: Limit = 20, state: State = None, as_json: Json = False) -> None:
    """List the newest jobs."""
    from muster_platform.jobs.service import JobFilter, JobService
    from muster_platform.paging import PageRequest

    names = ("id", "title", "state", "device_count", "counts", "blocked_by", "created_at")
    with unit(state, write=False) as work:
        page = JobService(work).list(JobFilter(), PageRequest(size=limit))
        rows = [pick(job, *names) for job in page.items]
    show(rows, names, as_json)


def job_show(job_id: str, limit: Limit = 100, state: State = None, as_json: Json = False) -> None:
    """Show the executions of a job."""
    with platform(state) as opened, opened.unit(local_actor(), write=False) as work:
        rows = _executions(work, job_id, limit)
    show(rows, _EXECUTION, as_json)


def job_cancel(
    job_id: str,
    reason: Annotated[str, typer.Option(help="Kept in the audit trail.")] = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Cancel what is still open of a job."""
    from muster_platform.jobs.service import JobService

    with unit(state) as work:
        job = JobService(work).cancel(job_id, reason)
        show_one(pick(job, "id", "state", "counts"), as_json)


def job_retry(
    job_id: str,
    reason: Annotated[str, typer.Option(help="Kept in the audit trail.")] = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Try again on the devices where the job did not succeed."""
    from muster_platform.jobs.service import JobService

    with unit(state) as work:
        number = JobService(work).retry(job_id, reason=reason)
    show_one({"id": job_id, "new_attempts": number}, as_json)


def job_why(execution_id: str, state: State = None, as_json: Json = False) -> None:
    """Say what holds an execution back, or how it ended, and its history."""
    from muster_platform.jobs.executions import ExecutionService

    with unit(state, write=False) as work:
        service = ExecutionService(work)
        why, events = service.why(execution_id), service.events(execution_id)
    row = pick(why, "code", "subject", "since", "text")
    history = [pick(event, "at", "from_state", "to_state", "actor", "message") for event in events]
    if as_json:
        show_one(row | {"events": history}, as_json)
        return
    typer.echo(why.text)
    show(history, ("at", "from_state", "to_state", "actor", "message"), as_json=False)


def _target(devices: list[str] | None, group: int | None, tag: str | None) -> dict[str, Any]:
    given = [part for part in (devices, group, tag) if part]
    if len(given) != 1:
        raise InvalidInput("give exactly one of --device, --group, --tag", where="target")
    if devices:
        return {"devices": devices}
    if group:
        return {"group": group}
    name, _, value = (tag or "").partition("=")
    return {"tag": {"name": name, "value": value}}


def _executions(work: Any, job_id: str, limit: int = 500) -> list[dict[str, Any]]:
    from muster_platform.jobs.service import JobService
    from muster_platform.paging import PageRequest

    page = JobService(work).executions(job_id, PageRequest(size=limit))
    return [pick(view, *_EXECUTION, "result", "error_message") for view in page.items]


def _follow(state: Path | None, job_id: str, quiet: bool) -> list[dict[str, Any]]:
    """Look again and again until every execution shown has ended."""
    from muster_platform.jobs.service import JobService

    with platform(state) as opened, Console(stderr=True).status("") as line:
        while True:
            with opened.unit(local_actor(), write=False) as work:
                job = JobService(work).get(job_id)
                open_count = sum(n for name, n in job.counts.items() if name not in _ENDED)
                if not open_count:
                    return _executions(work, job_id)
            if not quiet:
                counts = ", ".join(
                    f"{n} {ExecutionState(s).lower()}" for s, n in job.counts.items()
                )
                line.update(counts)
            time.sleep(_FOLLOW_S)
