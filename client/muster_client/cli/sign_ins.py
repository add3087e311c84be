"""Commands about people's sign-ins: below `muster user`."""

from typing import Annotated

import typer

from muster_client.cli.connect import muster
from muster_client.cli.show import Json, State, show, show_one, take
from muster_client.generated.operations import Operations

Group = Annotated[int | None, typer.Option(help="Group of the role; else everywhere.")]


def register(user: typer.Typer) -> None:
    """Add the commands to `muster user`."""
    for name, command in (
        ("invite", user_invite),
        ("link", user_link),
        ("sign-ins", user_sign_ins),
        ("sessions", user_sessions),
        ("end-sessions", user_end_sessions),
        ("reset-second-factor", user_reset_second_factor),
    ):
        user.command(name)(command)


def user_invite(
    email: str,
    name: Annotated[str, typer.Option(help="As others see it.")] = "",
    role: Annotated[str | None, typer.Option(help="Role to give at once.")] = None,
    group: Group = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make an account and mail its owner a link to choose the password."""
    with muster(state) as api:
        user = api.invite_user(email=email, name=name, role=role, group_id=group)
    show_one({"id": user["id"], "email": user["email"], "invited": True}, as_json)


def user_link(email: str, state: State = None, as_json: Json = False) -> None:
    """Mail a person a link to choose a password: the invitation again, or a reset."""
    with muster(state) as api:
        api.send_user_link(_id(api, email))
    show_one({"email": email, "mailed": True}, as_json)


def user_sign_ins(
    email: Annotated[str | None, typer.Argument(help="Whose; else everybody's.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List the last sign-ins, failed ones too."""
    names = ("at", "email", "outcome", "tries", "second_factor", "address", "user_agent")
    with muster(state) as api:
        found = api.list_user_sign_ins(_id(api, email)) if email else api.list_sign_ins()
        rows = [take(row, *names) for row in found["items"]]
    show(rows, ("at", "email", "outcome", "tries", "address"), as_json)


def user_sessions(email: str, state: State = None, as_json: Json = False) -> None:
    """List where a person is signed in."""
    names = ("id", "used_at", "started_at", "address", "user_agent", "second_factor", "current")
    with muster(state) as api:
        rows = [take(row, *names) for row in api.list_user_sessions(_id(api, email))["items"]]
    show(rows, ("id", "used_at", "address", "user_agent"), as_json)


def user_end_sessions(email: str, state: State = None, as_json: Json = False) -> None:
    """End a person's sign-ins, at once."""
    with muster(state) as api:
        ended = api.end_user_sessions(_id(api, email))
    show_one({"email": email, "ended": ended["ended"]}, as_json)


def user_reset_second_factor(
    email: str,
    reason: Annotated[str, typer.Option(help="For the audit log.")] = "",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Take a second factor away from a person who lost phone and codes."""
    with muster(state) as api:
        api.reset_user_second_factor(_id(api, email), reason=reason or None)
    show_one({"email": email, "second_factor": False}, as_json)


def _id(api: Operations, email: str) -> str:
    # Here, not above: that module adds these commands.
    from muster_client.cli.people import by_email

    return by_email(api, email)["id"]
