"""Sign-ins that last, tries that failed, and limits that lock nobody out for good."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from muster_platform.access.actor import Actor, Grant, system_actor
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_models import SignInTry
from muster_platform.access.sign_ins import SignInService
from muster_platform.access.users import UserService
from muster_platform.errors import PermissionDenied
from muster_platform.web import device_cookie
from tests.integration.web.conftest import ADMIN, NOBODY, PASSWORD, World

WRONG = {"email": NOBODY, "password": "not this one"}
RIGHT = {"email": NOBODY, "password": PASSWORD}
SIGN_IN = "/api/v1/auth/sign-in"


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def nobody_id(world: World) -> str:
    return str(next(u["id"] for u in world.ok("GET", "/users")["items"] if u["email"] == NOBODY))


def sign_in_from(world: World, address: str, body: dict[str, str]) -> int:
    client = world.app.test_client()
    environ = {"REMOTE_ADDR": address}
    return client.post(SIGN_IN, json=body, environ_overrides=environ).status_code


def test_ones_sign_ins_are_listed_with_where_they_came_from(world: World) -> None:
    tokens = world.sign_in(NOBODY)
    world.clock.advance(s=60)
    client = world.app.test_client()
    headers = {"User-Agent": "Test\x00 browser/1"}
    client.post(
        SIGN_IN, json=RIGHT, headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
    )
    listed = world.ok("GET", "/me/sessions", None, headers=bearer(tokens))["items"]
    assert [(row["address"], row["current"]) for row in listed] == [
        ("192.0.2.7", False),
        ("127.0.0.1", True),
    ]
    assert "browser/1" in listed[0]["user_agent"]


def test_ending_one_bites_on_its_next_request_and_leaves_the_others(world: World) -> None:
    mine, other = world.sign_in(NOBODY), world.sign_in(NOBODY)
    listed = world.ok("GET", "/me/sessions", None, headers=bearer(mine))["items"]
    (family,) = [row["id"] for row in listed if not row["current"]]
    world.ok("DELETE", f"/me/sessions/{family}", None, headers=bearer(mine))
    told = world.refused(401, "GET", "/me", None, headers=bearer(other))
    assert told["type"] == "urn:muster:problem:session_ended"
    refreshing = {"Authorization": f"Bearer {other['refresh_token']}"}
    world.refused(401, "POST", "/auth/refresh", None, headers=refreshing)
    world.ok("GET", "/me", None, headers=bearer(mine))
    world.refused(404, "DELETE", f"/me/sessions/{family}", None, headers=bearer(mine))


def test_all_others_end_at_once(world: World) -> None:
    mine, *others = (world.sign_in(NOBODY) for _ in range(3))
    ended = world.ok("POST", "/me/sessions/end-others", None, headers=bearer(mine))
    assert ended == {"ended": 2}
    for tokens in others:
        world.refused(401, "GET", "/me", None, headers=bearer(tokens))
    world.ok("GET", "/me", None, headers=bearer(mine))


def test_nobody_ends_or_sees_the_sign_ins_of_others(world: World) -> None:
    listed = world.ok("GET", f"/users/{nobody_id(world)}/sessions")
    assert listed["items"] == []
    theirs = world.sign_in(ADMIN)
    admin = world.ok("GET", "/me/sessions", None, headers=bearer(theirs))["items"][0]
    mine = bearer(world.sign_in(NOBODY))
    world.refused(404, "DELETE", f"/me/sessions/{admin['id']}", None, headers=mine)
    path = f"/users/{world.ok('GET', '/me')['id']}/sessions"
    world.refused(403, "GET", path, None, headers=mine)
    world.refused(403, "DELETE", f"{path}/{admin['id']}", None, headers=mine)


def test_an_administrator_ends_the_sign_ins_of_a_person(world: World) -> None:
    tokens, user_id = world.sign_in(NOBODY), nobody_id(world)
    (row,) = world.ok("GET", f"/users/{user_id}/sessions")["items"]
    world.ok("DELETE", f"/users/{user_id}/sessions/{row['id']}")
    world.refused(401, "GET", "/me", None, headers=bearer(tokens))
    other = world.sign_in(NOBODY)
    assert world.ok("POST", f"/users/{user_id}/sessions/end-all") == {"ended": 1}
    world.refused(401, "GET", "/me", None, headers=bearer(other))


def test_failed_tries_are_counted_by_account_and_minute(world: World) -> None:
    for _ in range(3):
        world.refused(401, "POST", "/auth/sign-in", None, json=WRONG)
    for number in range(4):
        unknown = {"email": f"hunter{number}@example.org", "password": "my real password"}
        world.refused(401, "POST", "/auth/sign-in", None, json=unknown)
    world.clock.advance(s=60)
    world.refused(401, "POST", "/auth/sign-in", None, json=WRONG)
    world.sign_in(NOBODY)
    listed = world.ok("GET", "/sign-ins")["items"]
    told = {(row["outcome"], row["email"], row["tries"]) for row in listed}
    assert {
        ("wrong_password", NOBODY, 3),
        ("wrong_password", NOBODY, 1),
        ("unknown_account", "", 4),
        ("signed_in", NOBODY, 1),
    } <= told
    own = world.ok("GET", "/me/sign-ins", NOBODY)["items"]
    assert {row["email"] for row in own} == {NOBODY}


def test_what_was_typed_for_an_unknown_account_is_kept_nowhere(world: World) -> None:
    body = {"email": "my-secret-password", "password": "x"}
    world.refused(401, "POST", "/auth/sign-in", None, json=body)
    with world.platform.unit(system_actor("test"), write=False) as unit:
        row = unit.session.scalar(select(SignInTry).where(SignInTry.outcome == "unknown_account"))
        assert row is not None
        assert "secret" not in repr(vars(row))


def test_counts_are_for_who_may_see_people(world: World) -> None:
    world.refused(401, "POST", "/auth/sign-in", None, json=WRONG)
    world.sign_in(NOBODY)
    reader = Actor("user", "x", "x", (Grant(frozenset({Permission.USERS_READ})),))
    with world.platform.unit(reader, write=False) as unit:
        found = SignInService(unit).counts(0)
        assert (found.signed_in, found.failed, found.accounts_failed) == (1, 1, 1)
    with (
        world.platform.unit(Actor("user", "x", "x"), write=False) as unit,
        pytest.raises(PermissionDenied),
    ):
        SignInService(unit).counts(0)


@pytest.fixture
def strict(make_world: Callable[..., World], sqlite_url: str) -> World:
    return make_world(sqlite_url, sign_in_per_minute=3)


def test_many_addresses_together_guess_no_faster_and_slower_by_the_hour(strict: World) -> None:
    tried = 0
    strict.clock.advance(s=3600 - strict.clock.now_ms() // 1000 % 3600)  # an hour begins
    for _ in range(20):
        for number in range(10):
            tried += sign_in_from(strict, f"198.51.100.{number}", WRONG) == 401
        strict.clock.advance(s=60)
    assert tried == 30, "an hour lets ten minutes' worth through"
    assert sign_in_from(strict, "203.0.113.1", RIGHT) == 429
    strict.clock.advance(s=3600)
    assert sign_in_from(strict, "203.0.113.1", RIGHT) == 200, "never for good"


def known(world: World, email: str) -> FlaskClient:
    """Give a browser that signed in to the account before."""
    with world.app.test_request_context():
        answer = world.app.make_response("known")
        device_cookie.give(answer, email)
    value = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    client = world.app.test_client()
    client.set_cookie(device_cookie.COOKIE, value)
    return client


def test_a_browser_that_was_here_before_is_not_locked_out_by_others(strict: World) -> None:
    mine, foreign = known(strict, NOBODY), known(strict, ADMIN)
    for number in range(10):
        sign_in_from(strict, f"198.51.100.{number}", WRONG)
        sign_in_from(strict, "127.0.0.1", WRONG)
    assert sign_in_from(strict, "203.0.113.1", RIGHT) == 429
    assert foreign.post(SIGN_IN, json=RIGHT).status_code == 429, "known to another account only"
    assert mine.post(SIGN_IN, json=RIGHT).status_code == 200
    statuses = [mine.post(SIGN_IN, json=WRONG).status_code for _ in range(3)]
    assert statuses[-1] == 429, "and has few tries itself"


def test_successes_do_not_use_up_the_tries_of_an_account(strict: World) -> None:
    for number in range(50):
        assert sign_in_from(strict, f"198.51.100.{number}", RIGHT) == 200


def test_old_tries_and_sign_ins_are_forgotten(world: World) -> None:
    from muster_platform.worker.mails import clean_sign_ins

    world.sign_in(NOBODY)
    assert clean_sign_ins(world.platform) == 0
    world.clock.advance(s=world.platform.settings.sign_ins_kept_days * 86_400 + 1)
    assert clean_sign_ins(world.platform) >= 2
    with world.platform.unit(system_actor("test"), write=False) as unit:
        assert unit.session.scalar(select(func.count(SignInTry.id))) == 0


def test_a_given_password_is_good_for_changing_it_alone(world: World) -> None:
    with world.platform.unit(system_actor("test")) as unit:
        given = UserService(unit).set_password(nobody_id(world))
    assert given is not None
    tokens = world.sign_in(NOBODY, given)
    for method, path in (("GET", "/devices"), ("GET", "/me/sessions"), ("POST", "/groups")):
        told = world.refused(403, method, path, None, headers=bearer(tokens), json={})
        assert told["type"] == "urn:muster:problem:password_change_required"
    told = world.refused(403, "POST", "/me/second-factor", None, headers=bearer(tokens))
    assert told["type"] == "urn:muster:problem:password_change_required"
    body = {"old": given, "new": "a longer one for later"}
    world.ok("POST", "/me/password", None, headers=bearer(tokens), json=body)
    refreshing = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    renewed = world.ok("POST", "/auth/refresh", None, headers=refreshing)
    world.ok("GET", "/me/sessions", None, headers=bearer(renewed))


def test_a_refreshed_token_is_as_old_as_the_password_it_came_from(world: World) -> None:
    tokens = world.sign_in(ADMIN)
    world.clock.advance(s=world.platform.settings.fresh_sign_in_s + 1)
    refreshing = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    renewed = world.ok("POST", "/auth/refresh", None, headers=refreshing)
    told = world.refused(403, "POST", "/me/second-factor", None, headers=bearer(renewed))
    assert told["type"] == "urn:muster:problem:fresh_sign_in_required"
    fresh = world.ok(
        "POST", "/auth/fresh", None, headers=bearer(renewed), json={"password": PASSWORD}
    )
    world.ok("POST", "/me/second-factor", None, headers=bearer(fresh))
    refreshing = {"Authorization": f"Bearer {renewed['refresh_token']}"}
    later = world.ok("POST", "/auth/refresh", None, headers=refreshing)
    world.ok("POST", "/me/second-factor", None, headers=bearer(later))


def test_cookies_from_before_the_sign_in_are_not_kept(world: World) -> None:
    planted = world.sign_in(NOBODY)
    client = world.app.test_client()
    client.set_cookie("access_token_cookie", planted["access_token"])
    tokens = client.post(SIGN_IN, json={"email": ADMIN, "password": PASSWORD}).json
    assert tokens is not None
    families = {
        row["id"]
        for who in (planted, tokens)
        for row in world.ok("GET", "/me/sessions", None, headers=bearer(who))["items"]
        if row["current"]
    }
    assert len(families) == 2


def test_what_is_purged_for_good_asks_for_a_fresh_sign_in_and_programs_are_not_asked(
    world: World,
) -> None:
    world.ok("POST", "/profiles", json={"name": "sensor"})
    for name in ("one", "two"):
        world.ok("POST", "/devices", json={"device_id": name, "profile": "sensor"})
    body = {"name": "Cleaner", "scopes": [{"role": "administrator"}]}
    token = world.ok("POST", "/api-tokens", json=body)["token"]
    tokens = world.sign_in(ADMIN)
    world.clock.advance(s=world.platform.settings.fresh_sign_in_s - 1)
    object.__setattr__(world.platform.settings, "fresh_sign_in_s", 60)
    told = world.refused(403, "DELETE", "/devices/one?purge=true", None, headers=bearer(tokens))
    assert told["type"] == "urn:muster:problem:fresh_sign_in_required"
    world.ok("DELETE", "/devices/one", None, headers=bearer(tokens))
    program = {"Authorization": f"Bearer {token}"}
    world.ok("DELETE", "/devices/two?purge=true", None, headers=program)
