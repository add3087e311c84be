"""Commands about the order of the fleet: profile, group, enrolment tokens."""

from typing import Annotated

import typer

from muster_platform.cli.common import Json, State, pick, show, show_one, unit

profile_app = typer.Typer(no_args_is_help=True, help="Device types.")
group_app = typer.Typer(no_args_is_help=True, help="The tree of groups: the scope of rights.")
token_app = typer.Typer(no_args_is_help=True, help="Tokens with which devices enrol.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    profile_app.command("list")(profile_list)
    profile_app.command("create")(profile_create)
    group_app.command("list")(group_list)
    group_app.command("create")(group_create)
    token_app.command("list")(token_list)
    token_app.command("create")(token_create)
    token_app.command("revoke")(token_revoke)
    app.add_typer(profile_app, name="profile")
    app.add_typer(group_app, name="group")
    app.add_typer(token_app, name="token")


def profile_list(state: State = None, as_json: Json = False) -> None:
    """List the profiles."""
    from muster_platform.devices.profiles import ProfileService

    names = ("name", "title", "contact", "expect_every_s", "qos_down")
    with unit(state, write=False) as work:
        rows = [pick(profile, *names) for profile in ProfileService(work).list()]
    show(rows, names, as_json)


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
    from muster_platform.devices.profiles import ProfileService

    with unit(state) as work:
        made = ProfileService(work).create(name, title or name, contact, expect_every_s, qos_down)
        show_one(pick(made, "id", "name", "title", "contact", "expect_every_s"), as_json)


def group_list(state: State = None, as_json: Json = False) -> None:
    """List the groups, parents before children."""
    from muster_platform.access.groups import GroupService

    with unit(state, write=False) as work:
        groups = sorted(GroupService(work).list(), key=lambda group: group.path)
        rows = [
            pick(
                g, "id", "name", "parent_id", tree=lambda g: "  " * (g.path.count("/") - 1) + g.name
            )
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
    from muster_platform.access.groups import GroupService

    with unit(state) as work:
        show_one(pick(GroupService(work).create(name, parent), "id", "name", "parent_id"), as_json)


def token_list(state: State = None, as_json: Json = False) -> None:
    """List the enrolment tokens (never their text)."""
    from muster_platform.devices.enrolment import EnrolmentService

    names = ("id", "name", "token_prefix", "mode", "uses", "max_uses", "expires_at", "revoked_at")
    with unit(state, write=False) as work:
        rows = [pick(token, *names) for token in EnrolmentService(work).list()]
    show(rows, names, as_json)


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
    from muster_platform.devices.enrolment import EnrolmentService

    with unit(state) as work:
        row, text = EnrolmentService(work).create_token(name, profile, group, mode, max_uses)
        show_one({"id": row.id, "name": name, "token": text}, as_json)


def token_revoke(token_id: str, state: State = None, as_json: Json = False) -> None:
    """Revoke an enrolment token; devices that enrolled with it stay."""
    from muster_platform.devices.enrolment import EnrolmentService

    with unit(state) as work:
        EnrolmentService(work).revoke(token_id)
    show_one({"id": token_id, "revoked": True}, as_json)
