"""Commands about trouble: alarms, rules."""

from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, Limit, State, parse_json, show, show_one, take

Alarm = Annotated[str, typer.Argument(help="Its id, as `alarms list` shows it.")]
OPEN: list[Any] = ["ACTIVE_UNACK", "ACTIVE_ACK", "CLEARED_UNACK"]
COLUMNS = ("id", "severity", "state", "title", "rule_name", "group_name", "active_at")
RULE_COLUMNS = ("id", "name", "kind", "severity", "words", "group_name", "enabled", "active")
WHOLE = (
    *("id", "title", "severity", "state", "rule_name", "kind", "subject_kind", "subject_name"),
    *("device_id", "group_name", "counter", "first_at", "active_at", "cleared_at"),
    *("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "resolved_reason"),
    *("assignee_name", "hidden_by", "evidence", "labels"),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    alarms = typer.Typer(no_args_is_help=True, help="Trouble that rules found.")
    for name, command in (
        ("list", alarms_list),
        ("show", alarms_show),
        ("ack", alarms_ack),
        ("resolve", alarms_resolve),
        ("comment", alarms_comment),
    ):
        alarms.command(name)(command)
    app.add_typer(alarms, name="alarms")
    rules = typer.Typer(no_args_is_help=True, help="What is trouble.")
    rules.command("list")(rules_list)
    rules.command("kinds")(rules_kinds)
    rules.command("preview")(rules_preview)
    rules.command("create")(rules_create)
    rules.command("enable")(rules_enable)
    rules.command("disable")(rules_disable)
    rules.command("delete")(rules_delete)
    app.add_typer(rules, name="rules")


def alarms_list(
    severity: Annotated[str | None, typer.Option(help="critical, warning or info.")] = None,
    text: Annotated[str | None, typer.Option(help="Words in the title.")] = None,
    device: Annotated[str | None, typer.Option(help="Device id.")] = None,
    group: Annotated[int | None, typer.Option(help="Id of a group, with those inside.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Explained ones too.")] = False,
    limit: Limit = 50,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List open alarms, the newest first."""
    worst: Any = [severity] if severity else None
    with muster(state) as api:
        page = api.list_alarms(
            state=None if closed else OPEN,
            severity=worst,
            text=text,
            device_id=device,
            group=group,
            hidden=hidden or None,
            limit=limit,
        )
    rows = [take(alarm, *(WHOLE if as_json else COLUMNS)) for alarm in page["items"]]
    show(rows, COLUMNS, as_json, "no alarms")


def alarms_show(alarm: Alarm, state: State = None, as_json: Json = False) -> None:
    """Show an alarm with its evidence and what became of it."""
    with muster(state) as api:
        found = api.get_alarm(alarm)
        events = api.list_alarm_events(alarm)["items"]
    history = [take(event, "at", "change", "actor_name", "text") for event in events]
    if as_json:
        show_one(take(found, *WHOLE, history=history), as_json)
        return
    show_one(take(found, *WHOLE), as_json)
    typer.echo("")
    show(history, ("at", "change", "actor_name", "text"), as_json)


def alarms_ack(
    alarm: Alarm,
    comment: Annotated[str, typer.Option(help="For whoever looks at it.")] = "",
    state: State = None,
) -> None:
    """Take note of an alarm: nobody is reminded any more."""
    with muster(state) as api:
        found = api.acknowledge_alarm(alarm, comment=comment)
    typer.echo(f"{found['title']}: {found['state']}")


def alarms_resolve(
    alarm: Alarm,
    reason: Annotated[str, typer.Option(help="Why it is closed by hand.")],
    state: State = None,
) -> None:
    """Close an alarm; it is raised again only after its condition has ended once."""
    with muster(state) as api:
        found = api.resolve_alarm(alarm, reason=reason)
    typer.echo(f"{found['title']}: {found['state']}")


def alarms_comment(
    alarm: Alarm,
    text: Annotated[str, typer.Argument(help="What to say.")],
    state: State = None,
) -> None:
    """Write a comment to an alarm."""
    with muster(state) as api:
        found = api.comment_alarm(alarm, text=text)
    typer.echo(f"{found['title']}: kept")


Params = Annotated[str, typer.Option(help="JSON object; `rules kinds` names the parameters.")]
Kind = Annotated[str, typer.Argument(help="A kind of `rules kinds`.")]
Group = Annotated[int, typer.Option(help="Id of the group that it looks at.")]
Only = Annotated[str, typer.Option("--filter", help="JSON object: which devices.")]
Severity = Annotated[str, typer.Option(help="critical, warning or info.")]
Rule = Annotated[str, typer.Argument(help="Its id, as `rules list` shows it.")]


def rules_list(limit: Limit = 50, state: State = None, as_json: Json = False) -> None:
    """List rules."""
    with muster(state) as api:
        page = api.list_rules(limit=limit)
    show([take(rule, *RULE_COLUMNS) for rule in page["items"]], RULE_COLUMNS, as_json, "no rules")


def rules_kinds(state: State = None, as_json: Json = False) -> None:
    """List the kinds of rules with their parameters."""
    with muster(state) as api:
        kinds = api.list_rule_kinds()["items"]
    rows = [
        {
            "name": kind["name"],
            "title": kind["title"],
            "params": [p["name"] + ("" if p["required"] else "?") for p in kind["params"]],
        }
        for kind in kinds
    ]
    show(rows, ("name", "title", "params"), as_json)


def rules_preview(
    kind: Kind,
    params: Params = "{}",
    group: Group = 1,
    only: Only = "{}",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Show what a rule would raise now; nothing is saved."""
    with muster(state) as api:
        found = api.preview_rule(
            name=kind,
            kind=_kind(kind),
            params=parse_json(params, "--params"),
            group_id=group,
            device_filter=parse_json(only, "--filter"),
        )
    if as_json:
        show_one(take(found, "words", "count", "devices", "lines"), as_json)
        return
    typer.echo(f"{found['words']}: would be active now for {found['count']}")
    rows = [take(line, "title", "since") for line in found["lines"]]
    show(rows, ("title", "since"), as_json, "nothing")


def rules_create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    kind: Annotated[str, typer.Option(help="A kind of `rules kinds`.")],
    params: Params = "{}",
    severity: Severity = "warning",
    group: Group = 1,
    only: Only = "{}",
    state: State = None,
) -> None:
    """Make a rule; it is evaluated at once."""
    how_bad: Any = severity
    with muster(state) as api:
        made = api.create_rule(
            name=name,
            kind=_kind(kind),
            params=parse_json(params, "--params"),
            severity=how_bad,
            group_id=group,
            device_filter=parse_json(only, "--filter"),
        )
    typer.echo(f"{made['id']}  {made['words']}")


def rules_enable(rule: Rule, state: State = None) -> None:
    """Switch a rule on."""
    _switch(rule, state, on=True)


def rules_disable(rule: Rule, state: State = None) -> None:
    """Switch a rule off; its alarms clear."""
    _switch(rule, state, on=False)


def rules_delete(rule: Rule, state: State = None) -> None:
    """Delete a rule and close its alarms; one that is built in can only be disabled."""
    with muster(state) as api:
        api.delete_rule(rule)
    typer.echo("deleted")


def _switch(rule: str, state: State, *, on: bool) -> None:
    with muster(state) as api:
        found = api.update_rule(rule, enabled=on)
    typer.echo(f"{found['name']}: {'on' if found['enabled'] else 'off'}")


def _kind(name: str) -> Any:
    """Give a kind as the client takes it; the server knows which there are."""
    return name
