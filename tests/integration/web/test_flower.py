"""Flower behind the site's sign-in: real Flower, real Valkey."""

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from muster_platform import config
from tests.integration.web.conftest import ADMIN, PASSWORD, World, role_user
from tests.services.muster import MusterProcess
from tests.services.valkey import Valkey


@pytest.fixture
def site(
    make_world: Callable[..., World],
    sqlite_url: str,
    valkey: Valkey,
    free_port: Callable[[], int],
    muster_process: Callable[..., MusterProcess],
) -> World:
    """Give a site with a Flower that runs."""
    url = f"http://127.0.0.1:{free_port()}"
    made = make_world(sqlite_url, pages=True, redis_url=valkey.url, flower_url=url)
    muster_process("flower", env=config.environment(made.platform.settings)).wait_for("Visit me")
    return made


def signed_in(world: World, email: str) -> Any:
    client = world.app.test_client()
    answer = client.post("/admin/sign-in", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def test_only_who_may_see_tasks_reaches_it_and_only_through_the_site(site: World):
    admin = signed_in(site, ADMIN)
    page = admin.get("/admin/flower/workers")
    assert page.status_code == 200, page.text
    assert "Flower" in page.text
    assert admin.get("/admin/flower/static/css/flower.css").content_type.startswith("text/css")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert signed_in(site, role_user("operator")).get("/admin/flower/workers").status_code == 403
    assert site.app.test_client().get("/admin/flower/workers").status_code in (302, 303, 401)
    direct = f"{site.platform.settings.flower_url}/admin/flower/workers"
    assert urllib3.request("GET", direct, retries=False).status == 401


def test_what_would_change_something_is_not_passed_on(site: World):
    admin = signed_in(site, ADMIN)
    assert admin.post("/admin/flower/api/worker/shutdown/x").status_code in (400, 403, 405)


def test_a_flower_that_is_away_is_said_in_words(
    make_world: Callable[..., World], sqlite_url: str, free_port: Callable[[], int]
):
    away = make_world(sqlite_url, pages=True, flower_url=f"http://127.0.0.1:{free_port()}")
    page = signed_in(away, ADMIN).get("/admin/flower/")
    assert page.status_code == 503
    assert "muster flower" in page.text
