"""Commands about the audit log: audit list, show, export; proving it is the machine's own."""

import sys
from typing import Annotated

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, State, WrongOption, show, show_one, take

Actor = Annotated[str | None, typer.Option(help="Part of the actor's name, or its id.")]
Action = Annotated[str | None, typer.Option(help="One action, or all of a kind: `device.`.")]
Kind = Annotated[str | None, typer.Option(help="Kind of subject: device, user, job, …")]
Subject = Annotated[str | None, typer.Option(help="Part of the subject's name, or its id.")]
Since = Annotated[int | None, typer.Option(help="From then on, ms since the epoch.")]
Until = Annotated[int | None, typer.Option(help="Before then, ms since the epoch.")]
Text = Annotated[str | None, typer.Option(help="Stands anywhere in the entry.")]

COLUMNS = ("id", "at", "actor_name", "action", "subject_kind", "subject_name", "reason")
ALL_COLUMNS = (
    *("id", "at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind", "subject_id"),
    *("subject_name", "before", "after", "reason", "request_id", "hash"),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(no_args_is_help=True, help="Who did what, and proof that it stands.")
    audit.command("list")(audit_list)
    audit.command("show")(audit_show)
    audit.command("export")(audit_export)
    app.add_typer(audit, name="audit")


def audit_list(
    actor: Actor = None,
    action: Action = None,
    kind: Kind = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List what was done, newest first."""
    with muster(state) as api:
        page = api.list_audit(
            actor=actor,
            action=action,
            subject_kind=kind,
            subject=subject,
            since=since,
            until=until,
            text=text,
            limit=limit,
        )
    rows = [take(entry, *ALL_COLUMNS) for entry in page["items"]]
    show(rows, COLUMNS, as_json, "nothing was done yet that fits")


def audit_show(number: int, state: State = None, as_json: Json = False) -> None:
    """Show one entry with what was before and after."""
    with muster(state) as api:
        show_one(take(api.get_audit_entry(number), *ALL_COLUMNS), as_json)


def audit_export(
    form: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "jsonl",
    actor: Actor = None,
    action: Action = None,
    kind: Kind = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    state: State = None,
) -> None:
    """Write entries to the standard output, newest first, up to the setting export_rows_max."""
    if form not in ("csv", "jsonl"):
        raise WrongOption(f"--format is csv or jsonl, not {form!r}")
    with muster(state) as api:
        export = api.export_audit if form == "csv" else api.export_audit_lines
        with export(
            actor=actor,
            action=action,
            subject_kind=kind,
            subject=subject,
            since=since,
            until=until,
            text=text,
        ) as lines:
            sys.stdout.writelines(lines)
