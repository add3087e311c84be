"""The site behind Flask's test client: three people, two groups, a device in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from muster_platform import bootstrap, config
from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.web.app import create_app
from tests.services.database import MigratedSqlite

PASSWORD = "correct horse battery"
ADMIN = "admin@example.org"
OPERATOR = "berlin@example.org"
"""Operator of the group Berlin."""
VIEWER = "viewer@example.org"
"""Viewer of the group Berlin: reads devices, telemetry, commands; no logs."""
SYSTEM = system_actor("test")


@dataclass
class Browser:
    """A person's browser without scripts.

    Attributes:
        client: keeps the cookies.
    """

    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def text(self, path: str) -> str:
        """Open a page and insist that it is there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return answer.text

    def token(self, path: str = "/admin/account/") -> str:
        """Give the CSRF token that a page's forms carry."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.text(path))
        assert found is not None
        return found.group(1)

    def post(self, path: str, follow: bool = True, **fields: Any) -> TestResponse:
        """Send a form of the site, with its token."""
        data = {"csrf_token": self.token(), **fields}
        return self.client.post(path, data=data, follow_redirects=follow)


@dataclass
class World:
    """A small installation and its people's browsers.

    Attributes:
        berlin, paris: ids of two groups inside the root; probe-1 is in Berlin, probe-2 in Paris.
    """

    platform: Platform
    app: Flask
    berlin: int
    paris: int
    browsers: dict[str, Browser] = field(default_factory=dict)

    def browser(self, email: str = ADMIN) -> Browser:
        """Give a person's browser, signed in."""
        if email not in self.browsers:
            client = self.app.test_client()
            answer = client.post("/admin/sign-in", data={"email": email, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            self.browsers[email] = Browser(client)
        return self.browsers[email]


@pytest.fixture
def world(migrated_sqlite: MigratedSqlite, tmp_path: Path) -> Iterator[World]:
    """Give the installation on a database of the test's own, without Redis."""
    settings = config.load(
        environ={}, state_dir=tmp_path / "state", database_url=migrated_sqlite.copy()
    )
    platform = bootstrap.build(settings)
    berlin, paris = fill(platform)
    yield World(platform, create_app(platform), berlin, paris)
    platform.close()


def fill(platform: Platform) -> tuple[int, int]:
    """Make groups, people, a profile and two devices; give the ids of the groups."""
    with platform.unit(SYSTEM) as unit:
        groups, users = GroupService(unit), UserService(unit)
        berlin, paris = groups.create("Berlin"), groups.create("Paris")
        for email, role, group in (
            (ADMIN, "administrator", None),
            (OPERATOR, "operator", berlin.id),
            (VIEWER, "viewer", berlin.id),
        ):
            user, _ = users.create(email, email.split("@")[0], PASSWORD)
            users.bind(user.id, role, group)
        ProfileService(unit).create("sensor", "Sensor")
        devices = DeviceService(unit)
        devices.register("probe-1", "sensor", berlin.id, "First probe", {"site": "berlin"})
        devices.register("probe-2", "sensor", paris.id)
        return berlin.id, paris.id
