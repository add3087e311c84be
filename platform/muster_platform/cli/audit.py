"""Commands that prove the audit log, on this machine: audit verify, head."""

import re
from typing import Annotated

import typer

from muster_platform.access.audit_checks import AuditChecks
from muster_platform.access.audit_verify import AuditVerifier, Mark, Verified
from muster_platform.bootstrap import Platform
from muster_platform.cli.common import (
    Json,
    State,
    local_actor,
    platform,
    show_one,
    unit,
)
from muster_platform.errors import InvalidInput

SLICE = 20_000
"""Entries read in one transaction: a long chain must not hold one open for minutes."""

_HEAD = re.compile(r"(?P<number>[0-9]{1,18})[: ](?P<hash>[0-9a-f]{64})")

audit_app = typer.Typer(no_args_is_help=True, help="Who did what, and proof that it stands.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("verify", audit_verify),
        ("head", audit_head),
    ):
        audit_app.command(name)(command)
    app.add_typer(audit_app, name="audit")


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


def _remembered(text: str) -> tuple[int, str]:
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"a head is NUMBER:HASH, as `muster audit head` prints it, not {text[:80]!r}",
            where="--head",
        )
    return int(found["number"]), found["hash"]
