"""A web process with one administrator, shared by the tests of a module."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
