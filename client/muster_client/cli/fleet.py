"""Commands about the order of the fleet: profile, group, enrolment tokens."""

from typing import Annotated, Any

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, State, show, show_one, take


def register(app: typer.Typer) -> None:
    """Add the commands."""
    profile = typer.Typer(no_args_is_help=True, help="Device types.")
    profile.command("list")(profile_list)
    profile.command("create")(profile_create)
    profile.command("delete")(profile_delete)
    group = typer.Typer(no_args_is_help=True, help="The tree of groups: the scope of rights.")
    group.command("list")(group_list)
    group.command("create")(group_create)
    group.command("update")(group_update)
    group.command("delete")(group_delete)
    token = typer.Typer(no_args_is_help=True, help="Tokens with which devices enrol.")
    token.command("list")(token_list)
    token.command("create")(token_create)
    token.command("revoke")(token_revoke)
    app.add_typer(profile, name="profile")
    app.add_typer(group, name="group")
    app.add_typer(token, name="token")


def profile_list(state: State = None, as_json: Json = False) -> None:
    """List the profiles."""
    names = ("name", "title", "contact", "expect_every_s", "qos_down")
    with muster(state) as api:
        found = api.list_profiles()["items"]
    show([take(profile, *names) for profile in found], names, as_json)


def profile_create(
    name: str,
    title: Annotated[str, typer.Option(help="As people see it.")] = "",
    contact: Annotated[str, typer.Option(help="always or periodic.")] = "always",
    expect_every_s: Annotated[int, typer.Option(help="Seconds of silence to expect.")] = 300,
    qos_down: Annotated[int, typer.Option(help="QoS of commands: 0, 1 or 2.")] = 1,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Create a profile."""
    kind: Any = contact
    with muster(state) as api:
        made = api.create_profile(
            name=name, title=title, contact=kind, expect_every_s=expect_every_s, qos_down=qos_down
        )
    show_one(take(made, "name", "title", "contact", "expect_every_s"), as_json)


def profile_delete(name: str, state: State = None, as_json: Json = False) -> None:
    """Delete a profile that nothing uses."""
    with muster(state) as api:
        api.delete_profile(name)
    show_one({"name": name, "deleted": True}, as_json)


def group_list(state: State = None, as_json: Json = False) -> None:
    """List the groups, parents before children."""
    with muster(state) as api:
        groups = api.list_groups()["items"]
    depth = min((group["path"].count("/") for group in groups), default=0)
    rows = [
        take(g, "id", "name", "parent_id", tree="  " * (g["path"].count("/") - depth) + g["name"])
        for g in groups
    ]
    show(rows, ("id", "tree"), as_json)


def group_create(
    name: str,
    parent: Annotated[int, typer.Option(help="Id of the group around it.")] = 1,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Create a group inside another."""
    with muster(state) as api:
        made = api.create_group(name=name, parent_id=parent)
    show_one(take(made, "id", "name", "parent_id"), as_json)


def group_update(
    group_id: int,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    parent: Annotated[int | None, typer.Option(help="Id of the group it moves into.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Rename or move a group; rights follow the tree."""
    with muster(state) as api:
        changed = api.update_group(group_id, name=name, parent_id=parent)
    show_one(take(changed, "id", "name", "parent_id"), as_json)


def group_delete(group_id: int, state: State = None, as_json: Json = False) -> None:
    """Delete an empty group."""
    with muster(state) as api:
        api.delete_group(group_id)
    show_one({"id": group_id, "deleted": True}, as_json)


def token_list(state: State = None, as_json: Json = False) -> None:
    """List the enrolment tokens (never their text)."""
    names = ("id", "name", "prefix", "mode", "uses", "max_uses", "expires_at", "revoked_at")
    with muster(state) as api:
        found = api.list_tokens()["items"]
    show([take(token, *names) for token in found], names, as_json)


def token_create(
    name: str,
    profile: Annotated[str, typer.Option(help="Profile of the devices.")],
    group: Annotated[int, typer.Option(help="Home group of new devices.")] = 1,
    mode: Annotated[str, typer.Option(help="pre_registered or allow_new.")] = "pre_registered",
    max_uses: Annotated[int | None, typer.Option(help="How many devices; else any.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Create an enrolment token; its text is shown once."""
    kind: Any = mode
    with muster(state) as api:
        made = api.create_token(
            name=name, profile=profile, group_id=group, mode=kind, max_uses=max_uses
        )
    show_one(take(made, "id", "name", "token"), as_json)


def token_revoke(token_id: str, state: State = None, as_json: Json = False) -> None:
    """Revoke an enrolment token; devices that enrolled with it stay."""
    with muster(state) as api:
        api.revoke_token(token_id)
    show_one({"id": token_id, "revoked": True}, as_json)
