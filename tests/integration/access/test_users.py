"""People, their rights and their sign-ins."""

import pytest

from muster_platform.access import auth
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import RoleService
from muster_platform.access.users import UserService
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
)
from muster_platform.outbox import EpochChanged
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor

PASSWORD = "correct horse battery"


@pytest.fixture
def ana(platform: TestPlatform):
    """The only administrator."""
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("Ana@Example.org", "Ana", PASSWORD)
        UserService(unit).bind(user.id, "administrator")
    return user


def _sign_in(platform, email, password):
    with platform.unit(ADMIN, write=False) as unit:
        checked = auth.check_password(unit, email, password)
    with platform.unit(ADMIN) as unit:
        return auth.note_sign_in(unit, checked, password)


def _actor(platform, user):
    with platform.unit(ADMIN, write=False) as unit:
        return auth.actor_of(unit.session, user.id)


def test_a_right_password_signs_in_and_is_noted(platform, ana):
    user = _sign_in(platform, " ana@example.ORG ", PASSWORD)
    assert user.last_sign_in_at == platform.clock.now_ms()
    with platform.unit(_actor(platform, ana), write=False) as unit:
        newest = AuditService(unit).list(AuditFilter(), PageRequest(1)).items[0]
    assert (newest.action, newest.actor_name) == ("user.sign_in", "ana@example.org")


@pytest.mark.parametrize(
    ("email", "password"), [("ana@example.org", "wrong"), ("nobody@example.org", PASSWORD)]
)
def test_wrong_and_unknown_look_the_same(platform, ana, email, password):
    with pytest.raises(NotAuthenticated) as caught:
        _sign_in(platform, email, password)
    assert caught.value.detail == "e-mail address or password is wrong"


def test_what_changed_between_the_check_and_the_sign_in_counts(platform, ana):
    with platform.unit(ADMIN, write=False) as unit:
        checked = auth.check_password(unit, "ana@example.org", PASSWORD)
    with platform.unit(ADMIN) as unit:
        UserService(unit).set_password(ana.id, "another long password")
    with pytest.raises(NotAuthenticated), platform.unit(ADMIN) as unit:
        auth.note_sign_in(unit, checked, PASSWORD)


def test_a_one_time_password_must_be_changed(platform, ana):
    with platform.unit(_actor(platform, ana)) as unit:
        user, one_time = UserService(unit).create("bo@example.org", "Bo")
    assert one_time is not None
    assert _sign_in(platform, "bo@example.org", one_time).must_change_password
    with platform.unit(_actor(platform, user)) as unit:
        with pytest.raises(InvalidInput):
            UserService(unit).change_own_password("wrong", PASSWORD)
        UserService(unit).change_own_password(one_time, PASSWORD)
    assert not _sign_in(platform, "bo@example.org", PASSWORD).must_change_password


def test_what_does_not_fit_names_the_field(platform, ana):
    with platform.unit(ADMIN) as unit:
        users = UserService(unit)
        for arguments, where in (
            (("no address", "N", PASSWORD), "email"),
            (("n@example.org", "x" * 200, PASSWORD), "name"),
            (("n@example.org", "N", "short"), "password"),
        ):
            with pytest.raises(InvalidInput) as caught:
                users.create(*arguments)
            assert caught.value.where == where
        with pytest.raises(Conflict):
            users.create("ANA@example.org", "Twin", PASSWORD)


def test_every_change_of_rights_raises_the_epoch_and_is_told(platform, ana):
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("bo@example.org", "Bo", PASSWORD)
    acts = [
        lambda users: users.bind(user.id, "viewer"),
        lambda users: users.set_password(user.id, PASSWORD),
        lambda users: users.disable(user.id),
        lambda users: users.enable(user.id),
        lambda users: users.sign_out_everywhere(user.id),
        lambda users: users.unbind(users.get(user.id).bindings[0].id),
    ]
    for number, act in enumerate(acts, start=2):
        platform.recorded.sent.clear()
        with platform.unit(_actor(platform, ana)) as unit:
            act(UserService(unit))
        assert EpochChanged(user.id, number) in platform.recorded.sent


def test_moving_a_group_raises_the_epoch_of_who_is_bound_inside(platform, ana):
    with platform.unit(ADMIN) as unit:
        berlin, rome = GroupService(unit).create("Berlin"), GroupService(unit).create("Rome")
        user, _ = UserService(unit).create("bo@example.org", "Bo", PASSWORD)
        UserService(unit).bind(user.id, "viewer", berlin.id)
    before = _actor(platform, user)
    with platform.unit(ADMIN) as unit:
        GroupService(unit).move(berlin.id, rome.id)
    after = _actor(platform, user)
    assert after.epoch == before.epoch + 1
    assert after.paths(Permission.DEVICES_READ) == (f"1/{rome.id}/{berlin.id}/",)


def test_a_disabled_user_is_out_at_once(platform, ana):
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("bo@example.org", "Bo", PASSWORD)
        token = auth.issue_refresh(unit, user.id)
        UserService(unit).disable(user.id)
    with pytest.raises(NotAuthenticated):
        _actor(platform, user)
    with pytest.raises(NotAuthenticated):
        _sign_in(platform, "bo@example.org", PASSWORD)
    with pytest.raises(NotAuthenticated):
        auth.rotate_refresh(platform.units, token.jti)


def test_the_last_administrator_cannot_be_lost(platform, ana):
    with platform.unit(_actor(platform, ana)) as unit:
        users = UserService(unit)
        with pytest.raises(Conflict, match="last administrator"):
            users.disable(ana.id)
        with pytest.raises(Conflict, match="last administrator"):
            users.unbind(users.get(ana.id).bindings[0].id)
        other, _ = users.create("bo@example.org", "Bo", PASSWORD)
        users.bind(other.id, "administrator")
        users.disable(ana.id)


def test_nobody_grants_what_they_lack(platform, ana):
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("bo@example.org", "Bo", PASSWORD)
        role = RoleService(unit).list()[0]
    writes_users_only = actor("auditor")
    grant = writes_users_only.grants[0]
    limited = type(writes_users_only)(
        "user", "x", "x", (type(grant)(grant.permissions | {Permission.USERS_WRITE}),)
    )
    with platform.unit(limited) as unit:
        users = UserService(unit)
        with pytest.raises(PermissionDenied):
            users.bind(user.id, "administrator")
        with pytest.raises(PermissionDenied):
            users.set_password(ana.id, PASSWORD)  # it could sign in as her
        users.bind(user.id, "viewer")
    assert role.name == "administrator"


@pytest.mark.parametrize(
    "act",
    [
        lambda users, ana: users.create("n@example.org", "N"),
        lambda users, ana: users.get(ana.id),
        lambda users, ana: users.by_email(ana.email),
        lambda users, ana: users.list(),
        lambda users, ana: users.rename(ana.id, "X"),
        lambda users, ana: users.disable(ana.id),
        lambda users, ana: users.enable(ana.id),
        lambda users, ana: users.set_password(ana.id),
        lambda users, ana: users.bind(ana.id, "viewer"),
        lambda users, ana: users.unbind(ana.bindings[0].id),
        lambda users, ana: users.sign_out_everywhere(ana.id),
    ],
)
def test_users_need_a_binding_everywhere(platform, ana, act):
    local = actor("administrator", "1/2/")
    with platform.unit(local) as unit, pytest.raises(PermissionDenied) as caught:
        act(UserService(unit), ana)
    assert caught.value.group == "everywhere"


def test_roles_and_audit_need_a_binding_everywhere(platform):
    with platform.unit(actor("administrator", "1/"), write=False) as unit:
        with pytest.raises(PermissionDenied):
            RoleService(unit).list()
        with pytest.raises(PermissionDenied):
            AuditService(unit).list(AuditFilter(), PageRequest())


def test_an_unknown_user_role_or_group_is_not_found(platform, ana):
    with platform.unit(ADMIN) as unit:
        users = UserService(unit)
        for act in (
            lambda: users.get("no"),
            lambda: users.bind(ana.id, "no"),
            lambda: users.bind(ana.id, "viewer", 999),
            lambda: users.unbind("no"),
        ):
            with pytest.raises(NotFound):
                act()


def test_the_audit_log_pages_without_gap_or_double(platform, ana):
    with platform.unit(ADMIN) as unit:
        for number in range(7):
            UserService(unit).create(f"u{number}@example.org", "U", PASSWORD)
    seen, cursor = [], None
    while True:
        with platform.unit(ADMIN, write=False) as unit:
            wanted = AuditFilter(action="user.create")
            page = AuditService(unit).list(wanted, PageRequest(3, cursor))
        seen += [entry.subject_name for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"u{n}@example.org" for n in range(6, -1, -1)] + ["ana@example.org"]
