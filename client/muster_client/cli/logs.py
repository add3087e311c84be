"""Commands about logs: logs, fingerprints."""

import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, Reason, State, WrongOption, show, show_one, take
from muster_client.generated.operations import Operations
from muster_client.unset import UNSET

POLL_S = 1.0
FOLLOWED = 500
UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Fingerprint = Annotated[str, typer.Argument(help="Its id, as `fingerprints list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("logs")(logs)
    faults = typer.Typer(no_args_is_help=True, help="What logs report, grouped by fault.")
    for name, command in (
        ("list", fingerprints_list),
        ("show", fingerprints_show),
        ("resolve", fingerprints_resolve),
        ("ignore", fingerprints_ignore),
        ("reopen", fingerprints_reopen),
        ("assign", fingerprints_assign),
        ("note", fingerprints_note),
    ):
        faults.command(name)(command)
    app.add_typer(faults, name="fingerprints")


def logs(
    text: Annotated[str, typer.Argument(help='Words, "a phrase", -not.')] = "",
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    group: Annotated[int | None, typer.Option(help="Id of a group, with those inside.")] = None,
    profile: Annotated[str | None, typer.Option(help="Name of a profile.")] = None,
    tag: Annotated[str | None, typer.Option(help="NAME or NAME=VALUE.")] = None,
    level: Annotated[str | None, typer.Option(help="Least level: TRACE … FATAL.")] = None,
    logger: Annotated[str | None, typer.Option(help="How the logger's name begins.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the record.")] = None,
    fingerprint: Annotated[str | None, typer.Option(help="Of one fault.")] = None,
    since: Annotated[str | None, typer.Option(help="How far back: 30m, 24h, 7d.")] = None,
    limit: Limit = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones.")] = False,
    export: Annotated[str | None, typer.Option(help="csv or jsonl: print all of it.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Search the logs of devices; the newest last. With --follow, go on until interrupted."""
    least: Any = level.upper() if level else None
    choice: dict[str, Any] = {
        "text": text or None,
        "device_id": device,
        "group": group,
        "profile": profile,
        "tag": tag,
        "min_level": least,
        "logger": logger,
        "field": field or None,
        "fingerprint": fingerprint,
        "since": _back(since),
    }
    with muster(state) as api:
        if export is not None:
            for part in _exported(api, export, choice):
                sys.stdout.write(part if part.endswith("\n") else f"{part}\n")
            return
        for record in _records(api, choice, limit, follow=follow):
            typer.echo(msgspec.json.encode(record).decode() if as_json else _line(record))


def _records(
    api: Operations, choice: dict[str, Any], limit: int, *, follow: bool
) -> Iterator[Mapping[str, Any]]:
    """Give the newest, oldest first; then what comes behind them, without end."""
    began = int(time.time() * 1_000)
    page = api.search_logs(**choice, limit=limit)
    yield from reversed(page["items"])
    cursor = page["previous_cursor"]
    while follow:
        # Nothing matched yet: a cursor has to begin somewhere.
        more = choice if cursor else {**choice, "since": max(choice["since"] or 0, began)}
        page = api.search_logs(**more, limit=FOLLOWED, cursor=cursor)
        yield from reversed(page["items"])
        cursor = page["previous_cursor"] or cursor
        if len(page["items"]) < FOLLOWED:
            time.sleep(POLL_S)


def _exported(api: Operations, kind: str, choice: dict[str, Any]) -> Iterator[str]:
    if kind not in ("csv", "jsonl"):
        raise WrongOption(f"--export: csv or jsonl, not {kind!r}")
    ask = api.export_logs if kind == "csv" else api.export_logs_lines
    with ask(**choice) as lines:
        yield from lines


def _line(record: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(record["ts"] / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    fault = record["exception_type"]
    tail = f" [{fault}: {record['exception_message']}]" if fault else ""
    message = f"{record['logger']} {record['message']}{tail}".strip()
    return f"{at}Z {record['level']:5} {record['device_id']}  {_visible(message)}"


def _visible(text: str) -> str:
    """Replace what a terminal would obey: a device's words are only shown."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def _back(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS_MS or not (number.isascii() and number.isdecimal()):
        raise WrongOption(f"--since: write how far back, such as 30m, 24h or 7d, not {text!r}")
    return max(0, int(time.time() * 1_000) - int(number) * UNITS_MS[unit])


def fingerprints_list(
    text: Annotated[str, typer.Argument(help="Words in the title.")] = "",
    decided: Annotated[
        list[str] | None, typer.Option("--in", help="OPEN, REGRESSED, RESOLVED, IGNORED.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    group: Annotated[int | None, typer.Option(help="Id of a group, with those inside.")] = None,
    since: Annotated[str | None, typer.Option(help="Seen lately: 30m, 24h, 7d.")] = None,
    sort: Annotated[str, typer.Option(help="last_seen, first_seen, count, devices.")] = "last_seen",
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List faults: how often, on how many devices, in which versions."""
    states: Any = [word.upper() for word in decided or ("OPEN", "REGRESSED")]
    with muster(state) as api:
        page = api.list_fingerprints(
            text=text or None,
            state=states,
            device_id=device,
            group=group,
            since=_back(since),
            sort=sort,
            limit=limit,
        )
    names = ("id", "state", "count", "devices", "last_seen", "title")
    rows = [take(one, *names) for one in page["items"]]
    for row in rows:
        row["ts"] = row["last_seen"]
    show(rows, ("id", "state", "count", "devices", "ts", "title"), as_json)


def fingerprints_show(fingerprint: Fingerprint, state: State = None, as_json: Json = False) -> None:
    """Show a fault: trend, versions, devices, and what was done."""
    with muster(state) as api:
        found = api.get_fingerprint(fingerprint)
        devices = api.list_fingerprint_devices(fingerprint)["items"]
        acts = api.list_fingerprint_acts(fingerprint)["items"]
    row: dict[str, Any] = dict(found["fingerprint"])
    row["versions"] = {one["version"]: one["count"] for one in found["versions"]}
    row["on_devices"] = {one["device_id"]: one["count"] for one in devices}
    row["acts"] = [f"{one['actor_name']} {one['act']}" for one in acts]
    show_one(row, as_json)


def fingerprints_resolve(
    fingerprint: Fingerprint,
    version: Annotated[str, typer.Option("--in", help="Version that no longer has it.")] = "",
    reason: Reason = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Say that a fault is resolved; it comes back by itself when it is seen again."""
    more = {"resolved_in": version} if version else {}
    _decide(fingerprint, state, as_json, state_="RESOLVED", reason=reason, **more)


def fingerprints_ignore(
    fingerprint: Fingerprint, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Ignore a fault, whatever comes."""
    _decide(fingerprint, state, as_json, state_="IGNORED", reason=reason)


def fingerprints_reopen(
    fingerprint: Fingerprint, reason: Reason = "", state: State = None, as_json: Json = False
) -> None:
    """Open a fault again."""
    _decide(fingerprint, state, as_json, state_="OPEN", reason=reason)


def fingerprints_assign(
    fingerprint: Fingerprint,
    user: Annotated[str, typer.Argument(help="Id of a person; nobody for none.")],
    state: State = None,
    as_json: Json = False,
) -> None:
    """Give a fault to somebody."""
    _decide(fingerprint, state, as_json, assignee_id=None if user == "nobody" else user)


def fingerprints_note(
    fingerprint: Fingerprint, note: str, state: State = None, as_json: Json = False
) -> None:
    """Write the note that everybody reads who sees the fault."""
    _decide(fingerprint, state, as_json, note=note)


def _decide(
    fingerprint: str, state: Any, as_json: bool, *, state_: Any = UNSET, **more: Any
) -> None:
    with muster(state) as api:
        view = api.update_fingerprint(fingerprint, state=state_, **more)
    show_one(take(view, "id", "title", "state", "resolved_in", "assignee_name", "note"), as_json)
