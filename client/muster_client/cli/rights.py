"""Commands about rights: role, api-token, access."""

from collections.abc import Sequence
from typing import Annotated, Any, cast, get_args

import typer

from muster_client.cli.connect import muster
from muster_client.cli.people import by_email
from muster_client.cli.show import Json, State, WrongOption, show, show_one, take
from muster_client.generated import types as t

Permissions = Annotated[
    list[str] | None, typer.Option("--permission", "-p", help="Such as devices:read; repeat it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    role = typer.Typer(no_args_is_help=True, help="Roles: named sets of permissions.")
    for name, command in (
        ("list", role_list),
        ("show", role_show),
        ("create", role_create),
        ("update", role_update),
        ("delete", role_delete),
    ):
        role.command(name)(command)
    token = typer.Typer(no_args_is_help=True, help="API tokens, with which programs sign in.")
    token.command("list")(token_list)
    token.command("create")(token_create)
    token.command("revoke")(token_revoke)
    access = typer.Typer(no_args_is_help=True, help="Who may what, and why.")
    access.command("why")(access_why)
    access.command("review")(access_review)
    app.add_typer(role, name="role")
    app.add_typer(token, name="api-token")
    app.add_typer(access, name="access")


def role_list(state: State = None, as_json: Json = False) -> None:
    """List the roles."""
    with muster(state) as api:
        found = api.list_roles()["items"]
    rows = [
        take(role, "name", "title", "builtin", "require_second_factor")
        | {"permissions": len(role["permissions"])}
        for role in found
    ]
    columns = ("name", "title", "permissions", "builtin", "require_second_factor")
    show(rows, columns, as_json)


def role_show(name: str, state: State = None, as_json: Json = False) -> None:
    """Show a role with its permissions and who has it."""
    with muster(state) as api:
        role = api.get_role(name)
        holders = api.list_role_holders(name)["items"]
    held_by = [f"{row['email']} {_where(row['group_name'])}" for row in holders]
    show_one({**role, "held_by": held_by}, as_json)


def role_create(
    name: str,
    permission: Permissions = None,
    copy_of: Annotated[str | None, typer.Option("--from", help="Role to begin with.")] = None,
    title: Annotated[str, typer.Option(help="As people see it.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    require_second_factor: Annotated[
        bool, typer.Option("--require-second-factor", help="Who has it must use one.")
    ] = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make a role of permissions, of another role, or of both."""
    with muster(state) as api:
        held = set(permission or ())
        if copy_of is not None:
            held |= set(api.get_role(copy_of)["permissions"])
        made = api.create_role(
            name=name,
            permissions=_permissions(held),
            title=title,
            description=description,
            require_second_factor=require_second_factor,
        )
    show_one(made, as_json)


def role_update(
    name: str,
    add: Annotated[list[str] | None, typer.Option(help="Permission to add; repeat it.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Permission to take out; repeat it.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="As people see it.")] = None,
    require_second_factor: Annotated[
        bool | None, typer.Option(help="Whether who has it must use one.")
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Change a role; it holds from the next request of whoever has it."""
    with muster(state) as api:
        role = api.get_role(name)
        changes: dict[str, Any] = {"title": title, "require_second_factor": require_second_factor}
        if add or remove:
            held = (set(role["permissions"]) | set(add or ())) - set(remove or ())
            changes["permissions"] = _permissions(held)
        changed = api.update_role(name, if_match=role["version"], **changes)
    show_one(changed, as_json)


def role_delete(name: str, state: State = None, as_json: Json = False) -> None:
    """Delete a role that nobody has."""
    with muster(state) as api:
        api.delete_role(name)
    show_one({"name": name, "deleted": True}, as_json)


def token_list(
    every: Annotated[bool, typer.Option("--all", help="Those of others, too.")] = False,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List API tokens (never their text): your own, or all."""
    from muster_client.muster import each

    names = ("id", "name", "prefix", "owner_email", "expires_at", "last_used_at", "revoked_at")
    with muster(state) as api:
        rows = [
            take(token, *names) | {"scopes": ", ".join(map(_scope, token["scopes"]))}
            for token in each(api.list_api_tokens, all=every)
        ]
    show(rows, (*names[1:4], "scopes", *names[4:]), as_json)


def token_create(
    name: str,
    permission: Permissions = None,
    role: Annotated[str | None, typer.Option(help="Role instead of permissions.")] = None,
    group: Annotated[int | None, typer.Option(help="Group of the scope; else everywhere.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How long it works.")] = 90,
    owner: Annotated[
        str | None,
        typer.Option(help="E-mail address of the owner; only on the machine of the installation."),
    ] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Make an API token; prints its text once."""
    with muster(state) as api:
        scope: dict[str, Any] = {"role": role, "group_id": group}
        if permission:
            scope["permissions"] = _permissions(set(permission))
        made = api.create_api_token(
            name=name,
            scopes=[cast("t.NewScope", scope)],
            days=days,
            user_id=None if owner is None else by_email(api, owner)["id"],
        )
    show_one(take(made, "id", "name", "owner_email", "expires_at", "token"), as_json)


def token_revoke(token_id: str, state: State = None, as_json: Json = False) -> None:
    """End an API token at once."""
    with muster(state) as api:
        api.revoke_api_token(token_id)
    show_one({"id": token_id, "revoked": True}, as_json)


def access_why(
    permission: str,
    email: Annotated[str | None, typer.Option(help="Whom it is about; else you.")] = None,
    token: Annotated[str | None, typer.Option(help="Id of an API token.")] = None,
    group: Annotated[int | None, typer.Option(help="On this group; else everywhere.")] = None,
    device: Annotated[str | None, typer.Option(help="On this device.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Say why somebody may or may not do something."""
    (wanted,) = _permissions({permission})
    with muster(state) as api:
        user = None if email is None else by_email(api, email)["id"]
        found = api.why_access(
            permission=wanted, user=user, token=token, group=group, device=device
        )
    show_one(found if as_json else _in_words(found), as_json)


def _in_words(found: t.WhyAnswer) -> dict[str, Any]:
    """Give an answer to why as lines for people; what is empty is left out."""
    lines = {
        "allowed": "yes" if found["allowed"] else "no",
        "who": found["subject_name"],
        "permission": found["permission"],
        "where": found["where"],
        "given by": _given(found["given_by"]),
        "owner has it by": _given(found["owner_given_by"]),
        "why not": "; ".join(reason["text"] for reason in found["why_not"]),
        "elsewhere": _given(found["elsewhere"]),
        "would do": ", ".join(found["roles_that_would_do"]),
    }
    return {name: text for name, text in lines.items() if text}


def _given(grants: Sequence[t.Giver]) -> str:
    return "; ".join(f"{grant['role'] or 'its permissions'}, {grant['where']}" for grant in grants)


def access_review(
    permission: Annotated[str | None, typer.Option(help="Only who may this.")] = None,
    group: Annotated[int | None, typer.Option(help="Only who has rights on this group.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """List who may what, with last sign-in, second factor and tokens."""
    from muster_client.muster import each

    wanted = None if permission is None else _permissions({permission})[0]
    names = ("email", "name", "last_sign_in_at", "second_factor", "disabled_at")
    with muster(state) as api:
        rows = [
            take(row, *names)
            | {
                "roles": ", ".join(f"{r['role']} {_on(r['where'])}" for r in row["rights"]),
                "tokens": len(row["tokens"]),
            }
            for row in each(api.review_access, permission=wanted, group=group)
        ]
    show(rows, ("email", "roles", "tokens", *names[2:]), as_json)


def _permissions(names: set[str]) -> list[t.Permission]:
    known = get_args(t.Permission)
    for name in sorted(names):
        if name not in known:
            raise WrongOption(f"there is no permission {name}; there are: {', '.join(known)}")
    return cast("list[t.Permission]", sorted(names))


def _scope(scope: Any) -> str:
    what = scope["role"] or " ".join(scope["permissions"] or ())
    return f"{what} {_where(scope['group_name'])}"


def _where(group: str | None) -> str:
    return "everywhere" if group is None else f"on {group}"


def _on(place: str) -> str:
    return place if place == "everywhere" else f"on {place}"
