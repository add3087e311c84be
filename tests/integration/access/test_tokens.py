"""API tokens: what they may, when they end, who makes and ends them."""

import re

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.auth import actor_of
from muster_platform.access.authors import present_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import RoleService
from muster_platform.access.token_auth import (
    actor_of_token,
    by_text,
    hashed,
    note_use,
    rights_of_token,
)
from muster_platform.access.tokens import DAY_MS, Scope, TokenFilter, TokenService
from muster_platform.access.users import UserService
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
)
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor

PASSWORD = "correct horse battery"
RUN = Permission.COMMANDS_RUN
READ = Permission.DEVICES_READ
READING = Scope(permissions=("devices:read",))


@pytest.fixture
def berlin(platform: TestPlatform):
    with platform.unit(ADMIN) as unit:
        return GroupService(unit).create("Berlin")


@pytest.fixture
def olga(platform: TestPlatform, berlin):
    """Operator of Berlin."""
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("olga@example.org", "Olga", PASSWORD)
        UserService(unit).bind(user.id, "operator", berlin.id)
    return user


def _person(platform, user):
    with platform.unit(ADMIN, write=False) as unit:
        return actor_of(unit.session, user.id)


def _make(platform, user, *scopes, days=30):
    with platform.unit(_person(platform, user)) as unit:
        return TokenService(unit).create("Pipeline", scopes or (READING,), days)


def _signed_in(platform, text):
    with platform.unit(ADMIN, write=False) as unit:
        return actor_of_token(unit.session, by_text(unit.session, text), unit.now())


def test_a_token_acts_in_its_own_name_within_its_scopes(platform, olga, berlin):
    token, text = _make(
        platform, olga, Scope(permissions=("groups:read", "commands:run"), group_id=berlin.id)
    )
    found = _signed_in(platform, text)
    assert (found.kind, found.id) == ("token", token.id)
    assert found.name == "Pipeline (token of olga@example.org)"
    assert found.may(RUN, berlin.path)
    assert not found.may(RUN)
    assert not found.may(Permission.DEVICES_WRITE, berlin.path), "not in its scopes"
    with platform.unit(found) as unit, pytest.raises(PermissionDenied):
        GroupService(unit).create("Hall", berlin.id)


def test_a_token_of_one_group_is_refused_outside(platform, berlin):
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("ada@example.org", "Ada", PASSWORD)
        UserService(unit).bind(user.id, "administrator")
        paris = GroupService(unit).create("Paris")
    _, text = _make(platform, user, Scope("operator", group_id=berlin.id))
    found = _signed_in(platform, text)
    assert found.may(RUN, berlin.path)
    assert not found.may(RUN, paris.path)
    assert not found.may_somewhere(Permission.USERS_READ)


def test_only_the_hash_is_stored_and_the_text_is_recognisable(platform, olga, berlin):
    token, text = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    assert re.fullmatch(r"mst_[a-z0-9]{8}_[A-Za-z0-9]{43}", text)
    assert text.startswith(f"mst_{token.prefix}_")
    assert token.hash == hashed(text)
    with platform.unit(ADMIN, write=False) as unit:
        entry = AuditService(unit).list(AuditFilter(action="api_token.create"), PageRequest(1))
    assert text not in repr(entry.items[0].after)
    assert entry.items[0].after["scopes"][0]["role"] == "viewer"


@pytest.mark.parametrize("wrong", ["mst_", "mst_abcdefgh_" + "a" * 43, "mst_\x00", "", "x" * 60])
def test_a_text_that_is_no_token_signs_nobody_in(platform, olga, wrong):
    with pytest.raises(NotAuthenticated):
        _signed_in(platform, wrong)


def test_a_token_loses_what_its_owner_loses_at_once(platform, olga, berlin):
    _, text = _make(platform, olga, Scope("operator", group_id=berlin.id))
    with platform.unit(ADMIN) as unit:
        users = UserService(unit)
        users.bind(olga.id, "viewer", berlin.id)
        operator = [b for b in users.get(olga.id).bindings if b.role.name == "operator"]
        users.unbind(operator[0].id)
    found = _signed_in(platform, text)
    assert found.may(READ, berlin.path)
    assert not found.may(RUN, berlin.path)
    with platform.unit(ADMIN) as unit:
        UserService(unit).disable(olga.id)
    with pytest.raises(NotAuthenticated):
        _signed_in(platform, text)


def test_a_token_gains_nothing_when_its_owner_gains(platform, olga, berlin):
    _, text = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    with platform.unit(ADMIN) as unit:
        UserService(unit).bind(olga.id, "administrator")
    found = _signed_in(platform, text)
    assert not found.may(RUN, berlin.path)
    assert not found.may(READ)


def test_a_token_follows_its_group_when_that_moves(platform, olga, berlin):
    _, text = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    with platform.unit(ADMIN) as unit:
        groups = GroupService(unit)
        groups.move(berlin.id, groups.create("Germany").id)
        path = groups.get(berlin.id).path
    assert _signed_in(platform, text).may(READ, path)
    assert not _signed_in(platform, text).may(READ, f"1/{berlin.id}/")


def test_an_expired_and_a_revoked_token_say_so(platform, olga, berlin):
    scope = Scope("viewer", group_id=berlin.id)
    _, text = _make(platform, olga, scope, days=1)
    other, other_text = _make(platform, olga, scope)
    platform.time.advance(ms=DAY_MS)
    with pytest.raises(NotAuthenticated) as caught:
        _signed_in(platform, text)
    assert caught.value.code == "token_expired"
    with platform.unit(_person(platform, olga)) as unit:
        TokenService(unit).revoke(other.id)
    with pytest.raises(NotAuthenticated) as caught:
        _signed_in(platform, other_text)
    assert caught.value.code == "token_revoked"


def test_what_an_expired_token_began_goes_on_and_a_revoked_one_not(platform, olga, berlin):
    token, _ = _make(platform, olga, Scope("operator", group_id=berlin.id), days=1)
    platform.time.advance(ms=DAY_MS)
    with platform.unit(ADMIN) as unit:
        author = present_actor(unit.session, "token", token.id)
        assert author is not None
        assert author.may(RUN, berlin.path)
        TokenService(unit).revoke(token.id)
    with platform.unit(ADMIN, write=False) as unit:
        assert present_actor(unit.session, "token", token.id) is None
        assert present_actor(unit.session, "token", "no-such") is None


@pytest.mark.parametrize(
    ("scope", "lacking"),
    [
        (Scope("administrator"), "alarms:acknowledge"),
        (Scope("operator"), "alarms:acknowledge"),
        (Scope(permissions=("devices:delete",)), "devices:delete"),
    ],
)
def test_nobody_scopes_a_token_wider_than_themselves(platform, olga, berlin, scope, lacking):
    with pytest.raises(PermissionDenied) as caught:
        _make(platform, olga, scope)
    assert caught.value.permission == lacking


def test_a_scope_of_a_group_that_one_may_not_see_is_not_there(platform, olga):
    with platform.unit(ADMIN) as unit:
        paris = GroupService(unit).create("Paris")
    with pytest.raises(NotFound):
        _make(platform, olga, Scope("viewer", group_id=paris.id))


@pytest.mark.parametrize(
    ("scopes", "days", "where"),
    [
        ([], 30, "scopes"),
        ([Scope()], 30, "scopes"),
        ([Scope("viewer", ("devices:read",))], 30, "scopes"),
        ([Scope(permissions=("devices:fly",))], 30, "permissions"),
        ([Scope("viewer")], 0, "days"),
        ([Scope("viewer")], 366, "days"),
    ],
)
def test_what_does_not_fit_names_the_field(platform, olga, scopes, days, where):
    with platform.unit(ADMIN) as unit, pytest.raises(InvalidInput) as caught:
        TokenService(unit).create("Pipeline", scopes, days, olga.id)
    assert caught.value.where == where


def test_a_token_does_no_act_on_rights(platform, berlin):
    with platform.unit(ADMIN) as unit:
        ada, _ = UserService(unit).create("ada@example.org", "Ada", PASSWORD)
        binding = UserService(unit).bind(ada.id, "administrator")
        RoleService(unit).create("keeper", ["devices:read"])
    _, text = _make(platform, ada, Scope("administrator"))
    found = _signed_in(platform, text)
    acts = [
        lambda unit: TokenService(unit).create("More", [READING], 1),
        lambda unit: TokenService(unit).create("More", [READING], 1, ada.id),
        lambda unit: UserService(unit).create("eve@example.org", "Eve"),
        lambda unit: UserService(unit).bind(ada.id, "viewer"),
        lambda unit: UserService(unit).unbind(binding.id),
        lambda unit: UserService(unit).set_password(ada.id),
        lambda unit: UserService(unit).enable(ada.id),
        lambda unit: RoleService(unit).create("mine", ["devices:read"]),
        lambda unit: RoleService(unit).update("keeper", permissions=["users:write"]),
        lambda unit: RoleService(unit).delete("keeper"),
    ]
    for number, act in enumerate(acts):
        with platform.unit(found) as unit, pytest.raises(PermissionDenied) as caught:
            act(unit)
        assert caught.value.code == "person_needed", number
    with platform.unit(found) as unit:
        assert UserService(unit).get(ada.id).email == "ada@example.org"


def test_everyone_sees_and_ends_their_own_and_administrators_all(platform, olga, berlin):
    token, _ = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    other = actor("operator")
    with platform.unit(other) as unit:
        tokens = TokenService(unit)
        assert tokens.list(TokenFilter(user_id=other.id), PageRequest()).items == []
        for act in (lambda: tokens.get(token.id), lambda: tokens.revoke(token.id)):
            with pytest.raises(NotFound):
                act()
        for wanted in (TokenFilter(), TokenFilter(user_id=olga.id)):
            with pytest.raises(PermissionDenied):
                tokens.list(wanted, PageRequest())
    with platform.unit(actor("auditor")) as unit:
        assert TokenService(unit).get(token.id).name == "Pipeline"
        with pytest.raises(PermissionDenied) as caught:
            TokenService(unit).revoke(token.id)
        assert caught.value.permission == "users:write"
    with platform.unit(_person(platform, olga)) as unit:
        mine = TokenService(unit).list(TokenFilter(user_id=olga.id), PageRequest()).items
        assert [row.id for row in mine] == [token.id]
    with platform.unit(actor("administrator")) as unit:
        TokenService(unit).revoke(token.id)
        working = TokenService(unit).list(TokenFilter(working=True), PageRequest())
        ended = TokenService(unit).list(TokenFilter(working=False, text="olga"), PageRequest())
    assert working.items == []
    assert [row.id for row in ended.items] == [token.id]


def test_use_is_noted_at_most_once_a_minute(platform, olga, berlin):
    token, _ = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    first = platform.clock.now_ms()
    for step, address, expected in (
        (0, "10.0.0.1", (first, "10.0.0.1")),
        (59_999, "10.0.0.2", (first, "10.0.0.1")),
        (1, "10.0.0.3", (first + 60_000, "10.0.0.3")),
    ):
        platform.time.advance(ms=step)
        with platform.unit(ADMIN) as unit:
            note_use(unit, token.id, address)
        with platform.unit(ADMIN, write=False) as unit:
            seen = TokenService(unit).get(token.id)
            assert (seen.last_used_at, seen.last_used_address) == expected


def test_a_revoked_token_holds_on_to_no_group(platform, olga, berlin):
    with platform.unit(ADMIN) as unit:
        hall = GroupService(unit).create("Hall", berlin.id)
    token, _ = _make(platform, olga, Scope("viewer", group_id=hall.id))
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict) as caught:
            GroupService(unit).delete(hall.id)
        assert "API tokens" in caught.value.detail
        TokenService(unit).revoke(token.id)
        GroupService(unit).delete(hall.id)


def test_a_person_has_a_bounded_number_of_tokens(platform, olga, berlin, monkeypatch):
    monkeypatch.setattr("muster_platform.access.tokens.TOKENS_MOST", 2)
    scope = Scope("viewer", group_id=berlin.id)
    for _ in range(2):
        _make(platform, olga, scope)
    with pytest.raises(Conflict):
        _make(platform, olga, scope)


def test_an_owner_without_the_second_factor_that_a_role_demands_holds_its_tokens(
    platform, olga, berlin
):
    _, text = _make(platform, olga, Scope("viewer", group_id=berlin.id))
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("strict", ["devices:read"], require_second_factor=True)
        UserService(unit).bind(olga.id, "strict")
    assert _signed_in(platform, text).restriction == "second_factor"


def test_names_that_nobody_knows_any_more_allow_nothing(platform, olga, berlin):
    token, _ = _make(platform, olga, Scope(permissions=("devices:read",), group_id=berlin.id))
    with platform.unit(ADMIN) as unit:
        row = TokenService(unit).get(token.id)
        row.bindings[0].permissions = ["devices:read", "devices:teleport"]
        found = rights_of_token(unit.session, row)
    assert found.grants == (Grant(frozenset({READ}), berlin.path),)
    assert isinstance(found, Actor)
