"""The pages of people, roles, tokens and why: who sees them, and what their forms do."""

import re

import pytest

from muster_platform.access.roles import RoleService
from muster_platform.access.tokens import Scope, TokenService
from muster_platform.access.users import UserService
from tests.integration.site.conftest import ADMIN, OPERATOR, PASSWORD, SYSTEM, VIEWER, World


def user_id(world: World, email: str) -> str:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return UserService(unit).by_email(email).id


def roles_of(world: World, email: str) -> list[tuple[str, int | None]]:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return [(b.role.name, b.group_id) for b in UserService(unit).by_email(email).bindings]


def sign_in(world: World, email: str) -> int:
    answer = world.app.test_client().post(
        "/admin/sign-in", data={"email": email, "password": PASSWORD}
    )
    return answer.status_code


PEOPLE_PAGES = (
    "/admin/people/",
    "/admin/people/new/",
    "/admin/roles/",
    "/admin/roles/new/",
    "/admin/roles/details/?id=viewer",
    "/admin/access-review/",
    "/admin/access-review/review.csv",
)
OWN_PAGES = ("/admin/api-tokens/", "/admin/api-tokens/new/", "/admin/why/")


@pytest.mark.parametrize("path", [*PEOPLE_PAGES, *OWN_PAGES])
def test_the_pages_are_there_and_without_inline_handlers_or_styles(world: World, path: str) -> None:
    answer = world.browser().get(path)
    assert answer.status_code == 200, answer.text[:2000]
    assert not re.search(r"\son[a-z]+=", answer.text), "an inline handler"
    assert not re.search(r"\sstyle=|<style", answer.text), "an inline style"


@pytest.mark.parametrize("path", PEOPLE_PAGES)
def test_who_may_not_see_people_is_told_the_permission_and_asked_to_ask_why(
    world: World, path: str
) -> None:
    answer = world.browser(OPERATOR).get(path)
    assert answer.status_code == 403
    found = re.search(r"<code>((?:users|roles):\w+)</code>", answer.text)
    assert found is not None
    assert f"/admin/why/?permission={found.group(1)}" in answer.text.replace("%3A", ":")


def test_the_navigation_names_only_what_is_open(world: World) -> None:
    assert "/admin/people/" in world.browser().text("/admin/account/")
    seen = world.browser(OPERATOR).text("/admin/account/")
    assert 'href="/admin/people/"' not in seen
    assert 'href="/admin/roles/"' not in seen
    assert 'href="/admin/api-tokens/"' in seen


def test_a_person_is_let_in_with_a_one_time_password_shown_once(world: World) -> None:
    made = world.browser().post(
        "/admin/people/new/",
        email="new@example.org",
        name="Nora",
        way="one_time",
        role="viewer",
        group_id=str(world.berlin),
    )
    found = re.search(r'id="secret">([^<]+)<', made.text)
    assert found is not None, made.text[:3000]
    assert roles_of(world, "new@example.org") == [("viewer", world.berlin)]
    page = world.browser().text(f"/admin/people/details/?id={user_id(world, 'new@example.org')}")
    assert found.group(1) not in page
    assert "Nora" in page


def test_a_person_is_invited_by_mail(world: World) -> None:
    made = world.browser().post(
        "/admin/people/new/",
        email="new@example.org",
        name="Nora",
        way="invite",
        role="",
        group_id="",
    )
    assert "An invitation was mailed to new@example.org" in made.text
    assert roles_of(world, "new@example.org") == []


def test_a_taken_address_is_told_and_nothing_typed_is_lost(world: World) -> None:
    answer = world.browser().post(
        "/admin/people/new/", email=VIEWER, name="Twin", way="one_time", role="", group_id=""
    )
    assert "there is a user" in answer.text.lower()
    assert 'value="Twin"' in answer.text


def test_roles_are_given_and_taken_on_the_persons_page(world: World) -> None:
    person = user_id(world, VIEWER)
    given = world.browser().post(
        f"/admin/people/{person}/roles", role="operator", group_id=str(world.paris)
    )
    assert "The role was given" in given.text
    assert ("operator", world.paris) in roles_of(world, VIEWER)
    with world.platform.unit(SYSTEM, write=False) as unit:
        (binding,) = [
            b for b in UserService(unit).get(person).bindings if b.role.name == "operator"
        ]
    world.browser().post(f"/admin/people/{person}/roles/{binding.id}/remove")
    assert roles_of(world, VIEWER) == [("viewer", world.berlin)]


def test_the_last_administrator_stays(world: World) -> None:
    person = user_id(world, ADMIN)
    with world.platform.unit(SYSTEM, write=False) as unit:
        binding = UserService(unit).get(person).bindings[0]
    answer = world.browser().post(f"/admin/people/{person}/roles/{binding.id}/remove")
    assert "is the last administrator" in answer.text
    assert (
        "is the last administrator" in world.browser().post(f"/admin/people/{person}/disable").text
    )
    assert roles_of(world, ADMIN) == [("administrator", None)]


def test_a_disabled_person_is_out_until_enabled(world: World) -> None:
    person = user_id(world, VIEWER)
    assert "Disabled" in world.browser().post(f"/admin/people/{person}/disable").text
    assert sign_in(world, VIEWER) == 401
    world.browser().post(f"/admin/people/{person}/enable")
    assert sign_in(world, VIEWER) == 303


def test_renaming_from_an_old_form_does_not_overwrite(world: World) -> None:
    person = user_id(world, VIEWER)
    path = f"/admin/people/edit/?id={person}"
    version = re.search(r'name="version"[^>]*value="(\d+)"', world.browser().text(path))
    assert version is not None
    world.browser().post(path, name="First", version=version.group(1))
    second = world.browser().post(path, name="Second", version=version.group(1))
    assert "changed by somebody else" in second.text
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert UserService(unit).get(person).name == "First"


@pytest.mark.parametrize(
    "path",
    [
        "roles",
        "disable",
        "enable",
        "sign-out",
        "link",
        "password",
    ],
)
def test_an_operator_changes_nobody(world: World, path: str) -> None:
    person = user_id(world, ADMIN)
    answer = world.browser(OPERATOR).post(
        f"/admin/people/{person}/{path}", role="administrator", group_id=""
    )
    assert answer.status_code == 403
    assert "users:write" in answer.text
    assert sign_in(world, ADMIN) == 303
    assert roles_of(world, OPERATOR) == [("operator", world.berlin)]


def test_a_role_is_made_from_another_edited_and_deleted(world: World) -> None:
    browser = world.browser()
    form = browser.text("/admin/roles/new/?copy=viewer")
    assert re.search(r'value="devices:read" checked', form)
    assert not re.search(r'value="devices:write" checked', form)
    made = browser.post(
        "/admin/roles/new/",
        name="keeper",
        title="Keeper",
        description="<b>Looks</b> after halls",
        permissions=["devices:read", "groups:read"],
    )
    assert made.request.path == "/admin/roles/details/"
    assert "&lt;b&gt;Looks" in made.text
    edit = "/admin/roles/edit/?id=keeper"
    browser.post(edit, title="Guard", description="", permissions=["logs:read"], version="1")
    with world.platform.unit(SYSTEM, write=False) as unit:
        role = RoleService(unit).get("keeper")
        assert (role.title, [row.permission for row in role.permissions]) == (
            "Guard",
            ["logs:read"],
        )
    stale = browser.post(edit, title="Old", description="", permissions=["logs:read"], version="1")
    assert "changed by somebody else" in stale.text
    assert "Guard" in browser.text("/admin/roles/")
    browser.post("/admin/roles/delete/", id="keeper", url="/admin/roles/")
    assert "Guard" not in browser.text("/admin/roles/")


def test_a_role_without_permissions_or_with_a_bad_name_is_told_beside_the_field(
    world: World,
) -> None:
    answer = world.browser().post("/admin/roles/new/", name="keeper", title="", description="")
    assert "Choose at least one permission" in answer.text
    answer = world.browser().post(
        "/admin/roles/new/", name="Bad name", title="", description="", permissions=["logs:read"]
    )
    assert "A role&#39;s name has" in answer.text or "A role's name has" in answer.text
    assert re.search(r'value="logs:read" checked', answer.text), "what was ticked is kept"


def test_a_built_in_role_offers_no_edit_and_takes_none(world: World) -> None:
    page = world.browser().text("/admin/roles/details/?id=viewer")
    assert "/admin/roles/edit/" not in page
    assert "Make one from it" in page
    answer = world.browser().post(
        "/admin/roles/edit/?id=viewer", title="x", description="", permissions=["logs:read"]
    )
    assert "is built in" in answer.text


def test_a_token_is_shown_once_listed_and_revoked(world: World) -> None:
    browser = world.browser(OPERATOR)
    made = browser.post(
        "/admin/api-tokens/new/",
        name="Pipeline",
        days="30",
        group_id=str(world.berlin),
        what="permissions",
        role="",
        permissions=["devices:read"],
    )
    found = re.search(r'id="secret">(mst_[A-Za-z0-9_]+)<', made.text)
    assert found is not None, made.text[:3000]
    token = found.group(1)
    call = world.app.test_client().get
    headers = {"Authorization": f"Bearer {token}"}
    assert call("/api/v1/devices/probe-1", headers=headers).status_code == 200
    assert call("/api/v1/devices/probe-2", headers=headers).status_code == 404
    listed = browser.text("/admin/api-tokens/")
    assert "Pipeline" in listed
    assert token not in listed
    address = re.search(r"/admin/api-tokens/details/\?id=([\w-]+)", listed)
    assert address is not None
    browser.post(f"/admin/api-tokens/{address.group(1)}/revoke")
    assert call("/api/v1/devices/probe-1", headers=headers).status_code == 401


def test_nobody_sees_or_ends_anothers_token_but_who_may(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        owner = UserService(unit).by_email(OPERATOR).id
        token, _ = TokenService(unit).create(
            "Secret pipe", [Scope("operator", group_id=world.berlin)], 1, owner
        )
    page = f"/admin/api-tokens/details/?id={token.id}"
    assert "Secret pipe" not in world.browser(VIEWER).text("/admin/api-tokens/")
    assert world.browser(VIEWER).get(page).status_code == 404
    assert world.browser(VIEWER).post(f"/admin/api-tokens/{token.id}/revoke").status_code == 404
    assert "Secret pipe" in world.browser().text("/admin/api-tokens/")
    assert "Revoked" in world.browser().post(f"/admin/api-tokens/{token.id}/revoke").text


def test_a_token_wider_than_its_owner_is_refused_by_name(world: World) -> None:
    answer = world.browser(OPERATOR).post(
        "/admin/api-tokens/new/",
        name="Wide",
        days="30",
        group_id="",
        what="permissions",
        role="",
        permissions=["devices:read"],
    )
    assert answer.status_code == 403
    assert "devices:read" in answer.text


def test_why_explains_to_oneself_and_to_who_may_see_people(world: World) -> None:
    own = world.browser(OPERATOR)
    yes = own.text("/admin/why/?permission=commands:run&device=probe-1")
    assert "the role <strong>operator</strong>, given <strong>on Fleet / Berlin</strong>" in yes
    no = own.text("/admin/why/?permission=devices:delete&device=probe-1")
    assert "May not" in no
    assert "<code>administrator</code>" in no
    hidden = own.text("/admin/why/?permission=commands:run&device=probe-2")
    assert "No such device" in hidden
    other = f"/admin/why/?permission=commands:run&user={user_id(world, ADMIN)}"
    assert own.get(other).status_code == 403
    assert world.browser().get(other).status_code == 200
    asked = world.browser().text(f"/admin/why/?permission=devices:read&email={VIEWER}&group=1")
    assert "Has it elsewhere" in asked


@pytest.mark.parametrize("query", ["permission=x:y", "permission=devices:read&group=x"])
def test_a_question_that_makes_no_sense_is_answered_in_words(world: World, query: str) -> None:
    assert 'role="alert"' in world.browser().text(f"/admin/why/?{query}")


def test_the_review_answers_who_may_and_exports_it_safely(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        UserService(unit).rename(UserService(unit).by_email(VIEWER).id, "=cmd()")
    query = f"permission=devices:read&group={world.berlin}"
    page = world.browser().text(f"/admin/access-review/?{query}")
    for email in (ADMIN, OPERATOR, VIEWER):
        assert email in page
    elsewhere = world.browser().text(f"/admin/access-review/?group={world.paris}")
    assert ADMIN in elsewhere
    assert OPERATOR not in elsewhere
    exported = world.browser().text(f"/admin/access-review/review.csv?{query}")
    assert "'=cmd()" in exported
    assert f"{OPERATOR},berlin,operator,Fleet / Berlin" in exported


def test_a_group_shows_who_has_rights_to_who_may_see_people(world: World) -> None:
    path = f"/admin/groups/details/?id={world.berlin}"
    assert OPERATOR in world.browser().text(path)
    own = world.browser(OPERATOR).text(path)
    assert "users:read" in own
    assert ADMIN not in own
    assert (
        world.browser(OPERATOR).get(f"/admin/groups/details/?id={world.paris}").status_code == 404
    )


@pytest.mark.parametrize("key", ["9" * 30, "x", "-1", ""])
def test_a_group_that_nobody_could_have_made_is_not_there(world: World, key: str) -> None:
    assert world.browser().get(f"/admin/groups/details/?id={key}").status_code == 404


def test_who_may_not_change_the_group_around_does_not_move_by_renaming(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        users = UserService(unit)
        users.bind(users.by_email(OPERATOR).id, "administrator", world.berlin)
    path = f"/admin/groups/edit/?id={world.berlin}"
    form = world.browser(OPERATOR).text(path)
    assert re.search(r'<option selected value="1">', form), "it stays where it is"
    answer = world.browser(OPERATOR).post(path, name="Berlin East", parent_id="1")
    assert "Berlin East" in answer.text


def test_a_persons_own_page_is_open_to_them_and_anothers_is_not(world: World) -> None:
    mine = f"/admin/people/details/?id={user_id(world, OPERATOR)}"
    page = world.browser(OPERATOR).text(mine)
    assert "Give the role" not in page
    assert (
        world.browser(OPERATOR)
        .get(f"/admin/people/details/?id={user_id(world, ADMIN)}")
        .status_code
        == 403
    )


def test_a_built_in_role_asks_for_a_second_factor_by_its_page(world: World) -> None:
    answer = world.browser().post("/admin/roles/viewer/second-factor", needed="1")
    assert "A second factor is needed" in answer.text
    assert "Make the second factor optional" in answer.text
    assert world.browser(OPERATOR).post("/admin/roles/viewer/second-factor").status_code == 403
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert RoleService(unit).get("viewer").require_second_factor


def test_a_token_opens_no_page(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        owner = UserService(unit).by_email(ADMIN).id
        _, text = TokenService(unit).create("Pipe", [Scope("administrator")], 1, owner)
    headers = {"Authorization": f"Bearer {text}"}
    client = world.app.test_client()
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    answer = client.get("/admin/people/", headers=headers)
    assert answer.status_code == 302
    assert answer.location.startswith("/admin/sign-in")
