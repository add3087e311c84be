"""Links in mails: an invitation, a forgotten password; each works once and tells nothing."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from muster_platform.access.actor import system_actor
from muster_platform.access.mail_models import Mail
from muster_platform.access.sign_in_models import MailLink, SecondFactor
from muster_platform.access.users import UserService
from tests.integration.web.conftest import ADMIN, NOBODY, PASSWORD, World

NEW = "a longer one for later"
INVITED = "invited@example.org"


def token_for(world: World, email: str) -> str:
    """Give the token of the newest link that was mailed to a person."""
    with world.platform.unit(system_actor("test"), write=False) as unit:
        text = unit.session.scalars(
            select(Mail.text).where(Mail.to_address == email).order_by(Mail.id.desc())
        ).first()
    found = re.search(r"/admin/link/([A-Za-z0-9_-]+)", text or "")
    assert found, text
    return found.group(1)


def forgot(world: World, email: str) -> None:
    world.clock.advance(ms=1)
    world.ok("POST", "/auth/forgot", None, json={"email": email})


def use(world: World, token: str, password: str = NEW) -> int:
    body = {"token": token, "password": password}
    return world.call("POST", "/auth/link", None, json=body).status_code


def test_an_invited_person_chooses_the_password_and_is_signed_in(world: World) -> None:
    body = {"email": INVITED, "name": "In Vited", "role": "viewer"}
    made = world.ok("POST", "/invitations", json=body)
    assert [binding["role"] for binding in made["bindings"]] == ["viewer"]
    for password in ("", "x" * 12, PASSWORD):
        sign_in = {"email": INVITED, "password": password or " "}
        world.refused(401, "POST", "/auth/sign-in", None, json=sign_in)
    body = {"token": token_for(world, INVITED), "password": NEW}
    tokens = world.ok("POST", "/auth/link", None, json=body)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert world.ok("GET", "/me", None, headers=headers)["restriction"] is None
    assert world.sign_in(INVITED, NEW)


def test_a_link_works_once_and_not_with_a_password_that_does_not_fit(world: World) -> None:
    forgot(world, NOBODY)
    token = token_for(world, NOBODY)
    for bad in ("short", "password1234", "nobody nobody", "x" * 257):
        assert use(world, token, bad) == 422, bad
    assert use(world, token) == 200
    assert use(world, token) == 401
    assert world.sign_in(NOBODY, NEW)


def test_a_link_runs_out(world: World) -> None:
    forgot(world, NOBODY)
    world.clock.advance(s=world.platform.settings.password_reset_s)
    assert use(world, token_for(world, NOBODY)) == 401


def test_a_new_link_ends_the_one_before_and_a_new_password_ends_all(world: World) -> None:
    forgot(world, NOBODY)
    first = token_for(world, NOBODY)
    forgot(world, NOBODY)
    second = token_for(world, NOBODY)
    assert use(world, first) == 401
    with world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.set_password(users.by_email(NOBODY).id)
    assert use(world, second) == 401


def test_using_a_link_ends_all_sign_ins(world: World) -> None:
    tokens = world.sign_in(NOBODY)
    forgot(world, NOBODY)
    assert use(world, token_for(world, NOBODY)) == 200
    for token in tokens["access_token"], tokens["refresh_token"]:
        world.refused(401, "GET", "/me", None, headers={"Authorization": f"Bearer {token}"})


def test_a_link_does_not_go_round_the_second_factor(world: World) -> None:
    with world.platform.unit(system_actor("test")) as unit:
        user_id = UserService(unit).by_email(NOBODY).id
        row = SecondFactor(user_id=user_id, secret="A" * 32, created_at=1, confirmed_at=1)
        unit.session.add(row)
    forgot(world, NOBODY)
    body = {"token": token_for(world, NOBODY), "password": NEW}
    found = world.ok("POST", "/auth/link", None, json=body)
    assert found["second_factor"]
    assert found["access_token"] is None


def test_a_disabled_person_gets_no_link_and_an_old_one_ends(world: World) -> None:
    forgot(world, NOBODY)
    token = token_for(world, NOBODY)
    with world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.disable(users.by_email(NOBODY).id)
    assert use(world, token) == 401
    forgot(world, NOBODY)
    assert token_for(world, NOBODY) == token


def test_asking_tells_nothing_and_leaves_nothing_for_nobody(world: World) -> None:
    answers = [
        world.call("POST", "/auth/forgot", None, json={"email": email})
        for email in (NOBODY, "who-is-that@example.org")
    ]
    assert {(answer.status_code, answer.data) for answer in answers} == {(204, b"")}
    with world.platform.unit(system_actor("test"), write=False) as unit:
        assert list(unit.session.scalars(select(Mail.to_address))) == [NOBODY]
        assert len(list(unit.session.scalars(select(MailLink)))) == 1


def test_asking_is_limited_whether_the_account_exists_or_not(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url)
    for email in (NOBODY, "who-is-that@example.org"):
        statuses = [
            world.call("POST", "/auth/forgot", None, json={"email": email}).status_code
            for _ in range(6)
        ]
        assert statuses == [204] * 5 + [429]


def test_the_token_stands_nowhere_but_in_the_mail(world: World) -> None:
    forgot(world, NOBODY)
    token = token_for(world, NOBODY)
    with world.platform.unit(system_actor("test"), write=False) as unit:
        link = unit.session.scalar(select(MailLink))
        assert link is not None
        assert token not in (link.hash, link.id)
    shown = world.ok("GET", "/mails")["items"][0]
    text = world.ok("GET", f"/mails/{shown['id']}", "auditor@example.org")["text"]
    assert token not in text
    assert "/admin/link/********" in text


def test_a_link_is_sent_again_by_an_administrator(world: World) -> None:
    made = world.ok("POST", "/invitations", json={"email": INVITED})
    first = token_for(world, INVITED)
    world.clock.advance(ms=1)
    world.ok("POST", f"/users/{made['id']}/link")
    assert token_for(world, INVITED) != first
    assert use(world, first) == 401
    assert use(world, token_for(world, INVITED)) == 200
    world.clock.advance(ms=1)
    world.ok("POST", f"/users/{made['id']}/link")
    with world.platform.unit(system_actor("test"), write=False) as unit:
        mails = unit.session.scalars(select(Mail).order_by(Mail.id.desc()))
        assert next(iter(mails)).kind == "reset"


def test_a_name_with_a_line_break_or_markup_is_only_text_in_a_mail(world: World) -> None:
    name = 'A\r\nBcc: all@example.org\r\n\r\n<img src=x onerror=alert(1)>"'
    world.ok("POST", "/invitations", json={"email": INVITED, "name": name})
    with world.platform.unit(system_actor("test"), write=False) as unit:
        mail = unit.session.scalar(select(Mail))
        assert mail is not None
        assert "<img" not in mail.html
        assert "\n" not in mail.subject + mail.to_address


@pytest.mark.parametrize("who", [NOBODY, "operator@example.org", "auditor@example.org"])
def test_only_who_may_edit_people_invites(world: World, who: str) -> None:
    world.refused(403, "POST", "/invitations", who, json={"email": INVITED})
    assert world.ok("GET", "/users", ADMIN)["items"]
