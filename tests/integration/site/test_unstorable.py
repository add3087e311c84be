"""Text that PostgreSQL refuses (NUL) is answered as what it is, on every page and in the tail."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_platform import bootstrap, config
from muster_platform.errors import MusterError
from muster_platform.logs.tail import open_tail
from muster_platform.web.app import create_app
from tests.integration.site.conftest import World, fill
from tests.services.database import ADMIN, MigratedPostgres

HUGE = "9" * 23
NAMES = (
    *("search", "q", "id", "text", "cursor", "tag", "profile", "device_id", "flt1_0", "next"),
    *("logger", "version", "\x00"),
)
QUERY = {**dict.fromkeys(NAMES, "\x00"), "group": HUGE, "since": HUGE}


@pytest.fixture
def world(migrated_postgres: MigratedPostgres, tmp_path: Path) -> Iterator[World]:
    """Give the installation on PostgreSQL: SQLite takes any text."""
    settings = config.load(
        environ={}, state_dir=tmp_path / "state", database_url=migrated_postgres.empty()
    )
    platform = bootstrap.build(settings)
    berlin, paris = fill(platform)
    yield World(platform, create_app(platform), berlin, paris)
    platform.close()


def _pages(world: World) -> Iterator[str]:
    for rule in world.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.rule.startswith("/admin"):
            numbered = re.sub(r"<int:\w+>", HUGE, rule.rule)
            yield re.sub(r"<(?:\w+:)?\w+>", "%00x", numbered)


def test_no_address_is_our_fault(world: World) -> None:
    browser = world.browser()
    pages = list(_pages(world))
    assert len(pages) > 60
    for path in pages:
        for query in ({}, QUERY):
            answer = browser.get(path, query_string=query)
            assert answer.status_code < 500, f"{path} {query}"


def test_no_form_is_our_fault(world: World) -> None:
    sent = world.app.test_client().post(
        "/admin/sign-in", data={"email": "a\x00@example.org", "password": "\x00"}
    )
    assert sent.status_code == 422
    for path in ("/admin/profiles/new/", "/admin/people/new/", "/admin/import/"):
        fields = dict.fromkeys(("name", "title", "email", "csv"), "a\x00@example.org")
        assert world.browser().post(path, **fields).status_code < 500, path


@pytest.mark.parametrize("name", ["device_id", "logger", "text"])
@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_a_tail_of_such_text_is_refused_or_empty(world: World, name: str, text: str) -> None:
    with world.platform.unit(ADMIN, write=False) as unit, contextlib.suppress(MusterError):
        assert open_tail(unit, {name: text}).topic == ""
