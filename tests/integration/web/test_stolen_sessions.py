"""A session that was planted, copied, kept or forged gets nobody in."""

import base64
import json
import warnings
from collections.abc import Callable

import jwt
import pytest
from flask.testing import FlaskClient

from tests.integration.web.conftest import ADMIN, NOBODY, PASSWORD, World
from tests.integration.web.test_page_matrix import csrf, signed_in
from tests.services.database import MigratedSqlite

COOKIES = (
    *("access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"),
)


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy(), pages=True)


def cookies(client: FlaskClient) -> dict[str, str]:
    found = {name: client.get_cookie(name) for name in COOKIES}
    return {name: cookie.value for name, cookie in found.items() if cookie is not None}


def carrying(world: World, given: dict[str, str]) -> FlaskClient:
    """Give another browser with those cookies."""
    client = world.app.test_client()
    for name, value in given.items():
        client.set_cookie(name, value)
    return client


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/account/").status_code == 200


def who(client: FlaskClient) -> str:
    return str((client.get("/api/v1/me").json or {}).get("name"))


def test_signing_in_takes_up_no_session_that_was_planted(world: World) -> None:
    planted = cookies(signed_in(world, NOBODY))
    victim = carrying(world, planted)
    answer = victim.post("/admin/sign-in", data={"email": ADMIN, "password": PASSWORD})
    assert answer.status_code == 303
    after = cookies(victim)
    assert all(
        after[name] != planted[name] for name in ("access_token_cookie", "csrf_access_token")
    )
    assert who(victim) == ADMIN
    assert who(carrying(world, planted)) == NOBODY, "who planted it stays who they are"


def test_no_two_sign_ins_share_a_token(world: World) -> None:
    one, other = cookies(signed_in(world, ADMIN)), cookies(signed_in(world, ADMIN))
    assert not set(one.values()) & set(other.values())


def test_cookies_kept_from_before_the_sign_out_are_worth_nothing(world: World) -> None:
    client = signed_in(world, ADMIN)
    kept = cookies(client)
    client.post("/admin/sign-out", data={"csrf_token": csrf(client)})
    assert not is_in(client)
    assert not is_in(carrying(world, kept))
    renewed = carrying(world, kept)
    world.clock.advance(s=world.platform.settings.access_token_s + 1)
    assert not is_in(renewed), "the refresh token does not bring it back"


def test_a_copied_browser_is_found_when_both_go_on_and_ends_for_both(world: World) -> None:
    owner = signed_in(world, ADMIN)
    thief = carrying(world, cookies(owner))
    settings = world.platform.settings
    world.clock.advance(s=settings.access_token_s + 1)
    assert is_in(thief), "the thief is first to renew"
    world.clock.advance(s=settings.refresh_grace_s + 1)
    assert not is_in(owner), "the owner's refresh token was used already"
    assert not is_in(thief), "so it was stolen, and both are out"
    world.ok("GET", "/audit?action=user.refresh_token_reused")


def test_a_refresh_token_is_no_access_token_in_a_cookie_either(world: World) -> None:
    given = cookies(signed_in(world, ADMIN))
    swapped = {**given, "access_token_cookie": given["refresh_token_cookie"]}
    assert not is_in(carrying(world, swapped))
    assert not is_in(carrying(world, {"refresh_token_cookie": given["refresh_token_cookie"]}))


def test_an_old_cookie_of_another_sign_in_does_not_lend_its_csrf_token(world: World) -> None:
    """A page of a neighbouring host can set cookies for ours, and its requests are same-site."""
    planted, victim = cookies(signed_in(world, NOBODY)), cookies(signed_in(world, ADMIN))
    world.clock.advance(s=world.platform.settings.access_token_s + 1)
    mixed = {**victim, "access_token_cookie": planted["access_token_cookie"]}
    word = jwt.decode(planted["access_token_cookie"], options={"verify_signature": False})["csrf"]
    answer = carrying(world, mixed).post(
        "/api/v1/groups", json={"name": "Stolen"}, headers={"X-CSRF-TOKEN": word}
    )
    assert answer.status_code == 401
    assert is_in(carrying(world, victim)), "the victim's own cookies still belong together"


def changed(token: str, **claims: object) -> str:
    head, body, signature = token.split(".")
    plain = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    other = base64.urlsafe_b64encode(json.dumps({**plain, **claims}).encode()).decode().rstrip("=")
    return ".".join((head, other, signature))


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return ".".join((head, token.split(".")[1], ""))


def signed_by(token: str, secret: str, algorithm: str = "HS256") -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keys too short for that algorithm
        return jwt.encode(claims, secret, algorithm=algorithm)


FORGERIES: dict[str, Callable[[str], str]] = {
    "another person": lambda token: changed(token, sub="01900000-0000-7000-8000-000000000000"),
    "for ever": lambda token: changed(token, exp=2**40),
    "no signature": unsigned,
    "no signature, its own head": lambda token: token.rpartition(".")[0] + ".",
    "another installation": lambda token: signed_by(token, "k" * 43),
    "the same secret by another algorithm": lambda token: signed_by(token, "j" * 43, "HS512"),
    "cut": lambda token: token[:-2],
}


@pytest.mark.parametrize("how", sorted(FORGERIES))
def test_a_forged_token_gets_nobody_in(world: World, how: str) -> None:
    given = cookies(signed_in(world, ADMIN))
    forged = FORGERIES[how](given["access_token_cookie"])
    assert forged != given["access_token_cookie"]
    client = carrying(world, {"access_token_cookie": forged})
    assert not is_in(client)
    headers = {"Authorization": f"Bearer {forged}"}
    assert world.app.test_client().get("/api/v1/me", headers=headers).status_code == 401


def test_another_s_csrf_token_is_refused_by_the_api_too(world: World) -> None:
    client, foreign = signed_in(world, ADMIN), csrf(signed_in(world, NOBODY))
    for headers in ({}, {"X-CSRF-TOKEN": "guess"}, {"X-CSRF-TOKEN": foreign}):
        answer = client.post("/api/v1/groups", json={"name": "X"}, headers=headers)
        assert answer.status_code == 403, headers
    assert "X" not in {group["name"] for group in world.ok("GET", "/groups")["items"]}


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "/%09/evil.example", "/\t/evil.example", "http:evil.example"),
        *("///evil.example", "/ /evil.example", "//evil.example/%2f..", "/\n//evil.example"),
    ],
)
@pytest.mark.parametrize("field", ["next", "url"])
def test_no_form_sends_anybody_to_another_site(world: World, target: str, field: str) -> None:
    client = signed_in(world, ADMIN)
    data = {"csrf_token": csrf(client), "id": "nothing", field: target}
    for path in ("/admin/profiles/delete/", "/admin/groups/delete/", "/admin/enrolment/delete/"):
        at_home(client.post(path, data=data).location)
    for path in ("/admin/audit/edit/", "/admin/audit/details/", "/admin/sign-in", "/admin/fresh"):
        at_home(client.get(path, query_string={field: target}).location)
    stranger = world.app.test_client()
    answer = stranger.post(
        "/admin/sign-in", data={"email": ADMIN, "password": PASSWORD, field: target}
    )
    at_home(answer.location)


def at_home(location: str | None) -> None:
    """Insist that a browser stays here: it drops tabs and ends of lines, turns backslashes."""
    if location is None:
        return
    address = location.translate({9: None, 10: None, 13: None}).replace("\\", "/").strip()
    assert address.startswith("/"), location
    assert not address.startswith("//"), location
