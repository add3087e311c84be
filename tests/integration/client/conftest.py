"""A web process with one administrator, shared by the tests of a module, and a terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muster_client import Muster
from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from muster_platform.bootstrap import build
from muster_platform.db import migrate
from muster_platform.settings import Settings
from tests.integration.web.test_serve import running
from tests.services.base import free_port

EMAIL = "admin@example.org"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Server:
    """A running web process.

    Attributes:
        folder: its state, for commands on this machine.
    """

    url: str
    folder: Path

    def muster(self) -> Muster:
        """Give a client of the administrator."""
        return Muster(self.url, email=EMAIL, password=PASSWORD)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start it on an empty database."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "state").mkdir()
    url = f"sqlite:///{folder}/state/muster.db"
    platform = build(Settings(state_dir=folder / "state", database_url=url))
    migrate.upgrade(platform.engine)
    with platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        user, _ = users.create(EMAIL, "Admin", PASSWORD)
        users.bind(user.id, "administrator")
    platform.close()
    port = free_port()
    with running(folder, port):
        yield Server(f"http://127.0.0.1:{port}", folder / "state")


@dataclass
class Terminal:
    """A person's terminal, with a configuration folder of its own."""

    folder: Path
    state: Path

    def run(
        self, *words: str, text: str = "", fails: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command and insist on its exit status."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "XDG_"))}
        done = subprocess.run(
            [str(Path(sys.executable).with_name("muster")), *words],
            env={**kept, "XDG_CONFIG_HOME": str(self.folder), **variables},
            cwd=self.folder,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def here(self, *words: str) -> Any:
        """Run a command with --json on the machine of the installation."""
        return json.loads(self.run(*words, "--json", MUSTER_STATE_DIR=str(self.state)).stdout)

    def json(self, *words: str) -> Any:
        """Run a command with --json."""
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture
def terminal(tmp_path: Path, server: Server) -> Terminal:
    """Give one where nobody is signed in."""
    return Terminal(tmp_path, server.folder)


@pytest.fixture
def signed_in(terminal: Terminal, server: Server) -> Terminal:
    """Give one where the administrator is."""
    with server.muster() as muster:
        made = muster.create_api_token(name="terminal", scopes=[{"role": "administrator"}])
    terminal.run("login", server.url, "--token", "-", text=f"{made['token']}\n")
    return terminal
