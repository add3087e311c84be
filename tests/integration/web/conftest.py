"""A small installation behind the application: a tree of groups, and a user for each role."""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.passwords import hash_password
from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform, build
from muster_platform.clock import ManualClock
from muster_platform.db import migrate
from muster_platform.db.engine import make_engine
from muster_platform.settings import Settings
from muster_platform.web.app import create_app

PASSWORD = "correct horse battery"
ADMIN = "administrator@example.org"
BERLIN_OPERATOR = "berlin@example.org"
NOBODY = "nobody@example.org"
"""Signs in and has no rights at all."""

HASH_ONCE = functools.cache(hash_password)


@dataclass
class World:
    """The installation, and a caller for its API.

    Attributes:
        berlin, paris: ids of two groups inside the root.
    """

    platform: Platform
    app: Flask
    clock: ManualClock
    berlin: int = 0
    paris: int = 0
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, str]:
        """Sign in anew and give both tokens."""
        answer = self.app.test_client().post(
            "/api/v1/auth/sign-in", json={"email": email, "password": password}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json
        return found

    def call(self, method: str, path: str, who: str | None = ADMIN, **options: Any) -> TestResponse:
        """Call the API as that user (None: without a token); path begins behind /api/v1."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            if who not in self.tokens:
                self.tokens[who] = self.sign_in(who)
            headers["Authorization"] = f"Bearer {self.tokens[who]['access_token']}"
        return self.app.test_client().open(
            f"/api/v1{path}", method=method, headers=headers, buffered=True, **options
        )

    def ok(self, method: str, path: str, who: str | None = ADMIN, **options: Any) -> Any:
        """Call, insist on 2xx, and give the JSON."""
        answer = self.call(method, path, who, **options)
        assert 200 <= answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json if answer.data else None

    def refused(
        self, status: int, method: str, path: str, who: str | None = ADMIN, **o: Any
    ) -> Any:
        """Call, insist on the status, and give the problem document."""
        answer = self.call(method, path, who, **o)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        assert answer.content_type == "application/problem+json"
        return answer.json


def role_user(role: str) -> str:
    """Give the e-mail address of the user who has the role everywhere."""
    return f"{role}@example.org"


@pytest.fixture(autouse=True)
def _hash_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash the one password of all users once: argon2id is slow, as it should be."""
    monkeypatch.setattr("muster_platform.access.users.hash_password", HASH_ONCE)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Give a function that makes an installation on a database: make_world(url, **settings)."""
    made: list[Platform] = []

    def make(database_url: str, *, pages: bool = False, **changes: Any) -> World:
        given: dict[str, Any] = {
            "state_dir": tmp_path,
            "database_url": database_url,
            "jwt_secret": "j" * 43,
            "broker_token": "b" * 43,
            "sign_in_per_minute": 1_000,
            "requests_per_minute": 1_000_000,
            "broker_urls": ("mqtt://broker.example:1883",),
        }
        # Flask-JWT-Extended looks at the machine's clock when it sets cookies.
        clock = ManualClock(time.time_ns() // 1_000_000)
        platform = build(Settings(**(given | changes)), clock)
        made.append(platform)
        migrate.upgrade(platform.engine)
        world = World(platform, create_app(platform, pages=pages), clock)
        _fill(world)
        return world

    yield make
    for platform in made:
        platform.close()


@pytest.fixture
def world(make_world: Callable[..., World], database_url: str) -> World:
    """Give an installation, once on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """Give a folder whose `state` holds a database ready for a process of its own."""
    (tmp_path / "state").mkdir()
    engine = make_engine(f"sqlite:///{tmp_path}/state/muster.db")
    migrate.upgrade(engine)
    engine.dispose()
    return tmp_path


def _fill(world: World) -> None:
    with world.platform.unit(system_actor("test")) as unit:
        groups, users = GroupService(unit), UserService(unit)
        world.berlin = groups.create("Berlin").id
        world.paris = groups.create("Paris").id
        for role in BUILTIN_ROLES:
            user, _ = users.create(role_user(role), role, PASSWORD)
            users.bind(user.id, role)
        user, _ = users.create(BERLIN_OPERATOR, "Berlin", PASSWORD)
        users.bind(user.id, "operator", world.berlin)
        users.create(NOBODY, "Nobody", PASSWORD)
