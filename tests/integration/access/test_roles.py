"""Custom roles: made, changed, deleted, and what nobody can do with them."""

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.auth import actor_of
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import RoleService
from muster_platform.access.tokens import Scope, TokenService
from muster_platform.access.users import UserService
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
)
from muster_platform.outbox import EpochChanged
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor

PASSWORD = "correct horse battery"
READS = ["devices:read", "groups:read"]
EDITOR = Actor(
    "user",
    "editor",
    "editor@example.org",
    (
        Grant(
            frozenset(
                {
                    *(Permission.ROLES_READ, Permission.ROLES_WRITE),
                    *(Permission.DEVICES_READ, Permission.GROUPS_READ),
                }
            )
        ),
        Grant(frozenset({Permission.DEVICES_DELETE}), "1/"),
    ),
)
"""May edit roles and read; deletes devices, but only on a group."""


@pytest.fixture
def keeper(platform: TestPlatform):
    """A user with a role of the installation's own."""
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("keeper", READS, "Keeper", "Looks after halls")
        user, _ = UserService(unit).create("kim@example.org", "Kim", PASSWORD)
        UserService(unit).bind(user.id, "keeper")
    return user


def _entry(platform, action):
    with platform.unit(ADMIN, write=False) as unit:
        found = AuditService(unit).list(AuditFilter(action=action), PageRequest())
    return found.items[0]


def test_a_role_is_made_read_changed_and_deleted(platform):
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("keeper", READS, "Keeper", require_second_factor=True)
    with platform.unit(ADMIN) as unit:
        role = RoleService(unit).update("keeper", permissions=["logs:read"], title="Guard")
        assert (role.title, role.version, role.builtin) == ("Guard", 2, False)
    entry = _entry(platform, "role.update")
    assert entry.before == {"title": "Keeper", "permissions": READS}
    assert entry.after == {"title": "Guard", "permissions": ["logs:read"]}
    with platform.unit(ADMIN) as unit:
        RoleService(unit).delete("keeper")
        with pytest.raises(NotFound):
            RoleService(unit).get("keeper")


def test_an_edit_that_changes_nothing_is_no_act(platform, keeper):
    with platform.unit(ADMIN) as unit:
        before = RoleService(unit).get("keeper").version
        role = RoleService(unit).update("keeper", permissions=READS, title="Keeper")
        assert role.version == before
    with platform.unit(ADMIN, write=False) as unit:
        entries = AuditService(unit).list(AuditFilter(action="role.update"), PageRequest())
    assert entries.items == []


def test_a_built_in_role_stays_as_it_is(platform):
    with platform.unit(ADMIN) as unit:
        for act in (
            lambda roles: roles.update("viewer", title="Looker"),
            lambda roles: roles.update("viewer", permissions=READS, require_second_factor=True),
            lambda roles: roles.delete("viewer"),
        ):
            with pytest.raises(Conflict) as caught:
                act(RoleService(unit))
            assert caught.value.code == "builtin"


def test_a_built_in_role_may_ask_for_a_second_factor(platform):
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("vic@example.org", "Vic", PASSWORD)
        UserService(unit).bind(user.id, "viewer")
    platform.recorded.sent.clear()
    with platform.unit(ADMIN) as unit:
        RoleService(unit).update("viewer", require_second_factor=True)
    assert [signal.user_id for signal in platform.recorded.sent] == [user.id]
    with platform.unit(ADMIN, write=False) as unit:
        assert actor_of(unit.session, user.id).restriction == "second_factor"


@pytest.mark.parametrize(
    "name", ["", "a", "Keeper", "1keeper", "key per", "keeper!", "k" * 64, "kéeper", "a\nb"]
)
def test_a_name_that_does_not_fit_is_refused(platform, name):
    with platform.unit(ADMIN) as unit, pytest.raises(InvalidInput) as caught:
        RoleService(unit).create(name, READS)
    assert caught.value.where == "name"


def test_unknown_and_no_permissions_are_refused_by_name(platform, keeper):
    with platform.unit(ADMIN) as unit:
        for names in ([], ["devices:fly"], ["devices:read", ""]):
            with pytest.raises(InvalidInput) as caught:
                RoleService(unit).update("keeper", permissions=names)
            assert caught.value.where == "permissions"
        with pytest.raises(Conflict):
            RoleService(unit).create("keeper", READS)
        with pytest.raises(Conflict):
            RoleService(unit).create("viewer", READS)


def test_the_second_of_two_editors_hears_of_the_first(platform, keeper):
    with platform.unit(ADMIN) as unit:
        read = RoleService(unit).get("keeper").version
        RoleService(unit).update("keeper", title="First", if_version=read)
        with pytest.raises(PreconditionFailed):
            RoleService(unit).update("keeper", title="Second", if_version=read)


def test_a_change_of_permissions_bites_for_every_holder_and_a_title_for_none(platform, keeper):
    with platform.unit(ADMIN, write=False) as unit:
        epoch = UserService(unit).get(keeper.id).epoch
    platform.recorded.sent.clear()
    with platform.unit(ADMIN) as unit:
        RoleService(unit).update("keeper", title="Guard")
    assert platform.recorded.sent == []
    with platform.unit(ADMIN) as unit:
        RoleService(unit).update("keeper", permissions=["devices:read"])
    assert EpochChanged(keeper.id, epoch + 1) in platform.recorded.sent
    with platform.unit(ADMIN, write=False) as unit:
        now = actor_of(unit.session, keeper.id)
    assert now.may(Permission.DEVICES_READ)
    assert not now.may(Permission.GROUPS_READ)


def test_asking_for_a_second_factor_bites_for_every_holder(platform, keeper):
    platform.recorded.sent.clear()
    with platform.unit(ADMIN) as unit:
        RoleService(unit).update("keeper", require_second_factor=True)
    assert [signal.user_id for signal in platform.recorded.sent] == [keeper.id]


def test_a_role_that_somebody_has_is_not_deleted_and_the_refusal_says_who(platform, keeper):
    with platform.unit(ADMIN) as unit:
        token, _ = TokenService(unit).create("Pipe", [Scope("keeper")], 1, keeper.id)
        with pytest.raises(Conflict) as caught:
            RoleService(unit).delete("keeper")
        assert "kim@example.org" in caught.value.detail
        assert "Pipe" in caught.value.detail
        TokenService(unit).revoke(token.id)
        UserService(unit).unbind(UserService(unit).get(keeper.id).bindings[0].id)
        RoleService(unit).delete("keeper")


@pytest.mark.parametrize("lacking", ["logs:read", "devices:delete", "system:write"])
def test_nobody_makes_or_changes_a_role_with_what_they_lack_everywhere(platform, keeper, lacking):
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("strong", [lacking])
    acts = [
        lambda roles: roles.create("mine", [*READS, lacking]),
        lambda roles: roles.update("keeper", permissions=[*READS, lacking]),
        lambda roles: roles.update("strong", permissions=READS),
        lambda roles: roles.update("strong", title="Weak"),
        lambda roles: roles.update("strong", require_second_factor=False),
        lambda roles: roles.delete("strong"),
    ]
    for act in acts:
        with platform.unit(EDITOR) as unit, pytest.raises(PermissionDenied) as caught:
            act(RoleService(unit))
        assert caught.value.permission == lacking
    with platform.unit(EDITOR) as unit:
        RoleService(unit).update("keeper", permissions=["devices:read"])


def test_reading_roles_is_not_changing_them(platform, keeper):
    auditor = actor("auditor")
    with platform.unit(auditor) as unit:
        roles = RoleService(unit)
        assert roles.get("keeper").title == "Keeper"
        assert [b.user.email for b in roles.holders(roles.get("keeper")).bindings] == [
            "kim@example.org"
        ]
        for act in (
            lambda: roles.create("mine", ["devices:read"]),
            lambda: roles.update("keeper", title="x"),
            lambda: roles.delete("keeper"),
        ):
            with pytest.raises(PermissionDenied) as caught:
                act()
            assert caught.value.permission == "roles:write"
    with platform.unit(actor("operator")) as unit, pytest.raises(PermissionDenied):
        RoleService(unit).get("keeper")


def test_who_cuts_their_own_role_has_the_cut_role(platform):
    with platform.unit(ADMIN) as unit:
        RoleService(unit).create("editor", ["roles:read", "roles:write", "devices:read"])
        user, _ = UserService(unit).create("eve@example.org", "Eve", PASSWORD)
        UserService(unit).bind(user.id, "editor")
    with platform.unit(ADMIN, write=False) as unit:
        eve = actor_of(unit.session, user.id)
    with platform.unit(eve) as unit:
        RoleService(unit).update("editor", permissions=["devices:read"])
    with platform.unit(ADMIN, write=False) as unit:
        assert not actor_of(unit.session, user.id).may(Permission.ROLES_WRITE)
