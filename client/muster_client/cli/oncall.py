"""Commands about on-call lists: who is told of alarms, now and in the days to come."""

from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, State, show, show_one, take

Group = Annotated[int, typer.Argument(help="Id of the group, as `group list` shows it.")]
PACE = ("group_id", "zone", "wait_s", "remind_s", "reminders", "version", "updated_at")
TIMES = ("days", "start", "end")
AWAY = ("name", "start_at", "end_at", "instead")
SHIFTS = ("start_at", "end_at", "people")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    oncall = typer.Typer(no_args_is_help=True, help="Who is told of alarms.")
    oncall.command("who")(oncall_who)
    oncall.command("show")(oncall_show)
    oncall.command("test")(oncall_test)
    app.add_typer(oncall, name="oncall")


def oncall_who(
    group: Group = 1,
    at: Annotated[int | None, typer.Option(help="Moment, ms since the epoch; else now.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Say who is told of the alarms of a group, first told first."""
    with muster(state) as api:
        found = api.who_is_on_call(group, at=at)
    if as_json:
        show_one(take(found, "people", "gone_to", "list_group_id"), as_json)
        return
    typer.echo(f"goes to {found['gone_to']}")
    rows = [{"place": n, "name": one["name"]} for n, one in enumerate(found["people"], 1)]
    show(rows, ("place", "name"), as_json, "nobody")


def oncall_show(
    group: Group = 1,
    days: Annotated[int, typer.Option(min=1, max=31, help="Days to look ahead.")] = 7,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show the list of a group, and who is on call in the days to come."""
    with muster(state) as api:
        found = api.get_on_call(group)
        ahead = api.list_shifts(group, days=days)["items"]
    names = found["names"]
    shifts = [
        {
            "start_at": one["start"],
            "end_at": one["end"],
            "people": [names[person] for person in one["people"]],
        }
        for one in ahead
    ]
    if as_json:
        show_one(take(found, *PACE, "entries", "absences", "names", shifts=shifts), as_json)
        return
    show_one(take(found, *PACE), as_json)
    typer.echo("")
    lines = [take(one, *TIMES, name=names[one["user_id"]]) for one in found["entries"]]
    show(lines, ("name", *TIMES), as_json, "nobody is on the list")
    if found["absences"]:
        typer.echo("")
        show([_away(one, names) for one in found["absences"]], AWAY, as_json)
    typer.echo("")
    show(shifts, SHIFTS, as_json)


def oncall_test(group: Group = 1, state: State = None) -> None:
    """Send a test mail to everybody on the list of a group."""
    with muster(state) as api:
        people = api.send_on_call_test(group)["items"]
    typer.echo(f"a test mail goes to {', '.join(one['name'] for one in people)}")


def _away(one: Any, names: dict[str, str]) -> dict[str, Any]:
    instead = one["instead_id"]
    return {
        "name": names[one["user_id"]],
        "start_at": one["start"],
        "end_at": one["end"],
        "instead": names[instead] if instead else None,
    }
