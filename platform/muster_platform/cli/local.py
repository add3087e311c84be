"""Calls the API inside this process, for commands on the machine of the installation.

The same commands work against a server: what they do and may do is written once, in the API.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from muster_client.transport import Answer, Request
from muster_platform.access.actor import Actor
from muster_platform.cli.common import local_actor, platform
from muster_platform.web.api.local import ACTOR
from muster_platform.web.app import create_app


@contextmanager
def connect(state: Path | None) -> Iterator["LocalTransport"]:
    """Open the installation of a state folder, in the name of the person at this machine.

    Raises:
        ConfigurationError: no configuration, or a database of another version.
    """
    with platform(state) as opened:
        name = f"this machine, {opened.settings.state_dir}"
        yield LocalTransport(create_app(opened, pages=False), local_actor(), name)


class LocalTransport:
    """Carries requests into an application of this process."""

    def __init__(self, app: Flask, actor: Actor, name: str) -> None:
        self._app = app
        self._actor = actor
        self.server = name

    def send(self, request: Request) -> Answer:
        """Send one request and give the answer."""
        builder = EnvironBuilder(
            path=request.target,
            method=request.method,
            headers=list(request.headers.items()),
            data=request.body,
            environ_overrides={ACTOR: self._actor, "REMOTE_ADDR": "127.0.0.1"},
        )
        body, status, headers = run_wsgi_app(self._app, builder.get_environ())
        return LocalAnswer(int(status.split()[0]), headers, body)

    def close(self) -> None:
        """Close nothing: whoever opened the platform closes it."""


class LocalAnswer:
    """An answer of the application."""

    def __init__(self, status: int, headers: Headers, body: Iterable[bytes]) -> None:
        self.status = status
        self._headers = headers
        self._body = body

    def header(self, name: str) -> str:
        """Give a header, "" where there is none."""
        return self._headers.get(name, "")

    def read(self) -> bytes:
        """Read the whole body."""
        return b"".join(self._body)

    def chunks(self) -> Iterator[bytes]:
        """Read the body in pieces."""
        yield from self._body

    def close(self) -> None:
        """Let go of what was not read."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
