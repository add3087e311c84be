"""Commands about people: user."""

from typing import Annotated

import typer

from muster_platform.cli.common import Json, State, pick, show, show_one, unit

user_app = typer.Typer(no_args_is_help=True, help="People who sign in, and their roles.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("list", user_list),
        ("create", user_create),
        ("bind", user_bind),
        ("password", user_password),
        ("disable", user_disable),
        ("enable", user_enable),
    ):
        user_app.command(name)(command)
    app.add_typer(user_app, name="user")


def user_list(state: State = None, as_json: Json = False) -> None:
    """List the people and what they may do where."""
    from muster_platform.access.users import UserService

    with unit(state, write=False) as work:
        rows = [
            pick(
                user,
                *("id", "email", "name", "disabled_at", "last_sign_in_at"),
                roles=lambda u: ", ".join(
                    f"{b.role.name} on {b.group.name if b.group else 'everything'}"
                    for b in u.bindings
                ),
            )
            for user in UserService(work).list()
        ]
    show(rows, ("email", "name", "roles", "last_sign_in_at", "disabled_at"), as_json)


def user_create(
    email: str,
    name: Annotated[str, typer.Option(help="As others see it.")] = "",
    role: Annotated[str | None, typer.Option(help="Role to give at once.")] = None,
    group: Annotated[int | None, typer.Option(help="Group of the role; else everywhere.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Create a person; prints a one-time password once."""
    from muster_platform.access.users import UserService

    with unit(state) as work:
        service = UserService(work)
        user, password = service.create(email, name or email.partition("@")[0])
        if role:
            service.bind(user.id, role, group)
    show_one({"id": user.id, "email": user.email, "one_time_password": password}, as_json)


def user_bind(
    email: str,
    role: str,
    group: Annotated[int | None, typer.Option(help="Group of the role; else everywhere.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Give a person a role, on a group or everywhere."""
    from muster_platform.access.users import UserService

    with unit(state) as work:
        service = UserService(work)
        binding = service.bind(service.by_email(email).id, role, group)
        show_one({"id": binding.id, "email": email, "role": role, "group": group}, as_json)


def user_password(email: str, state: State = None, as_json: Json = False) -> None:
    """Give a person a new one-time password; ends all of their sessions."""
    from muster_platform.access.users import UserService

    with unit(state) as work:
        service = UserService(work)
        password = service.set_password(service.by_email(email).id)
    show_one({"email": email, "one_time_password": password}, as_json)


def user_disable(email: str, state: State = None, as_json: Json = False) -> None:
    """Keep a person out, at once."""
    _switch(email, state, as_json, enabled=False)


def user_enable(email: str, state: State = None, as_json: Json = False) -> None:
    """Let a person in again."""
    _switch(email, state, as_json, enabled=True)


def _switch(email: str, state: State, as_json: bool, *, enabled: bool) -> None:
    from muster_platform.access.users import UserService

    with unit(state) as work:
        service = UserService(work)
        user = service.by_email(email)
        service.enable(user.id) if enabled else service.disable(user.id)
    show_one({"email": email, "enabled": enabled}, as_json)
