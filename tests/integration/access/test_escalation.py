"""Nobody climbs: every act on rights, tried by people who lack what it would give."""

from collections.abc import Callable
from typing import Any

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.auth import actor_of
from muster_platform.access.granting import intersect
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import BUILTIN_ROLES, GLOBAL, Permission
from muster_platform.access.roles import RoleService
from muster_platform.access.second_factor import SecondFactorService
from muster_platform.access.token_auth import grants_of
from muster_platform.access.tokens import Scope, TokenService
from muster_platform.access.users import UserService
from muster_platform.errors import PermissionDenied
from muster_platform.unit import Unit
from tests.services.database import ADMIN, TestPlatform

PASSWORD = "correct horse battery"
OFFICER = frozenset(
    {
        *(Permission.USERS_READ, Permission.USERS_WRITE, Permission.ROLES_READ),
        *(Permission.ROLES_WRITE, Permission.GROUPS_READ),
    }
)
"""May write people and roles, and nothing of the fleet."""


@pytest.fixture
def scene(platform: TestPlatform) -> dict[str, Any]:
    """Two groups, an officer of people without the fleet's rights, a boss, a helper."""
    with platform.unit(ADMIN) as unit:
        groups, users, roles = GroupService(unit), UserService(unit), RoleService(unit)
        berlin, paris = groups.create("Berlin"), groups.create("Paris")
        roles.create("officer", sorted(map(str, OFFICER)))
        roles.create("strong", ["devices:read", "devices:delete"])
        people = {}
        for name, role, group in (
            ("officer", "officer", None),
            ("boss", "administrator", None),
            ("helper", "strong", paris.id),
        ):
            people[name], _ = users.create(f"{name}@example.org", name, PASSWORD)
            users.bind(people[name].id, role, group)
        users.disable(people["helper"].id)
    return {"berlin": berlin, "paris": paris, **people}


def _actor(platform: TestPlatform, user_id: str) -> Actor:
    with platform.unit(ADMIN, write=False) as unit:
        return actor_of(unit.session, user_id)


def _refused(platform: TestPlatform, who: Actor, act: Callable[[Unit], Any]) -> bool:
    """Try an act; whatever it did is rolled back or shows in what is looked at afterwards."""
    try:
        with platform.unit(who) as unit:
            act(unit)
    except PermissionDenied:
        return True
    return False


def _acts(scene: dict[str, Any]) -> list[Callable[[Unit], Any]]:
    """Give every act by which the officer could get, or give, more than they have."""
    me, boss, helper = scene["officer"].id, scene["boss"].id, scene["helper"].id
    berlin = scene["berlin"].id
    lacked = sorted(set(Permission) - OFFICER)
    acts: list[Callable[[Unit], Any]] = [
        lambda unit: UserService(unit).set_password(boss, PASSWORD),
        lambda unit: UserService(unit).set_password(boss),
        lambda unit: UserService(unit).set_password(helper),
        lambda unit: UserService(unit).enable(helper),
        lambda unit: SecondFactorService(unit).reset(boss),
        lambda unit: RoleService(unit).update("strong", title="Mine"),
        lambda unit: RoleService(unit).update("strong", permissions=["devices:read"]),
        lambda unit: RoleService(unit).update("strong", require_second_factor=False),
        lambda unit: RoleService(unit).delete("strong"),
        lambda unit: RoleService(unit).update("administrator", require_second_factor=False),
    ]
    for role in (*BUILTIN_ROLES, "strong"):
        for who in (me, helper):
            for group in (None, 1, berlin):
                acts.append(lambda unit, r=role, w=who, g=group: UserService(unit).bind(w, r, g))
        acts.append(lambda unit, r=role: TokenService(unit).create("t", [Scope(r)], 1))
        acts.append(
            lambda unit, r=role: TokenService(unit).create("t", [Scope(r, group_id=berlin)], 1)
        )
    for permission in map(str, lacked):
        names = [*map(str, OFFICER), permission]
        acts += [
            lambda unit, n=names: RoleService(unit).create("mine", n),
            lambda unit, n=names: RoleService(unit).update("officer", permissions=n),
            lambda unit, p=permission: TokenService(unit).create("t", [Scope(permissions=(p,))], 1),
            lambda unit, p=permission: TokenService(unit).create(
                "t", [Scope(permissions=(p,), group_id=1)], 1
            ),
        ]
    return acts


def test_whoever_writes_people_and_roles_gets_and_gives_nothing_they_lack(platform, scene):
    officer = _actor(platform, scene["officer"].id)
    acts = _acts(scene)
    assert len(acts) > 100
    for number, act in enumerate(acts):
        assert _refused(platform, officer, act), f"act {number} went through"
    assert _actor(platform, scene["officer"].id).grants == officer.grants
    with platform.unit(ADMIN, write=False) as unit:
        assert UserService(unit).get(scene["helper"].id).disabled_at is not None


@pytest.mark.parametrize("role", sorted(set(BUILTIN_ROLES) - {"administrator"}))
def test_a_built_in_role_short_of_administrator_changes_no_rights_at_all(platform, scene, role):
    who = Actor("user", scene["helper"].id, "helper", (Grant(BUILTIN_ROLES[role]),))
    users = [
        lambda s: s.create("eve@example.org", "Eve"),
        lambda s: s.rename(scene["boss"].id, "x"),
        lambda s: s.disable(scene["boss"].id),
        lambda s: s.enable(scene["helper"].id),
        lambda s: s.set_password(scene["boss"].id),
        lambda s: s.bind(scene["helper"].id, "viewer"),
        lambda s: s.unbind(scene["boss"].bindings[0].id),
        lambda s: s.sign_out_everywhere(scene["boss"].id),
    ]
    roles = [
        lambda s: s.create("mine", ["devices:read"]),
        lambda s: s.update("strong", title="x"),
        lambda s: s.delete("strong"),
    ]
    for make, acts in ((UserService, users), (RoleService, roles)):
        for number, act in enumerate(acts):
            said = f"{make.__name__} {number} went through for {role}"
            assert _refused(platform, who, lambda unit, m=make, a=act: a(m(unit))), said


def test_a_token_of_every_role_on_every_place_stays_within_its_owner(platform, scene):
    boss = _actor(platform, scene["boss"].id)
    paths = {None: None, 1: "1/", scene["berlin"].id: scene["berlin"].path}
    with platform.unit(boss) as unit:
        made = [
            (role, group, TokenService(unit).create("t", [Scope(role, group_id=group)], 1)[0])
            for role in BUILTIN_ROLES
            for group in paths
        ]
    for role, group, token in made:
        found = Actor("token", token.id, "t", intersect(grants_of(token), boss.grants))
        for permission in Permission:
            held = permission in BUILTIN_ROLES[role]
            assert found.may(permission, scene["berlin"].path) == held
            assert found.may(permission, scene["paris"].path) == (
                held and group != scene["berlin"].id
            )
            if permission in GLOBAL:
                assert found.may(permission) == (held and group is None)
