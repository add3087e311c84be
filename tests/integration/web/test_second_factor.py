"""The second factor by the API: two steps, no code twice, and what a role may ask for."""

from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from muster_platform.access.actor import system_actor
from muster_platform.access.auth import bump_epoch
from muster_platform.access.mail_models import Mail
from muster_platform.access.models import Binding, Role, User
from muster_platform.access.second_factor_rules import STEP_S
from tests.integration.web.conftest import ADMIN, NOBODY, PASSWORD, World, role_user

VIEWER = role_user("viewer")
SIGN_IN = {"email": VIEWER, "password": PASSWORD}


class Person:
    """Somebody with an authenticator app."""

    def __init__(self, world: World, email: str = VIEWER) -> None:
        self.world, self.email = world, email
        self.tokens = world.sign_in(email)
        self.secret = self.ok("POST", "/me/second-factor")["secret"]
        self.codes = self.ok("POST", "/me/second-factor/confirm", json={"code": self.code()})
        self.recovery: list[str] = self.codes["recovery_codes"]
        world.clock.advance(s=STEP_S)

    def code(self, steps: int = 0) -> str:
        """Give what the app shows now, or so many steps later."""
        now_s = self.world.clock.now_ms() // 1000
        return pyotp.TOTP(self.secret).at(now_s + steps * STEP_S)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def ok(self, method: str, path: str, **options: Any) -> Any:
        return self.world.ok(method, path, None, headers=self.headers(), **options)

    def challenge(self) -> str:
        """Give the password and get a challenge."""
        body = {"email": self.email, "password": PASSWORD}
        found = self.world.ok("POST", "/auth/sign-in", None, json=body)
        assert found["second_factor"]
        assert found["access_token"] is None
        return str(found["challenge"])

    def give(self, code: str, challenge: str | None = None) -> int:
        """Give a code; gives the status."""
        body = {"challenge": challenge or self.challenge(), "code": code}
        return self.world.call("POST", "/auth/second-factor", None, json=body).status_code


def test_the_password_gives_a_challenge_and_the_code_the_tokens(world: World) -> None:
    person = Person(world)
    body = {"challenge": person.challenge(), "code": person.code()}
    tokens = world.ok("POST", "/auth/second-factor", None, json=body)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert world.ok("GET", "/me", None, headers=headers)["name"] == VIEWER
    (session,) = [
        s for s in world.ok("GET", "/me/sessions", None, headers=headers)["items"] if s["current"]
    ]
    assert session["second_factor"]


def test_a_code_works_once_also_for_another_challenge(world: World) -> None:
    person = Person(world)
    first, second, code = person.challenge(), person.challenge(), person.code()
    assert person.give(code, first) == 200
    assert person.give(code, first) == 401
    assert person.give(code, second) == 401
    assert person.give(person.code(-1)) == 401, "nor one of a step before it"


def test_a_phone_may_be_a_step_off_and_not_two(world: World) -> None:
    person = Person(world)
    assert person.give(person.code(2)) == 401
    assert person.give(person.code(1)) == 200


def test_a_recovery_code_works_once_however_it_is_typed(world: World) -> None:
    person = Person(world)
    typed = person.recovery[0].upper().replace("-", " ")
    assert person.give(typed) == 200
    assert person.give(person.recovery[0]) == 401
    assert person.give(person.recovery[1]) == 200
    users = world.ok("GET", "/users")["items"]
    user_id = next(user["id"] for user in users if user["email"] == VIEWER)
    left = world.ok("GET", f"/users/{user_id}/second-factor")
    assert left["recovery_codes_left"] == 8


def test_a_challenge_is_good_for_nothing_else_and_not_for_long(world: World) -> None:
    person = Person(world)
    challenge = person.challenge()
    headers = {"Authorization": f"Bearer {challenge}"}
    for method, path in (("GET", "/me"), ("POST", "/auth/refresh"), ("POST", "/auth/sign-out")):
        world.refused(401, method, path, None, headers=headers)
    world.clock.advance(s=301)
    assert person.give(person.code(), challenge) == 401


def test_an_access_token_is_no_challenge(world: World) -> None:
    person = Person(world)
    assert person.give(person.code(), person.tokens["access_token"]) == 401


def test_a_challenge_ends_with_a_change_of_the_password(world: World) -> None:
    person = Person(world)
    challenge = person.challenge()
    with world.platform.unit(system_actor("test")) as unit:
        user = unit.session.scalar(select(User).where(User.email == VIEWER))
        assert user is not None
        bump_epoch(unit, user)
    assert person.give(person.code(), challenge) == 401


def test_codes_are_limited_by_account_with_any_number_of_challenges(world: World) -> None:
    person = Person(world)
    world.clock.advance(s=3600)  # windows in which no code was counted yet
    challenges = [person.challenge() for _ in range(6)]
    object.__setattr__(world.platform.settings, "sign_in_per_minute", 5)
    assert {person.give("000000", challenge) for challenge in challenges[:5]} == {401}
    body = {"challenge": challenges[5], "code": person.code()}
    assert world.call("POST", "/auth/second-factor", None, json=body).status_code == 429


def test_setting_up_and_removing_takes_a_fresh_sign_in(world: World) -> None:
    tokens = world.sign_in(VIEWER)
    world.clock.advance(s=world.platform.settings.fresh_sign_in_s - 1)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    world.ok("POST", "/me/second-factor", None, headers=headers)
    tokens = world.sign_in(VIEWER)
    world.clock.advance(s=world.platform.settings.access_token_s - 1)
    object.__setattr__(world.platform.settings, "fresh_sign_in_s", 60)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = world.refused(403, "POST", "/me/second-factor", None, headers=headers)
    assert told["type"] == "urn:muster:problem:fresh_sign_in_required"
    wrong = {"password": "not the one"}
    world.refused(401, "POST", "/auth/fresh", None, headers=headers, json=wrong)
    right = {"password": PASSWORD}
    fresh = world.ok("POST", "/auth/fresh", None, headers=headers, json=right)
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    world.ok("POST", "/me/second-factor", None, headers=headers)


def test_confirming_a_sign_in_takes_the_code_too(world: World) -> None:
    person = Person(world)
    body = {"challenge": person.challenge(), "code": person.code()}
    person.tokens = world.ok("POST", "/auth/second-factor", None, json=body)
    world.clock.advance(s=STEP_S)
    for code in ("", "000000"):
        given = {"password": PASSWORD, "code": code}
        world.refused(401, "POST", "/auth/fresh", None, headers=person.headers(), json=given)
    person.ok("POST", "/auth/fresh", json={"password": PASSWORD, "code": person.code()})


def test_removing_it_makes_the_password_enough_and_is_told_by_mail(world: World) -> None:
    person = Person(world)
    body = {"challenge": person.challenge(), "code": person.code()}
    person.tokens = world.ok("POST", "/auth/second-factor", None, json=body)
    person.ok("DELETE", "/me/second-factor")
    assert world.ok("POST", "/auth/sign-in", None, json=SIGN_IN)["access_token"]
    with world.platform.unit(system_actor("test"), write=False) as unit:
        subjects = list(unit.session.scalars(select(Mail.subject).order_by(Mail.id)))
    assert subjects == ["A second factor was set up", "The second factor was removed"]


def test_a_second_one_is_not_put_over_the_first(world: World) -> None:
    person = Person(world)
    body = {"challenge": person.challenge(), "code": person.code()}
    person.tokens = world.ok("POST", "/auth/second-factor", None, json=body)
    world.refused(409, "POST", "/me/second-factor", None, headers=person.headers())


def test_what_was_not_confirmed_asks_for_no_code(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.sign_in(VIEWER)['access_token']}"}
    world.ok("POST", "/me/second-factor", None, headers=headers)
    body = {"code": "000000"}
    world.refused(422, "POST", "/me/second-factor/confirm", None, headers=headers, json=body)
    assert world.sign_in(VIEWER)["access_token"]


@pytest.mark.parametrize("path", ["/devices", "/users", "/me/sessions"])
def test_a_role_that_asks_for_one_allows_nothing_before(world: World, path: str) -> None:
    demand(world, "administrator")
    tokens = world.sign_in(ADMIN)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = world.refused(403, "GET", path, None, headers=headers)
    assert told["type"] == "urn:muster:problem:second_factor_required"
    assert world.ok("GET", "/me", None, headers=headers)["restriction"] == "second_factor"
    secret = world.ok("POST", "/me/second-factor", None, headers=headers)["secret"]
    code = {"code": pyotp.TOTP(secret).at(world.clock.now_ms() // 1000)}
    world.ok("POST", "/me/second-factor/confirm", None, headers=headers, json=code)
    refreshing = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    renewed = world.ok("POST", "/auth/refresh", None, headers=refreshing)
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    world.ok("GET", path, None, headers=headers)


def demand(world: World, role: str) -> None:
    """Let a role ask for a second factor."""
    with world.platform.unit(system_actor("test")) as unit:
        found = unit.session.scalar(select(Role).where(Role.name == role))
        assert found is not None
        found.require_second_factor = True
        bound = select(User).join(Binding).where(Binding.role_id == found.id)
        for user in unit.session.scalars(bound):
            bump_epoch(unit, user)


def test_an_administrator_resets_it_which_ends_the_sign_ins(world: World) -> None:
    person = Person(world)
    listed = world.ok("GET", "/users")["items"]
    user_id = next(user["id"] for user in listed if user["email"] == VIEWER)
    path = f"/users/{user_id}/second-factor/reset"
    world.refused(403, "POST", path, NOBODY, json={})
    world.ok("POST", path, json={"reason": "lost the phone"})
    world.refused(401, "GET", "/me", None, headers=person.headers())
    assert world.sign_in(VIEWER)["access_token"]
    audit = world.ok("GET", "/audit?action=user.second_factor_reset")["items"]
    assert audit[0]["reason"] == "lost the phone"
