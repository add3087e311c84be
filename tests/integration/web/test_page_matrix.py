"""Every page of the site against every role: nobody sees or does there what they may not.

The pages are those of the application's own table; what each needs is in page_samples.py.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from muster_platform.access.permissions import BUILTIN_ROLES, Permission
from muster_platform.db.base import Base
from tests.integration.web.conftest import ADMIN, NOBODY, PASSWORD, World, role_user
from tests.integration.web.page_samples import FIELDS, fields_of, needed, rules, url_of
from tests.integration.web.samples import fresh
from tests.services.database import MigratedSqlite

ROLES = (*sorted(BUILTIN_ROLES), "nobody")
REFUSED = frozenset({302, 303, 403, 404, 405})
NOT_EVEN_READ = REFUSED | {400, 409, 412, 413, 422}
"""A form may be told that it cannot be read before anybody asks who sent it."""

ENDS = frozenset({"session.sign_out", "session.sign_in", "account.password"})
"""Forms that end the session of whoever sends them, or begin another."""

OPEN_FORMS = frozenset(
    {"session.sign_in", "session.give_code", "session.forgot", "session.use_link"}
    | {"alarm_links.acknowledge"}
)
"""Forms of strangers: there is no session to bind them to, so that their Origin counts."""

OPEN_PAGES = ("session.", "root", "alarm_links.")
"""What strangers may open: the way in, and links in mails, whose token is what counts."""

OF_SESSIONS = frozenset({"refresh_tokens", "sign_ins", "sign_in_sessions", "users"})
"""Tables that a session's own life writes into, whoever looks at whatever page."""


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy(), pages=True)


def signed_in(world: World, email: str) -> FlaskClient:
    client = world.app.test_client()
    answer = client.post("/admin/sign-in", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def csrf(client: FlaskClient) -> str:
    found = client.get_cookie("csrf_access_token")
    assert found is not None
    return found.value


class Watch:
    """Sees what changes in the database, beside what a session's own life writes."""

    def __init__(self, world: World) -> None:
        self._engine = world.platform.engine
        self._sqlite = sqlite3.connect(str(world.platform.engine.url.database))
        self._version, self._state = self._data_version(), self._digests()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self._sqlite.close()

    def changed(self) -> list[str]:
        """Name the tables that changed since the last look."""
        version = self._data_version()
        if version == self._version:
            return []
        before, self._state, self._version = self._state, self._digests(), version
        return [name for name, digest in self._state.items() if before[name] != digest]

    def _data_version(self) -> int:
        """Give SQLite's count of what others committed: it tells at once that nothing did."""
        return int(self._sqlite.execute("PRAGMA data_version").fetchone()[0])

    def _digests(self) -> dict[str, str]:
        found = {}
        with self._engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                if table.name not in OF_SESSIONS:
                    rows = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                    found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return found


def held(role: str) -> frozenset[Permission]:
    return BUILTIN_ROLES.get(role, frozenset())


def mail_of(role: str) -> str:
    return NOBODY if role == "nobody" else role_user(role)


def sampled(rule: Rule, method: str, names: dict[str, Any]) -> tuple[str, Permission | None, str]:
    """Give address and permission of a page, and what the samples lack."""
    try:
        return url_of(rule, names), needed(rule, method), ""
    except AssertionError as missing:
        return "", None, str(missing)


@pytest.mark.parametrize("role", ROLES)
def test_a_page_is_there_for_who_may_see_it_and_for_nobody_else(world: World, role: str) -> None:
    names, client, wrong = fresh(world), signed_in(world, mail_of(role)), []
    for rule in rules(world.app, "GET"):
        url, permission, missing = sampled(rule, "GET", names)
        if missing:
            wrong.append(missing)
            continue
        answer = client.get(url)
        answer.get_data()  # what is streamed may fail on its way
        line = f"{role} GET {url} ({rule.endpoint}): {answer.status_code}"
        may = permission is None or permission in held(role)
        if answer.status_code >= 500 or (may and answer.status_code == 403):
            wrong.append(line)
        elif not may and answer.status_code not in REFUSED:
            wrong.append(f"{line}, without {permission}")
    assert not wrong, "\n".join(wrong)


def test_no_page_but_the_way_in_is_there_for_strangers(world: World) -> None:
    names, client, wrong = fresh(world), world.app.test_client(), []
    for rule in rules(world.app, "GET"):
        url = url_of(rule, names)
        answer = client.get(url)
        open_to_all = rule.endpoint.startswith(OPEN_PAGES)
        if not open_to_all and (
            answer.status_code != 302 or not answer.location.startswith("/admin/sign-in?next=")
        ):
            wrong.append(f"GET {url} ({rule.endpoint}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ROLES)
def test_a_form_sent_without_the_permission_changes_nothing(world: World, role: str) -> None:
    names, client, wrong = fresh(world), signed_in(world, mail_of(role)), []
    with Watch(world) as watch:
        for rule in rules(world.app, "POST"):
            url, permission, missing = sampled(rule, "POST", names)
            if missing:
                wrong.append(missing)
                continue
            if permission is None or permission in held(role) or rule.endpoint in ENDS:
                continue
            fields = {"csrf_token": csrf(client), **fields_of(rule, names)}
            answer = client.post(url, data=fields)
            line = f"{role} POST {url} ({rule.endpoint}): {answer.status_code} without {permission}"
            if answer.status_code not in NOT_EVEN_READ:
                wrong.append(line)
            if moved := watch.changed():
                wrong.append(f"{line}, changed {moved}")
    assert not wrong, "\n".join(wrong)


def test_the_same_forms_sent_with_the_permission_change_something(world: World) -> None:
    client, wrong = signed_in(world, ADMIN), []
    for rule in rules(world.app, "POST"):
        if rule.endpoint not in FIELDS:
            continue
        names = fresh(world)
        with Watch(world) as watch:
            fields = {"csrf_token": csrf(client), **fields_of(rule, names)}
            answer = client.post(url_of(rule, names), data=fields)
            if "audit_entries" not in watch.changed():
                said = re.findall(r"(?:invalid-feedback|notice)[^>]*>(.{0,200})", answer.text)
                wrong.append(f"{rule.endpoint}: {answer.status_code} {said}")
    assert not wrong, "\n".join(wrong)


def test_looking_at_pages_changes_nothing(world: World) -> None:
    names, client = fresh(world), signed_in(world, ADMIN)
    with Watch(world) as watch:
        for rule in rules(world.app, "GET"):
            url = url_of(rule, names)
            client.get(url).get_data()
            client.head(url)
            assert not watch.changed(), url


@pytest.mark.parametrize("token", ["none", "wrong", "foreign"])
def test_a_form_without_its_own_csrf_token_changes_nothing(world: World, token: str) -> None:
    names, client, wrong = fresh(world), signed_in(world, ADMIN), []
    foreign = csrf(signed_in(world, ADMIN))
    given = {"none": {}, "wrong": {"csrf_token": "x" * 36}, "foreign": {"csrf_token": foreign}}
    with Watch(world) as watch:
        for rule in rules(world.app, "POST"):
            if rule.endpoint in OPEN_FORMS:
                continue
            url = url_of(rule, names)
            answer = client.post(url, data={**fields_of(rule, names), **given[token]})
            moved = watch.changed()
            if answer.status_code != 403 or moved:
                wrong.append(f"POST {url} ({rule.endpoint}): {answer.status_code} {moved}")
    assert not wrong, "\n".join(wrong)
    assert client.get("/admin/").status_code == 200


def test_the_size_of_the_page_matrix(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    gets, posts = rules(world.app, "GET"), rules(world.app, "POST")
    guarded = sum(
        1
        for rule in posts
        for role in ROLES
        if (permission := needed(rule, "POST")) is not None and permission not in held(role)
    )
    pages = len(gets) * (len(ROLES) + 1)
    with capsys.disabled():
        print(
            f"\nmatrix of pages: {len(gets)} pages for {len(ROLES) - 1} roles, nobody and "
            f"strangers: {pages}; {len(posts)} forms, refused to who lacks: {guarded}, without "
            f"CSRF token: {3 * len(posts)}; {pages + guarded + 3 * len(posts)} cells"
        )
    assert pages > 500
