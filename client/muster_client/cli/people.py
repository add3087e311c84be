"""Commands about people: user."""

from typing import Annotated, Any

import typer

from muster_client.cli import sign_ins
from muster_client.cli.connect import muster
from muster_client.cli.show import Json, State, WrongOption, show, show_one, take
from muster_client.generated import types as t
from muster_client.generated.operations import Operations

Group = Annotated[int | None, typer.Option(help="Group of the role; else everywhere.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    user = typer.Typer(no_args_is_help=True, help="People who sign in, and their roles.")
    for name, command in (
        ("list", user_list),
        ("create", user_create),
        ("bind", user_bind),
        ("unbind", user_unbind),
        ("password", user_password),
        ("disable", user_disable),
        ("enable", user_enable),
    ):
        user.command(name)(command)
    sign_ins.register(user)
    app.add_typer(user, name="user")


def user_list(state: State = None, as_json: Json = False) -> None:
    """List the people and what they may do where."""
    from muster_client.muster import each

    names = ("id", "email", "name", "disabled_at", "last_sign_in_at")
    with muster(state) as api:
        rows = [take(user, *names, roles=_roles(user)) for user in each(api.list_users)]
    show(rows, ("email", "name", "roles", "last_sign_in_at", "disabled_at"), as_json)


def user_create(
    email: str,
    name: Annotated[str, typer.Option(help="As others see it.")] = "",
    role: Annotated[str | None, typer.Option(help="Role to give at once.")] = None,
    group: Group = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Create a person; prints a one-time password once."""
    with muster(state) as api:
        user = api.create_user(email=email, name=name or email.partition("@")[0])
        if role:
            api.create_binding(user["id"], role=role, group_id=group)
    show_one(take(user, "id", "email", "one_time_password"), as_json)


def user_bind(
    email: str, role: str, group: Group = None, state: State = None, as_json: Json = False
) -> None:
    """Give a person a role, on a group or everywhere."""
    with muster(state) as api:
        binding = api.create_binding(by_email(api, email)["id"], role=role, group_id=group)
    show_one({"id": binding["id"], "email": email, "role": role, "group": group}, as_json)


def user_unbind(
    email: str, role: str, group: Group = None, state: State = None, as_json: Json = False
) -> None:
    """Take a role from a person, on a group or everywhere."""
    with muster(state) as api:
        for binding in by_email(api, email)["bindings"]:
            if (binding["role"], binding["group_id"]) == (role, group):
                api.delete_binding(binding["id"])
                break
        else:
            where = "everywhere" if group is None else f"on group {group}"
            raise WrongOption(f"{email} has no role {role} {where}")
    show_one({"email": email, "role": role, "group": group, "removed": True}, as_json)


def user_password(email: str, state: State = None, as_json: Json = False) -> None:
    """Give a person a new one-time password; ends all of their sessions."""
    with muster(state) as api:
        made = api.set_password(by_email(api, email)["id"])
    show_one({"email": email, "one_time_password": made["one_time_password"]}, as_json)


def user_disable(email: str, state: State = None, as_json: Json = False) -> None:
    """Keep a person out, at once."""
    with muster(state) as api:
        api.disable_user(by_email(api, email)["id"])
    show_one({"email": email, "enabled": False}, as_json)


def user_enable(email: str, state: State = None, as_json: Json = False) -> None:
    """Let a person in again."""
    with muster(state) as api:
        api.enable_user(by_email(api, email)["id"])
    show_one({"email": email, "enabled": True}, as_json)


def by_email(api: Operations, email: str) -> t.UserAnswer:
    """Find a person by the address.

    Raises:
        WrongOption: nobody has it.
    """
    from muster_client.muster import each

    wanted = email.strip().lower()
    for user in each(api.list_users, search=wanted):
        if user["email"] == wanted:
            return user
    raise WrongOption(f"no such user: {email}")


def _roles(user: Any) -> str:
    return ", ".join(
        f"{binding['role']} on {binding['group_name'] or 'everything'}"
        for binding in user["bindings"]
    )
