"""An installation without anything says what to do next, to whoever can do it."""

from pathlib import Path

import pytest

from muster_platform import bootstrap, config
from muster_platform.access.users import UserService
from muster_platform.web.app import create_app
from tests.integration.site.conftest import PASSWORD, SYSTEM, Browser
from tests.services.database import MigratedSqlite


@pytest.fixture
def first_day(migrated_sqlite: MigratedSqlite, tmp_path: Path):
    """Give a function that signs in somebody with a role into an empty installation."""
    url = migrated_sqlite.copy()
    platform = bootstrap.build(
        config.load(environ={}, state_dir=tmp_path / "state", database_url=url)
    )
    app = create_app(platform)

    def browser(role: str) -> Browser:
        with platform.unit(SYSTEM) as unit:
            users = UserService(unit)
            user, _ = users.create(f"{role}@example.org", role, PASSWORD)
            users.bind(user.id, role, None)
        client = app.test_client()
        form = {"email": f"{role}@example.org", "password": PASSWORD}
        assert client.post("/admin/sign-in", data=form).status_code == 303
        return Browser(client)

    yield browser
    platform.close()


@pytest.mark.parametrize("path", ["/admin/device/", "/admin/"])
def test_whoever_may_enrol_is_shown_how_to_connect_the_first_device(first_day, path: str) -> None:
    page = first_day("operator").text(path)
    assert "mosquitto_pub" in page
    assert "/api/v1/device/enrol" in page
    assert 'href="/admin/enrolment/new/"' in page


def test_whoever_may_not_is_told_who_can(first_day) -> None:
    page = first_day("viewer").text("/admin/device/")
    assert "mosquitto_pub" not in page
    assert "devices:enrol" in page


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("/admin/profiles/", "/admin/profiles/new/"),
        ("/admin/enrolment/", "/admin/enrolment/new/"),
        ("/admin/jobs/", "/admin/device/"),
    ],
)
def test_an_empty_list_leads_to_the_next_step(first_day, path: str, step: str) -> None:
    page = first_day("administrator").text(path)
    blank = page.partition('class="blank"')[2].partition("</main>")[0]
    assert f'href="{step}' in blank
