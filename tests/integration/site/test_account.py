"""Signing in by the site: codes, forgotten passwords, links, and what one's account shows."""

import re

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from muster_platform.access.mail_models import Mail
from muster_platform.access.mails import MailService
from muster_platform.access.models import Role, User
from muster_platform.access.sign_in_models import SecondFactor
from muster_platform.access.users import UserService
from tests.integration.site.conftest import ADMIN, OPERATOR, PASSWORD, SYSTEM, VIEWER, World

NEW = "a longer one for later"


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> str:
    """Give where the sign-in leads."""
    answer = client.post("/admin/sign-in", data={"email": email, "password": password})
    assert answer.status_code == 303, answer.text
    return answer.location


def link_of(world: World, email: str) -> str:
    """Give the newest link that was mailed to a person, without the host."""
    with world.platform.unit(SYSTEM, write=False) as unit:
        text = unit.session.scalars(
            select(Mail.text).where(Mail.to_address == email).order_by(Mail.id.desc())
        ).first()
    found = re.search(r"/admin/link/\S+", text or "")
    assert found, text
    return found.group()


def set_up(world: World, email: str) -> str:
    """Give a person a second factor; gives its secret."""
    secret = pyotp.random_base32()
    with world.platform.unit(SYSTEM) as unit:
        user_id = UserService(unit).by_email(email).id
        unit.session.add(SecondFactor(user_id=user_id, secret=secret, created_at=1, confirmed_at=1))
    return secret


def test_the_code_page_comes_behind_the_password_and_leads_on(world: World) -> None:
    secret = set_up(world, OPERATOR)
    client = world.app.test_client()
    assert sign_in(client, OPERATOR).startswith("/admin/sign-in/code")
    assert client.get("/admin/").status_code == 302, "the password alone opens nothing"
    wrong = client.post("/admin/sign-in/code", data={"code": "000000"})
    assert wrong.status_code == 401
    code = pyotp.TOTP(secret).at(world.platform.clock.now_ms() // 1000)
    right = client.post("/admin/sign-in/code", data={"code": code, "next": "/admin/device/"})
    assert (right.status_code, right.location) == (303, "/admin/device/")
    assert client.get("/admin/").status_code == 200


def test_a_second_factor_is_set_up_with_a_code_and_recovery_codes_are_shown(world: World) -> None:
    browser = world.browser(VIEWER)
    page = browser.post("/admin/account/second-factor/begin").text
    assert 'src="data:image/svg+xml' in page
    found = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert found is not None
    wrong = browser.post("/admin/account/second-factor/confirm", code="000000").text
    assert "code is wrong" in wrong
    code = pyotp.TOTP(found.group(1)).at(world.platform.clock.now_ms() // 1000)
    done = browser.post("/admin/account/second-factor/confirm", code=code).text
    assert len(re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", done)) == 10
    assert found.group(1) not in browser.text("/admin/account/second-factor/")
    assert "Set up" in browser.text("/admin/account/")


def test_a_role_that_asks_for_a_second_factor_leads_to_nothing_but_setting_it_up(
    world: World,
) -> None:
    browser = world.browser(VIEWER)
    with world.platform.unit(SYSTEM) as unit:
        role = unit.session.scalar(select(Role).where(Role.name == "viewer"))
        assert role is not None
        role.require_second_factor = True
        user = UserService(unit).by_email(VIEWER)
        user.epoch += 1
    for path in ("/admin/", "/admin/device/", "/admin/account/"):
        answer = browser.client.get(path, follow_redirects=True)
        assert answer.request.path == "/admin/account/second-factor/", path
    assert "A role of yours asks" in answer.text
    client = browser.client
    page = send(client, answer.text, "/admin/account/second-factor/begin")
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert secret is not None
    code = pyotp.TOTP(secret.group(1)).at(world.platform.clock.now_ms() // 1000)
    assert "recovery codes" in send(client, page, "/admin/account/second-factor/confirm", code=code)
    assert browser.get("/admin/device/").status_code == 200


def send(client: FlaskClient, page: str, path: str, **fields: str) -> str:
    """Send a form of a page that is on screen; gives what comes of it."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    data = {"csrf_token": token.group(1), **fields}
    return client.post(path, data=data, follow_redirects=True).text


def test_a_given_password_is_good_for_nothing_but_changing_it(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        given = UserService(unit).set_password(UserService(unit).by_email(VIEWER).id)
    assert given is not None
    client = world.app.test_client()
    assert sign_in(client, VIEWER, given) == "/admin/account/"
    assert client.get("/admin/device/").location == "/admin/account/"
    page = client.get("/admin/account/").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    assert "API tokens" not in page
    change = {"csrf_token": token.group(1), "old": given, "new": NEW}
    assert client.post("/admin/account/password", data=change).location == "/admin/"
    assert client.get("/admin/device/").status_code == 200


def test_whoever_forgot_gets_a_link_that_is_shown_as_a_form_and_works_once(world: World) -> None:
    client = world.app.test_client()
    client.post("/admin/forgot", data={"email": OPERATOR})
    link = link_of(world, OPERATOR)
    opened = client.get(link)
    assert (opened.status_code, opened.location) == (303, "/admin/link")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    for _ in range(2):  # a mail program that looks ahead uses nothing up
        assert OPERATOR in client.get("/admin/link").text
    weak = client.post("/admin/link", data={"password": "short"})
    assert weak.status_code == 422
    done = client.post("/admin/link", data={"password": NEW})
    assert (done.status_code, done.location) == (303, "/admin/")
    assert client.get("/admin/").status_code == 200
    other = world.app.test_client()
    other.get(link)
    assert "does not work" in other.get("/admin/link").text
    assert other.post("/admin/link", data={"password": NEW}).status_code == 401
    assert sign_in(world.app.test_client(), OPERATOR, NEW) == "/admin/"


def test_asking_for_a_link_tells_nobody_who_has_an_account(world: World) -> None:
    answers = []
    for email in (OPERATOR, "nobody-has-this@example.org"):
        answer = world.app.test_client().post("/admin/forgot", data={"email": email})
        without = re.sub(r'nonce="[^"]+"', "", answer.text).replace(email, "")
        answers.append((answer.status_code, without))
    assert answers[0] == answers[1]


def test_links_in_mails_are_for_the_eyes_of_an_administrator_without_a_mail_server_only(
    world: World,
) -> None:
    world.app.test_client().post("/admin/forgot", data={"email": OPERATOR})
    secret = link_of(world, OPERATOR).rpartition("/")[2]
    with world.platform.unit(SYSTEM, write=False) as unit:
        mail = unit.session.scalar(select(Mail).where(Mail.to_address == OPERATOR))
        assert mail is not None
        assert secret not in MailService(unit).text_of(mail), "a part of the platform is nobody"
    page = f"/admin/mails/details/?id={mail.id}"
    assert secret in world.browser(ADMIN).text(page)
    assert world.browser(OPERATOR).get(page).status_code == 403
    with world.platform.unit(SYSTEM) as unit:
        users = UserService(unit)
        auditor, _ = users.create("auditor@example.org", "Auditor", PASSWORD)
        users.bind(auditor.id, "auditor")
    seen = world.browser("auditor@example.org").text(page)
    assert "/admin/link/********" in seen
    assert secret not in seen


def test_the_account_shows_sign_ins_and_ends_others(world: World) -> None:
    browser, other = world.browser(OPERATOR), world.app.test_client()
    sign_in(other, OPERATOR)
    page = browser.text("/admin/account/")
    assert page.count("This one</span>") == 1
    ends = re.findall(r"/admin/account/sessions/[0-9a-f-]+/end", page)
    assert len(ends) == 1
    browser.post(ends[0])
    assert other.get("/admin/").status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_failed_sign_ins_are_shown_to_their_owner_and_to_an_administrator(world: World) -> None:
    for _ in range(3):
        world.app.test_client().post(
            "/admin/sign-in", data={"email": OPERATOR, "password": "not the one"}
        )
    assert "3 times in a minute" in world.browser(OPERATOR).text("/admin/account/")
    assert OPERATOR in world.browser(ADMIN).text("/admin/sign-ins/")
    assert world.browser(OPERATOR).get("/admin/sign-ins/").status_code == 403


def test_an_administrator_ends_sign_ins_and_resets_a_second_factor(world: World) -> None:
    set_up(world, OPERATOR)
    with world.platform.unit(SYSTEM, write=False) as unit:
        user_id = UserService(unit).by_email(OPERATOR).id
    browser = world.browser(ADMIN)
    assert "Reset" in browser.text(f"/admin/sign-ins/of/{user_id}")
    browser.post(f"/admin/sign-ins/of/{user_id}/second-factor/reset", reason="lost it")
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert unit.session.get(SecondFactor, user_id) is None
        told = unit.session.scalar(select(Mail).where(Mail.to_address == OPERATOR))
        assert told is not None
        assert "removed" in told.subject


def test_a_sensitive_form_asks_for_the_password_and_then_goes_on_with_what_was_typed(
    world: World,
) -> None:
    browser = world.browser(ADMIN)
    with world.platform.unit(SYSTEM) as unit:
        user = unit.session.scalar(select(User).where(User.email == VIEWER))
        assert user is not None
    set_up(world, VIEWER)
    stale(world)
    path = f"/admin/sign-ins/of/{user.id}/second-factor/reset"
    asked = browser.post(path, reason='he said "lost"')
    assert "Is it you?" in asked.text
    assert 'value="he said &#34;lost&#34;"' in asked.text
    wrong = browser.post(path, reason="lost", fresh_password="no")
    assert "password is wrong" in wrong.text
    done = browser.post(path, reason="lost", fresh_password=PASSWORD)
    assert done.request.path == f"/admin/sign-ins/of/{user.id}"
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert unit.session.get(SecondFactor, user.id) is None


def stale(world: World) -> None:
    """Let every sign-in be too old for sensitive acts."""
    object.__setattr__(world.platform.settings, "fresh_sign_in_s", -1)


@pytest.mark.parametrize("path", ["/admin/sign-in", "/admin/forgot", "/admin/link"])
def test_pages_for_strangers_say_nothing_to_other_sites(world: World, path: str) -> None:
    foreign = {"Origin": "https://evil.example"}
    answer = world.app.test_client().post(path, data={"email": ADMIN}, headers=foreign)
    assert answer.status_code == 401
    assert not answer.headers.getlist("Set-Cookie")


@pytest.mark.parametrize("page", ["/admin/account/", "/admin/sign-ins/"])
def test_what_a_browser_says_of_itself_is_only_text(world: World, page: str) -> None:
    evil = '"><img src=x onerror=alert(1)>'
    client = world.app.test_client()
    data = {"email": ADMIN, "password": PASSWORD}
    client.post("/admin/sign-in", data=data, headers={"User-Agent": evil})
    text = client.get(page).text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
