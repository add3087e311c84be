"""Why and the access review, on what the database says."""

import pytest

from muster_platform.access.auth import actor_of
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import Permission
from muster_platform.access.review import ReviewFilter, ReviewService
from muster_platform.access.roles import RoleService
from muster_platform.access.tokens import DAY_MS, Scope, TokenService
from muster_platform.access.users import UserService
from muster_platform.access.why import WhyService
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor

PASSWORD = "correct horse battery"
RUN = Permission.COMMANDS_RUN


@pytest.fixture
def tree(platform: TestPlatform):
    """Fleet / Berlin / Hall and Fleet / Rome; Olga operates Berlin, Vera views all."""
    with platform.unit(ADMIN) as unit:
        groups, users = GroupService(unit), UserService(unit)
        made = {"berlin": groups.create("Berlin"), "rome": groups.create("Rome")}
        made["hall"] = groups.create("Hall", made["berlin"].id)
        made["olga"], _ = users.create("olga@example.org", "Olga", PASSWORD)
        users.bind(made["olga"].id, "operator", made["berlin"].id)
        made["vera"], _ = users.create("vera@example.org", "Vera", PASSWORD)
        users.bind(made["vera"].id, "viewer")
        made["nina"], _ = users.create("nina@example.org", "Nina", PASSWORD)
    return made


def _person(platform, user):
    with platform.unit(ADMIN, write=False) as unit:
        return actor_of(unit.session, user.id)


def _why(platform, who, permission, group, **options):
    with platform.unit(who, write=False) as unit:
        return WhyService(unit).why(permission, group, **options)


def test_the_chain_names_role_and_group(platform, tree):
    olga = _person(platform, tree["olga"])
    decision = _why(platform, olga, RUN, tree["hall"], thing="device pump-1")
    assert decision.allowed
    assert [(row.role, row.place) for row in decision.given_by] == [("operator", "Fleet / Berlin")]
    assert decision.place.name == "device pump-1 in Fleet / Berlin / Hall"
    refused = _why(platform, olga, RUN, tree["rome"])
    assert not refused.allowed
    assert [row.place for row in refused.elsewhere] == ["Fleet / Berlin"]
    assert set(refused.helping) == {"administrator", "operator"}


def test_custom_roles_are_among_those_that_would_do(platform, tree):
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("runner", ["commands:run"])
    decision = _why(platform, _person(platform, tree["vera"]), RUN, tree["rome"])
    assert "runner" in decision.helping


def test_everyone_asks_about_themselves_and_only_some_about_others(platform, tree):
    nina = _person(platform, tree["nina"])
    assert not _why(platform, nina, RUN, None).allowed
    assert not _why(platform, nina, RUN, None, user_id=nina.id).allowed
    with pytest.raises(PermissionDenied):
        _why(platform, nina, RUN, None, user_id=tree["olga"].id)
    with pytest.raises(PermissionDenied):
        _why(platform, nina, RUN, None, user_id="no-such-user")
    auditor = actor("auditor")
    assert _why(platform, auditor, RUN, tree["hall"], user_id=tree["olga"].id).allowed
    with pytest.raises(NotFound):
        _why(platform, auditor, RUN, None, user_id="no-such-user")


def test_a_disabled_user_and_a_demanded_second_factor_are_reasons(platform, tree):
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("strict", ["devices:read"], require_second_factor=True)
        UserService(unit).bind(tree["vera"].id, "strict")
        UserService(unit).disable(tree["olga"].id)
    codes = {
        name: [
            item.code
            for item in _why(
                platform, ADMIN, Permission.DEVICES_READ, tree["hall"], user_id=tree[name].id
            ).obstacles
        ]
        for name in ("olga", "vera")
    }
    assert codes == {"olga": ["disabled"], "vera": ["second_factor"]}


def test_a_token_is_explained_by_scope_owner_and_time(platform, tree):
    olga = _person(platform, tree["olga"])
    with platform.unit(olga) as unit:
        token, _ = TokenService(unit).create(
            "Pipe", [Scope(permissions=("commands:run",), group_id=tree["hall"].id)], 1
        )
    decision = _why(platform, olga, RUN, tree["hall"], token_id=token.id)
    assert decision.allowed
    assert [row.place for row in decision.owner_given_by] == ["Fleet / Berlin"]
    outside = _why(platform, olga, RUN, tree["berlin"], token_id=token.id)
    assert [item.code for item in outside.obstacles] == ["not_given"]
    platform.time.advance(ms=DAY_MS)
    expired = _why(platform, olga, RUN, tree["hall"], token_id=token.id)
    assert [item.code for item in expired.obstacles] == ["token_expired"]
    with pytest.raises(NotFound):
        _why(platform, _person(platform, tree["nina"]), RUN, None, token_id=token.id)


def _review(platform, who=None, **wanted):
    with platform.unit(who or actor("auditor"), write=False) as unit:
        return ReviewService(unit).page(ReviewFilter(**wanted), PageRequest()).items


def test_the_review_lists_everyone_with_what_they_have(platform, tree):
    with platform.unit(_person(platform, tree["olga"])) as unit:
        TokenService(unit).create("Pipe", [Scope("viewer", group_id=tree["berlin"].id)], 1)
    rows = {row.user.email: row for row in _review(platform)}
    assert set(rows) == {"olga@example.org", "vera@example.org", "nina@example.org"}
    olga = rows["olga@example.org"]
    assert [(right.role, right.place) for right in olga.rights] == [("operator", "Fleet / Berlin")]
    assert [token.name for token in olga.tokens] == ["Pipe"]
    assert not olga.second_factor
    assert rows["nina@example.org"].rights == ()
    assert [row.user.email for row in _review(platform, text="VER")] == ["vera@example.org"]


def test_who_may_do_it_there_are_those_above_it_and_everywhere(platform, tree):
    reading = {"permission": Permission.DEVICES_READ}
    emails = [row.user.email for row in _review(platform, **reading, group=tree["hall"])]
    assert emails == ["olga@example.org", "vera@example.org"]
    assert [row.user.email for row in _review(platform, **reading, group=tree["rome"])] == [
        "vera@example.org"
    ]
    assert [row.user.email for row in _review(platform, permission=RUN)] == ["olga@example.org"]
    assert _review(platform, permission=Permission.USERS_READ, group=tree["hall"]) == []


def test_a_binding_of_the_group_does_not_count_for_what_has_no_group(platform, tree):
    with platform.unit(ADMIN) as unit:
        UserService(unit).bind(tree["nina"].id, "administrator", tree["berlin"].id)
    assert _review(platform, permission=Permission.USERS_WRITE) == []
    assert [row.user.email for row in _review(platform, permission=Permission.DEVICES_DELETE)] == [
        "nina@example.org"
    ]


def test_the_review_agrees_with_the_rights(platform, tree):
    for permission in Permission:
        for group in (tree["hall"], tree["berlin"], tree["rome"]):
            listed = {row.user.id for row in _review(platform, permission=permission, group=group)}
            for name in ("olga", "vera", "nina"):
                asked = _why(platform, ADMIN, permission, group, user_id=tree[name].id)
                assert (tree[name].id in listed) == asked.allowed, (permission, group.name, name)


def test_the_review_is_not_for_everybody(platform, tree):
    with pytest.raises(PermissionDenied):
        _review(platform, _person(platform, tree["olga"]))
