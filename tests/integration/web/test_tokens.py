"""API tokens over HTTP: recognised, bounded, ended; rights that change bite on the next request."""

from collections.abc import Callable
from typing import Any

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from tests.integration.web.conftest import ADMIN, BERLIN_OPERATOR, World, role_user

DAY_MS = 86_400_000
SYSTEM = system_actor("test")


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_url: str) -> World:
    made = make_world(sqlite_url)
    made.ok("POST", "/profiles", json={"name": "sensor"})
    for device, group in (("in-berlin", made.berlin), ("in-paris", made.paris)):
        made.ok(
            "POST",
            "/devices",
            json={"device_id": device, "profile": "sensor", "group_id": group},
        )
    return made


def make(world: World, who: str, *scopes: dict[str, Any], days: int = 30) -> dict[str, Any]:
    body = {"name": "Pipeline", "scopes": list(scopes), "days": days}
    made: dict[str, Any] = world.ok("POST", "/api-tokens", who, json=body)
    return made


def call(world: World, token: str, method: str, path: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)


def test_a_token_reads_and_acts_in_its_scope_and_is_refused_outside(world: World) -> None:
    scope = {"permissions": ["devices:read", "devices:write"], "group_id": world.berlin}
    token = make(world, ADMIN, scope)["token"]
    assert call(world, token, "GET", "/devices/in-berlin").status_code == 200
    changed = call(world, token, "PATCH", "/devices/in-berlin", json={"display_name": "x"})
    assert changed.status_code == 200
    assert call(world, token, "GET", "/devices/in-paris").status_code == 404
    assert call(world, token, "DELETE", "/devices/in-berlin").status_code == 403
    assert call(world, token, "GET", "/users").status_code == 403
    listed = call(world, token, "GET", "/devices").json["items"]
    assert [row["device_id"] for row in listed] == ["in-berlin"]
    me = call(world, token, "GET", "/me").json
    assert me["name"] == f"Pipeline (token of {ADMIN})"


def test_the_audit_log_names_the_token_and_its_owner(world: World) -> None:
    made = make(world, ADMIN, {"role": "administrator"})
    call(world, made["token"], "PATCH", "/devices/in-berlin", json={"display_name": "x"})
    entry = world.ok("GET", "/audit?action=device.update")["items"][0]
    assert (entry["actor_kind"], entry["actor_id"]) == ("token", made["id"])
    assert entry["actor_name"] == f"Pipeline (token of {ADMIN})"


def test_the_text_is_shown_once_also_to_who_repeats_the_request(world: World) -> None:
    body = {"name": "Pipeline", "scopes": [{"role": "viewer"}]}
    headers = {"Idempotency-Key": "make-a-token"}
    first = world.ok("POST", "/api-tokens", json=body, headers=headers)
    again = world.ok("POST", "/api-tokens", json=body, headers=headers)
    assert first["token"].startswith("mst_")
    assert (again["id"], again["token"]) == (first["id"], None)
    assert "token" not in world.ok("GET", f"/api-tokens/{first['id']}")


@pytest.mark.parametrize("wrong", ["mst_", "mst_abcdefgh_" + "a" * 43, "mst_é", "MST_x"])
def test_what_only_looks_like_a_token_is_401(world: World, wrong: str) -> None:
    answer = call(world, wrong, "GET", "/me")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_revoking_bites_on_the_next_request(world: World) -> None:
    made = make(world, BERLIN_OPERATOR, {"role": "viewer", "group_id": world.berlin})
    assert call(world, made["token"], "GET", "/devices/in-berlin").status_code == 200
    world.ok("DELETE", f"/api-tokens/{made['id']}", BERLIN_OPERATOR)
    answer = call(world, made["token"], "GET", "/devices/in-berlin")
    assert answer.status_code == 401
    assert answer.json["type"].endswith(":token_revoked")


def test_time_ends_a_token(world: World) -> None:
    token = make(world, ADMIN, {"role": "viewer"}, days=1)["token"]
    world.clock.advance(ms=DAY_MS - 1)
    assert call(world, token, "GET", "/me").status_code == 200
    world.clock.advance(ms=1)
    answer = call(world, token, "GET", "/me")
    assert (answer.status_code, answer.json["type"]) == (401, "urn:muster:problem:token_expired")


def test_what_the_owner_loses_the_token_has_lost(world: World) -> None:
    token = make(world, BERLIN_OPERATOR, {"role": "operator", "group_id": world.berlin})["token"]
    with world.platform.unit(SYSTEM, write=False) as unit:
        owner = UserService(unit).by_email(BERLIN_OPERATOR)
    world.ok("DELETE", f"/bindings/{owner.bindings[0].id}")
    assert call(world, token, "GET", "/devices/in-berlin").status_code == 404
    world.ok("POST", f"/users/{owner.id}/disable")
    assert call(world, token, "GET", "/me").status_code == 401


def test_a_token_does_nothing_about_accounts(world: World) -> None:
    made = make(world, ADMIN, {"role": "administrator"})
    with world.platform.unit(SYSTEM, write=False) as unit:
        someone = UserService(unit).by_email(role_user("viewer"))
    acts = (
        ("POST", "/api-tokens", {"name": "More", "scopes": [{"role": "viewer"}]}),
        ("POST", "/users", {"email": "eve@example.org"}),
        ("POST", f"/users/{someone.id}/bindings", {"role": "administrator"}),
        ("DELETE", f"/bindings/{someone.bindings[0].id}", None),
        ("POST", f"/users/{someone.id}/password", {}),
        ("POST", f"/users/{someone.id}/enable", None),
        ("POST", "/roles", {"name": "mine", "permissions": ["devices:read"]}),
        ("POST", "/auth/sign-out", None),
        ("POST", "/me/password", {"old": "x", "new": "another good password"}),
    )
    for method, path, body in acts:
        options = {} if body is None else {"json": body}
        answer = call(world, made["token"], method, path, **options)
        assert answer.status_code in (403, 404, 422), f"{method} {path}: {answer.text}"


def test_requests_are_limited_for_each_token_by_itself(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url, requests_per_minute=5)
    one = make(world, ADMIN, {"role": "viewer"})["token"]
    other = make(world, ADMIN, {"role": "viewer"})["token"]
    assert [call(world, one, "GET", "/me").status_code for _ in range(6)] == [200] * 5 + [429]
    assert call(world, other, "GET", "/me").status_code == 200


def test_the_last_use_is_shown(world: World) -> None:
    made = make(world, ADMIN, {"role": "viewer"})
    assert made["last_used_at"] is None
    call(world, made["token"], "GET", "/me")
    seen = world.ok("GET", f"/api-tokens/{made['id']}")
    assert seen["last_used_at"] == world.clock.now_ms()
    assert seen["last_used_address"] == "127.0.0.1"


def test_a_change_of_a_role_bites_on_the_next_request_of_its_holders(world: World) -> None:
    world.ok(
        "POST", "/roles", json={"name": "keeper", "permissions": ["devices:read", "groups:read"]}
    )
    user = world.ok(
        "POST", "/users", json={"email": "kim@example.org", "password": "correct horse battery"}
    )
    world.ok("POST", f"/users/{user['id']}/bindings", json={"role": "keeper"})
    who = "kim@example.org"
    with world.platform.unit(SYSTEM) as unit:
        UserService(unit).get(user["id"]).must_change_password = False
    world.tokens.pop(who, None)
    assert world.call("GET", "/devices/in-berlin", who).status_code == 200
    role = world.call("GET", "/roles/keeper")
    changed = world.call(
        "PATCH",
        "/roles/keeper",
        json={"permissions": ["groups:read"]},
        headers={"If-Match": role.headers["ETag"]},
    )
    assert changed.status_code == 200
    old = world.call("GET", "/devices/in-berlin", who)
    assert (old.status_code, old.json["type"]) == (401, "urn:muster:problem:rights_changed")
    world.tokens.pop(who)
    assert world.call("GET", "/devices/in-berlin", who).status_code == 404
    world.refused(
        412,
        "PATCH",
        "/roles/keeper",
        json={"title": "Late"},
        headers={"If-Match": role.headers["ETag"]},
    )


def test_a_denial_says_where_to_ask_why_and_the_answer_fits(world: World) -> None:
    denied = world.refused(403, "DELETE", "/devices/in-berlin", BERLIN_OPERATOR)
    assert denied["why"].startswith("/api/v1/access/why?permission=devices:delete&group=")
    found = world.ok("GET", denied["why"].removeprefix("/api/v1"), BERLIN_OPERATOR)
    assert not found["allowed"]
    assert found["where"] == "Fleet / Berlin"
    assert found["roles_that_would_do"] == ["administrator"]
    own = "/access/why?permission=commands:run&device=in-berlin"
    assert world.ok("GET", own, BERLIN_OPERATOR)["given_by"] == [
        {"role": "operator", "where": "Fleet / Berlin"}
    ]
    world.refused(
        404, "GET", "/access/why?permission=devices:read&device=in-paris", BERLIN_OPERATOR
    )
    world.refused(
        422, "GET", f"/access/why?permission=devices:read&device=in-paris&group={world.paris}"
    )


def test_the_review_by_api_and_csv(world: World) -> None:
    query = f"?permission=devices:delete&group={world.berlin}"
    rows = world.ok("GET", f"/access/review{query}", role_user("auditor"))["items"]
    assert [row["email"] for row in rows] == [ADMIN]
    exported = world.call("GET", f"/access/review.csv{query}", role_user("auditor"))
    assert exported.content_type.startswith("text/csv")
    assert exported.text.splitlines()[1].startswith(f"{ADMIN},administrator,administrator,every")


def test_users_are_listed_in_pages_and_found(world: World) -> None:
    first = world.ok("GET", "/users?limit=3")
    assert len(first["items"]) == 3
    second = world.ok("GET", f"/users?limit=500&cursor={first['next_cursor']}")
    emails = [row["email"] for row in first["items"] + second["items"]]
    assert emails == sorted(set(emails))
    assert [row["email"] for row in world.ok("GET", "/users?search=BERLIN@")["items"]] == [
        BERLIN_OPERATOR
    ]
    assert {row["email"] for row in world.ok("GET", "/users?role=auditor")["items"]} == {
        role_user("auditor")
    }
    user = first["items"][0]
    world.ok("POST", f"/users/{second['items'][0]['id']}/disable")
    assert len(world.ok("GET", "/users?disabled=true")["items"]) == 1
    world.refused(
        412,
        "PATCH",
        f"/users/{user['id']}",
        json={"name": "Late"},
        headers={"If-Match": f'"{user["version"] + 7}"'},
    )
