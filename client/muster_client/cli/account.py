"""Commands about who calls: login, logout, whoami."""

import sys
from typing import Annotated

import typer

from muster_client.cli import logins
from muster_client.cli.connect import muster, person
from muster_client.cli.show import Json, State, show_one
from muster_client.errors import ClientError, ConfigError
from muster_client.generated.operations import Operations

Server = Annotated[str, typer.Argument(help="Address, such as https://muster.example.com.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (login, logout, whoami):
        app.command(command.__name__)(command)


def login(
    server: Server,
    email: Annotated[str | None, typer.Option(help="E-mail address; else asked for.")] = None,
    token: Annotated[
        str | None, typer.Option(help="API token, or - to read it from input.")
    ] = None,
    ca_file: Annotated[str | None, typer.Option(help="Certificates to trust.")] = None,
) -> None:
    """Sign in at a server: commands go there from now on, until `muster logout`."""
    from muster_client.muster import Muster

    with Muster(server, ca_file=ca_file) as anyone:
        found = logins.Login(server=anyone.server, ca_file=ca_file)
        if token is not None:
            found.token = sys.stdin.readline().strip() if token == "-" else token  # noqa: S105
        else:
            _sign_in(anyone, found, email)
    with person(found, lambda _: None) as api:
        found.name = api.me()["name"]
    kept = logins.load()
    kept.logins[found.server] = found
    kept.current = found.server
    logins.save(kept)
    typer.echo(
        f"signed in at {found.server} as {found.name}; commands go there until: muster logout"
    )


def _sign_in(anyone: Operations, found: logins.Login, email: str | None) -> None:
    from muster_client.auth import Session, Tokens

    def keep(tokens: Tokens) -> None:
        found.access, found.refresh = tokens.access, tokens.refresh
        found.access_until = tokens.access_until

    email = email or typer.prompt("E-mail address", err=True)
    password = typer.prompt("Password", hide_input=True, err=True)
    session = Session(email, password, code=_ask_code, keep=keep)
    api = anyone.acting_as(session)
    api.sign_in_now()
    if api.me()["restriction"] == "password_change":
        typer.echo("The password was given to you; choose one of your own.", err=True)
        fresh = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
        api.change_password(old=password, new=fresh)
        anyone.acting_as(Session(email, fresh, code=_ask_code, keep=keep)).sign_in_now()


def _ask_code() -> str:
    return str(typer.prompt("Code of the second factor", err=True))


def logout(server: Annotated[str, typer.Argument(help="Address; else the current.")] = "") -> None:
    """End a sign-in and forget it."""
    kept = logins.load()
    found = kept.find(server.rstrip("/"))
    if found is None:
        raise ConfigError("nobody is signed in there" if server else "nobody is signed in")
    if found.access is not None:
        try:
            with person(found, lambda _: None) as api:
                api.sign_out()
        except ClientError as error:
            # Forgotten here all the same; at the server it ends by itself.
            typer.echo(f"the server did not hear of it: {error}", err=True)
    del kept.logins[found.server]
    if kept.current == found.server:
        kept.current = ""
    logins.save(kept)
    typer.echo(f"signed out at {found.server}")


def whoami(state: State = None, as_json: Json = False) -> None:
    """Say which Muster commands go to, and as whom."""
    with muster(state) as api:
        me = api.me()
        row = {"server": api.server, "id": me["id"], "name": me["name"]}
    row["permissions"] = "; ".join(
        f"{len(grant['permissions'])} on {grant['group_path'] or 'everything'}"
        for grant in me["grants"]
    )
    show_one(row, as_json)
