"""What two sides both allow: no more than either, no less than both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.granting import PersonNeeded, intersect, require_held, require_person
from muster_platform.access.permissions import WORDS, Permission
from muster_platform.errors import PermissionDenied

PATHS = ("1/", "1/2/", "1/2/3/", "1/20/", "1/4/", "1/4/2/")
permissions = st.sampled_from(
    [Permission.DEVICES_READ, Permission.COMMANDS_RUN, Permission.LOGS_READ]
)
places = st.none() | st.sampled_from(PATHS)
grants = st.lists(st.builds(Grant, st.frozensets(permissions, max_size=3), places), max_size=5).map(
    tuple
)


def _actor(held):
    return Actor("user", "u", "u@example.org", tuple(held))


@given(grants, grants, permissions, places)
def test_the_intersection_allows_exactly_what_both_allow(some, others, permission, place):
    both = _actor(intersect(some, others)).may(permission, place)
    assert both == (_actor(some).may(permission, place) and _actor(others).may(permission, place))


@given(grants, grants)
def test_it_does_not_matter_which_side_is_which(some, others):
    assert set(intersect(some, others)) == set(intersect(others, some))


@given(grants)
def test_nothing_is_lost_against_everything(held):
    everything = (Grant(frozenset(Permission)),)
    for permission in Permission:
        for place in (None, *PATHS):
            assert _actor(intersect(held, everything)).may(permission, place) == _actor(held).may(
                permission, place
            )


def test_giving_names_the_first_permission_that_is_lacking_and_where():
    giver = _actor([Grant(frozenset({Permission.DEVICES_READ}), "1/2/")])
    require_held(giver, {Permission.DEVICES_READ}, "1/2/3/", "Hall")
    with pytest.raises(PermissionDenied) as caught:
        require_held(giver, {Permission.DEVICES_READ}, "1/20/", "Rome")
    assert (caught.value.permission, caught.value.group) == ("devices:read", "Rome")
    with pytest.raises(PermissionDenied):
        require_held(giver, {Permission.DEVICES_READ})


def test_only_a_token_is_told_to_send_a_person():
    for kind in ("user", "system"):
        require_person(Actor(kind, "x", "x"), "give roles")
    with pytest.raises(PersonNeeded, match="may not give roles"):
        require_person(Actor("token", "x", "x"), "give roles")


def test_every_permission_has_words():
    assert set(WORDS) == set(Permission)
