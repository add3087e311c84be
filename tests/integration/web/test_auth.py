"""Signing in, and how long it holds."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from tests.integration.web.conftest import ADMIN, BERLIN_OPERATOR, NOBODY, PASSWORD, World

SIGN_IN = "/auth/sign-in"


def user_id(world: World, email: str) -> str:
    return str(next(u["id"] for u in world.ok("GET", "/users")["items"] if u["email"] == email))


def refresh(world: World, token: str) -> tuple[int, dict[str, str]]:
    answer = world.call("POST", "/auth/refresh", None, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json or {}


def me(world: World, token: str) -> int:
    return world.call("GET", "/me", None, headers={"Authorization": f"Bearer {token}"}).status_code


def test_the_token_of_a_sign_in_says_who_it_is_for(world: World) -> None:
    found = world.ok("GET", "/me", BERLIN_OPERATOR)
    assert found["name"] == BERLIN_OPERATOR
    assert [grant["group_path"] for grant in found["grants"]] == [f"1/{world.berlin}/"]


def test_a_wrong_password_and_an_unknown_user_are_told_alike(world: World) -> None:
    tries = [{"email": ADMIN, "password": "x" * 12}, {"email": "who@x.org", "password": "x" * 12}]
    told = [world.refused(401, "POST", SIGN_IN, None, json=body) for body in tries]
    for problem in told:
        del problem["request_id"]
    assert told[0] == told[1]


def test_an_access_token_ends_with_its_time_and_the_refresh_token_gives_another(
    world: World,
) -> None:
    tokens = world.sign_in(ADMIN)
    world.clock.advance(s=world.platform.settings.access_token_s)
    assert me(world, tokens["access_token"]) == 401
    status, renewed = refresh(world, tokens["refresh_token"])
    assert status == 200
    assert me(world, renewed["access_token"]) == 200


def test_a_refresh_token_used_again_by_a_second_tab_still_works(world: World) -> None:
    tokens = world.sign_in(ADMIN)
    assert refresh(world, tokens["refresh_token"])[0] == 200
    world.clock.advance(s=world.platform.settings.refresh_grace_s)
    assert refresh(world, tokens["refresh_token"])[0] == 200


def test_a_stolen_refresh_token_ends_the_thief_and_the_owner(world: World) -> None:
    tokens = world.sign_in(ADMIN)
    _, thief = refresh(world, tokens["refresh_token"])
    world.clock.advance(s=world.platform.settings.refresh_grace_s + 1)
    status, problem = refresh(world, tokens["refresh_token"])
    assert (status, problem["type"]) == (401, "urn:muster:problem:refresh_token_reused")
    assert me(world, thief["access_token"]) == 401
    assert refresh(world, thief["refresh_token"])[0] == 401


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(world: World) -> None:
    tokens = world.sign_in(ADMIN)
    assert refresh(world, tokens["access_token"])[0] == 401
    assert me(world, tokens["refresh_token"]) == 401


def test_signing_out_bites_at_once_and_leaves_other_sign_ins_alone(world: World) -> None:
    one, other = world.sign_in(ADMIN), world.sign_in(ADMIN)
    headers = {"Authorization": f"Bearer {one['access_token']}"}
    world.ok("POST", "/auth/sign-out", None, headers=headers)
    assert me(world, one["access_token"]) == 401
    assert refresh(world, one["refresh_token"])[0] == 401
    assert me(world, other["access_token"]) == 200


def test_a_changed_right_bites_on_the_next_request_and_refreshing_goes_on(world: World) -> None:
    tokens = world.sign_in(NOBODY)
    assert me(world, tokens["access_token"]) == 200
    body = {"role": "viewer", "group_id": world.berlin}
    world.ok("POST", f"/users/{user_id(world, NOBODY)}/bindings", json=body)
    assert me(world, tokens["access_token"]) == 401
    status, renewed = refresh(world, tokens["refresh_token"])
    assert status == 200
    assert me(world, renewed["access_token"]) == 200


def test_a_disabled_user_is_out_at_once(world: World) -> None:
    tokens = world.sign_in(NOBODY)
    world.ok("POST", f"/users/{user_id(world, NOBODY)}/disable")
    assert me(world, tokens["access_token"]) == 401
    assert refresh(world, tokens["refresh_token"])[0] == 401
    body = {"email": NOBODY, "password": PASSWORD}
    world.refused(401, "POST", SIGN_IN, None, json=body)


def test_changing_ones_own_password_ends_every_other_session(world: World) -> None:
    tokens, other = world.sign_in(NOBODY), world.sign_in(NOBODY)
    body = {"old": PASSWORD, "new": "another good one"}
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    world.ok("POST", "/me/password", None, headers=headers, json=body)
    assert me(world, other["access_token"]) == 401
    assert refresh(world, other["refresh_token"])[0] == 401
    status, renewed = refresh(world, tokens["refresh_token"])
    assert status == 200
    assert me(world, renewed["access_token"]) == 200
    assert world.sign_in(NOBODY, "another good one")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4IiwidHlwZSI6ImFjY2VzcyJ9.",
        "\u00fc" * 30,
    ],
)
def test_what_is_no_token_of_ours_is_refused(world: World, token: str) -> None:
    assert me(world, token) == 401


def test_tries_are_limited_by_address_and_account_whether_it_exists_or_not(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url, sign_in_per_minute=3)
    for email in (ADMIN, "nobody-at-all@example.org"):
        body = {"email": email, "password": "wrong password"}
        for _ in range(3):
            world.refused(401, "POST", SIGN_IN, None, json=body)
        answer = world.call("POST", SIGN_IN, None, json={**body, "email": email.upper()})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    world.clock.advance(s=60)
    assert world.sign_in(ADMIN)


def test_requests_are_limited_for_each_sign_in(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url, requests_per_minute=2)
    first, second = world.sign_in(ADMIN), world.sign_in(ADMIN)
    assert [me(world, first["access_token"]) for _ in range(3)] == [200, 200, 429]
    assert me(world, second["access_token"]) == 200
    assert "muster_http_rate_limited_total" in world.app.test_client().get("/metrics").text


class Browser:
    """A client that signed in with cookies, as the site's form does."""

    def __init__(self, world: World, email: str) -> None:
        from muster_platform.web import auth, signing_in

        def enter() -> object:
            answer = world.app.make_response("in")
            found = signing_in.sign_in(email, PASSWORD)
            assert isinstance(found, auth.SignedIn)
            auth.set_cookies(answer, found)
            return answer

        name = f"enter-{len(world.app.view_functions)}"
        world.app.add_url_rule(f"/{name}", name, enter, methods=["POST"])
        self.client: FlaskClient = world.app.test_client()
        assert self.client.post(f"/{name}").status_code == 200

    def cookie(self, name: str) -> str:
        found = self.client.get_cookie(name)
        return found.value if found else ""


@pytest.fixture
def browser_world(make_world: Callable[..., World], sqlite_url: str) -> World:
    return make_world(sqlite_url)


@pytest.fixture
def cookies(browser_world: World) -> Browser:
    return Browser(browser_world, ADMIN)


def test_a_cookie_reads_but_changes_nothing_without_its_csrf_token(cookies: Browser) -> None:
    assert cookies.client.get("/api/v1/me").status_code == 200
    for headers in ({}, {"X-CSRF-TOKEN": "guess"}):
        answer = cookies.client.post("/api/v1/groups", json={"name": "X"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json is not None
        assert answer.json["type"] == "urn:muster:problem:cross_site"
    token = {"X-CSRF-TOKEN": cookies.cookie("csrf_access_token")}
    answer = cookies.client.post("/api/v1/groups", json={"name": "X"}, headers=token)
    assert answer.status_code == 201


def test_scripts_cannot_read_the_tokens_and_other_sites_do_not_send_them(cookies: Browser) -> None:
    for name in ("access_token_cookie", "refresh_token_cookie"):
        found = cookies.client.get_cookie(name)
        assert found is not None
        assert found.http_only
        assert found.same_site == "Lax"


def test_a_browser_is_renewed_silently_when_its_access_token_ran_out(
    browser_world: World, cookies: Browser
) -> None:
    before = cookies.cookie("access_token_cookie")
    browser_world.clock.advance(s=browser_world.platform.settings.access_token_s + 1)
    token = {"X-CSRF-TOKEN": cookies.cookie("csrf_access_token")}
    answer = cookies.client.post("/api/v1/groups", json={"name": "X"}, headers=token)
    assert answer.status_code == 201
    assert cookies.cookie("access_token_cookie") != before
    assert cookies.client.get("/api/v1/me").status_code == 200


def test_a_browser_whose_rights_changed_goes_on_with_the_new_ones(
    browser_world: World, cookies: Browser
) -> None:
    with browser_world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.bind(users.by_email(ADMIN).id, "viewer", browser_world.paris)
    answer = cookies.client.get("/api/v1/me")
    assert answer.status_code == 200
    assert answer.json is not None
    assert len(answer.json["grants"]) == 2


def test_a_browser_that_signed_out_elsewhere_is_out(browser_world: World, cookies: Browser) -> None:
    with browser_world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.sign_out_everywhere(users.by_email(ADMIN).id)
    assert cookies.client.get("/api/v1/me").status_code == 401


def test_a_sign_in_sent_by_another_site_is_refused(browser_world: World) -> None:
    body = {"email": ADMIN, "password": PASSWORD}
    foreign = {"Origin": "https://evil.example"}
    told = browser_world.refused(403, "POST", SIGN_IN, None, json=body, headers=foreign)
    assert told["type"] == "urn:muster:problem:cross_site"
    own = {"Origin": "http://localhost"}
    assert browser_world.ok("POST", SIGN_IN, None, json=body, headers=own)
