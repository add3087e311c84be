"""Which Muster a command talks to: a server, or the installation of this machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer

from muster_client.auth import ApiToken, Auth, Nobody, Session, Tokens
from muster_client.cli import logins
from muster_client.errors import ApiError, ConfigError, PermissionDenied
from muster_client.generated.operations import Operations

LOCAL_GROUP = "muster.local"
"""Entry point of who can call the installation of this machine: `connect(state)` gives a context
with a Transport."""

FRESH = "fresh_sign_in_required"
WANTS_CODE = frozenset({"wrong_code"})

LOCAL_VARIABLES = ("MUSTER_STATE_DIR", "MUSTER_CONFIG")
"""Whoever sets one of these means the installation of this machine."""


def named_server() -> str | None:
    """Give the server that `--server` or MUSTER_SERVER names, None for none."""
    return os.environ.get("MUSTER_SERVER") or None


@contextmanager
def muster(state: Path | None = None) -> Iterator[Operations]:
    """Give the operations of the Muster that is meant.

    First `--server`, then MUSTER_SERVER, then a state folder that is named, then the server of
    `muster login`, then the installation of this machine.

    Raises:
        ConfigError: none is meant, or nobody is signed in there.
    """
    server = named_server()
    if server is not None and state is not None:
        raise ConfigError("--state is on this machine and --server is not: give one of them")
    if server is None and state is None and not any(map(os.environ.get, LOCAL_VARIABLES)):
        server = logins.load().current or None
    with _remote(server) if server is not None else _local(state) as operations:
        yield operations


@contextmanager
def _remote(server: str) -> Iterator[Operations]:
    from muster_client.http import checked

    server = checked(server)
    login = logins.load().find(server) or logins.Login(server=server)
    login.ca_file = os.environ.get("MUSTER_CA_FILE") or login.ca_file
    login.token = os.environ.get("MUSTER_TOKEN") or login.token
    with person(login, partial(logins.keep_tokens, server)) as operations:
        yield operations


@contextmanager
def person(login: logins.Login, keep: Callable[[Tokens], None]) -> Iterator[Operations]:
    """Give the operations of a server as the person who is signed in there.

    Args:
        keep: is told the tokens when they are renewed.

    Raises:
        ConfigError: nobody is.
    """
    from muster_client.http import HttpTransport

    tokens = login.tokens()
    auth: Auth | None = None
    if login.token:
        auth = ApiToken(login.token)
    elif tokens is not None:
        auth = Session(tokens=tokens, keep=keep)
    if auth is None:
        raise ConfigError(
            f"nobody is signed in at {login.server}: run `muster login {login.server}`, or set "
            "MUSTER_TOKEN"
        )
    transport = HttpTransport(login.server, ca_file=login.ca_file)
    try:
        yield Asking(transport, auth)
    finally:
        transport.close()


class Asking(Operations):
    """Operations of a person at a terminal, who is asked for the password where it must be new."""

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Call, and once more with the password where the sign-in was too long ago."""
        try:
            return super().call(method, path, **options)
        except PermissionDenied as error:
            session = self._auth
            if error.code != FRESH or not isinstance(session, Session):
                raise
        typer.echo("This needs your password once more.", err=True)
        password = typer.prompt("Password", hide_input=True, err=True)
        try:
            session.confirm(self.post, password)
        except ApiError as error:
            if error.code not in WANTS_CODE:
                raise
            session.confirm(self.post, password, typer.prompt("Code", err=True))
        return super().call(method, path, **options)


@contextmanager
def _local(state: Path | None) -> Iterator[Operations]:
    points = list(entry_points(group=LOCAL_GROUP))
    if not points:
        raise ConfigError(
            "which Muster? Give --server URL, set MUSTER_SERVER, or run `muster login URL`; an "
            "installation on this machine needs pip install 'muster[platform]'"
        )
    with points[0].load()(state) as transport:
        yield Operations(transport, Nobody(), attempts=1)
