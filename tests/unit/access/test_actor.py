"""Rights without a database: where a grant holds, and passwords."""

import pytest

from muster_platform.access.actor import Actor, Grant, system_actor
from muster_platform.access.groups import common_path
from muster_platform.access.models import Group
from muster_platform.access.narrow import require_on
from muster_platform.access.passwords import (
    hash_password,
    needs_rehash,
    one_time_password,
    verify_password,
)
from muster_platform.access.permissions import BUILTIN_ROLES, GLOBAL, Permission
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied

READ, WRITE = Permission.DEVICES_READ, Permission.DEVICES_WRITE


def _actor(*grants):
    return Actor("user", "u", "u@example.org", grants)


def test_a_grant_holds_on_its_group_and_inside_it_only():
    actor = _actor(Grant(frozenset({READ}), "1/2/"))
    assert actor.may(READ, "1/2/")
    assert actor.may(READ, "1/2/7/")
    for path in ("1/", "1/20/", "1/3/", None):
        assert not actor.may(READ, path)
    assert not actor.may(WRITE, "1/2/")


def test_a_grant_everywhere_holds_everywhere():
    actor = system_actor("test")
    assert actor.may(READ)
    assert actor.may(READ, "1/2/")
    assert actor.paths(READ) is None


def test_what_has_no_group_is_never_held_by_a_grant_on_one():
    actor = _actor(Grant(BUILTIN_ROLES["administrator"], "1/"))
    assert not any(actor.may(permission) for permission in GLOBAL)


def test_paths_are_those_of_grants_with_the_permission():
    actor = _actor(
        Grant(frozenset({READ}), "1/2/"),
        Grant(frozenset({READ, WRITE}), "1/3/"),
        Grant(frozenset({WRITE}), "1/4/"),
    )
    assert actor.paths(READ) == ("1/2/", "1/3/")
    assert _actor().paths(READ) == ()


@pytest.mark.parametrize(
    ("granted", "error"),
    [
        (frozenset(), NotFound),
        (frozenset({WRITE}), NotFound),
        (frozenset({READ}), PermissionDenied),
        (frozenset({READ, WRITE}), None),
    ],
)
def test_what_may_not_be_read_is_not_there_and_the_rest_is_denied(granted, error):
    group = Group(id=2, name="Berlin", path="1/2/")
    actor = _actor(Grant(granted, "1/"))

    def ask():
        require_on(actor, WRITE, group, read=READ, kind="device", name="cam-1")

    if error is None:
        ask()
        return
    with pytest.raises(error) as caught:
        ask()
    if error is PermissionDenied:
        assert (caught.value.permission, caught.value.group) == (WRITE, "Berlin")


@pytest.mark.parametrize(
    ("paths", "common"),
    [
        ([], ""),
        (["1/2/3/"], "1/2/3/"),
        (["1/2/3/", "1/2/4/"], "1/2/"),
        (["1/2/", "1/20/"], "1/"),
        (["1/2/3/", "1/2/"], "1/2/"),
    ],
)
def test_the_deepest_group_that_holds_all(paths, common):
    assert common_path(paths) == common


def test_a_password_is_checked_against_its_hash():
    stored = hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert verify_password("correct horse battery", stored)
    assert not verify_password("correct horse batterz", stored)
    assert not needs_rehash(stored)


@pytest.mark.parametrize("stored", [None, "", "damaged", "$argon2id$v=19$m=1"])
def test_no_password_fits_nobody_or_a_damaged_hash(stored):
    assert not verify_password("", stored)
    assert not verify_password("correct horse battery", stored)


@pytest.mark.parametrize("length", [0, 9, 257])
def test_a_password_has_its_length(length):
    with pytest.raises(InvalidInput) as caught:
        hash_password("x" * length, where="new")
    assert caught.value.where == "new"


def test_a_one_time_password_is_long_enough_and_never_the_same():
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(text) >= 16 for text in made)
