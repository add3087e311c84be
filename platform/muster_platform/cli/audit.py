"""Commands about the audit log: audit list, show, verify, head, export."""

import re
import sys
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.audit_checks import AuditChecks
from muster_platform.access.audit_verify import AuditVerifier, Mark, Verified
from muster_platform.bootstrap import Platform
from muster_platform.cli.common import (
    Json,
    Limit,
    State,
    local_actor,
    pick,
    platform,
    show,
    show_one,
    unit,
)
from muster_platform.errors import InvalidInput
from muster_platform.paging import PageRequest

SLICE = 20_000
"""Entries read in one transaction: a long chain must not hold one open for minutes."""

_HEAD = re.compile(r"(?P<number>[0-9]{1,18})[: ](?P<hash>[0-9a-f]{64})")

audit_app = typer.Typer(no_args_is_help=True, help="Who did what, and proof that it stands.")

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
    for name, command in (
        ("list", audit_list),
        ("show", audit_show),
        ("verify", audit_verify),
        ("head", audit_head),
        ("export", audit_export),
    ):
        audit_app.command(name)(command)
    app.add_typer(audit_app, name="audit")


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
    wanted = AuditFilter(
        actor=actor, action=action, subject_kind=kind, subject=subject,
        since=since, until=until, text=text,
    )  # fmt: skip
    with unit(state, write=False) as work:
        found = AuditService(work).list(wanted, PageRequest(limit)).items
        rows = [pick(entry, *ALL_COLUMNS) for entry in found]
    show(rows, COLUMNS, as_json, "nothing was done yet that fits")


def audit_show(number: int, state: State = None, as_json: Json = False) -> None:
    """Show one entry with what was before and after."""
    with unit(state, write=False) as work:
        show_one(pick(AuditService(work).get(number), *ALL_COLUMNS), as_json)


def audit_verify(
    head: Annotated[
        list[str] | None,
        typer.Option(help="A head noted elsewhere, NUMBER:HASH; may be given several times."),
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Verify the whole chain; ends with 1 and names the first entry that is not as written.

    A chain that was cut or rewritten as a whole together with its head is one in itself: only a
    head that was noted elsewhere (`muster audit head`, the worker's log) tells.
    """
    remembered = dict(_remembered(text) for text in head or ())
    with platform(state) as opened:
        found = verify_all(opened, remembered, quiet=as_json)
    wrong = found.finding
    show_one(
        {
            "intact": wrong is None,
            "entries": found.intact.number,
            "head": f"{found.head.number}:{found.head.hash}",
            "fault": wrong.fault if wrong else None,
            "entry": wrong.number if wrong else None,
            "detail": wrong.detail if wrong else None,
        },
        as_json,
    )
    if wrong is not None:
        raise typer.Exit(1)


def verify_all(opened: Platform, remembered: dict[int, str], *, quiet: bool = True) -> Verified:
    """Walk the whole chain, a slice a transaction."""
    at = Mark()
    while True:
        with opened.unit(local_actor(), write=False) as work:
            found = AuditVerifier(work).verify(at, SLICE, remembered)
        if found.is_whole or found.finding is not None:
            return found
        at = found.intact
        if not quiet:
            typer.echo(f"{at.number:,} of {found.head.number:,} entries are intact", err=True)


def audit_head(state: State = None, as_json: Json = False) -> None:
    """Print the head of the chain, to be kept elsewhere, and what the worker last found."""
    with unit(state, write=False) as work:
        known = AuditChecks(work).state()
    show_one(
        {
            "head": f"{known.head.number}:{known.head.hash}",
            "checked_up_to": known.intact.number,
            "checked_at": known.checked_at or None,
            "fault": known.fault,
        },
        as_json,
    )


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
    wanted = AuditFilter(
        actor=actor, action=action, subject_kind=kind, subject=subject,
        since=since, until=until, text=text,
    )  # fmt: skip
    if form not in ("csv", "jsonl"):
        raise InvalidInput(f"--format is csv or jsonl, not {form!r}", where="--format")
    with unit(state, write=False) as work:
        rows = (pick(entry, *ALL_COLUMNS) for entry in AuditService(work).export(wanted))
        for line in _csv(rows) if form == "csv" else _json_lines(rows):
            sys.stdout.write(line)


def _json_lines(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    return (f"{msgspec.json.encode(row).decode()}\n" for row in rows)


def _csv(rows: Iterator[dict[str, object]]) -> Iterator[str]:
    from muster_platform.web.site.csv_safe import lines

    return lines(ALL_COLUMNS, ([_text(row[name]) for name in ALL_COLUMNS] for row in rows))


def _text(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


def _remembered(text: str) -> tuple[int, str]:
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"a head is NUMBER:HASH, as `muster audit head` prints it, not {text[:80]!r}",
            where="--head",
        )
    return int(found["number"]), found["hash"]
