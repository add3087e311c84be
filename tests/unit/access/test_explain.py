"""Explanations agree with the rights they explain, and name what would help."""

from hypothesis import given
from hypothesis import strategies as st

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.explain import Held, Obstacle, Place, Subject, decide
from muster_platform.access.granting import intersect
from muster_platform.access.permissions import BUILTIN_ROLES, GLOBAL, Permission

PATHS = ("1/", "1/2/", "1/2/3/", "1/20/")
ROLES = tuple(BUILTIN_ROLES.items())
permissions = st.sampled_from(sorted(Permission))
places = st.builds(Place, st.none() | st.sampled_from(PATHS), st.just("here"))
held = st.builds(
    lambda role, path: Held("b", role, BUILTIN_ROLES[role], path, path or "everywhere"),
    st.sampled_from(sorted(BUILTIN_ROLES)),
    st.none() | st.sampled_from(PATHS),
)
many_held = st.lists(held, max_size=4).map(tuple)
READ = Permission.DEVICES_READ


def _grants(rows):
    return tuple(Grant(row.permissions, row.path) for row in rows)


def _may(grants, permission, place):
    path = None if permission in GLOBAL else place.path
    return Actor("user", "u", "u", grants).may(permission, path)


@given(many_held, permissions, places)
def test_a_persons_explanation_is_what_the_rights_say(rows, permission, place):
    decision = decide(Subject("user", "u", "Ana", rows), permission, place, ROLES)
    assert decision.allowed == _may(_grants(rows), permission, place)
    assert decision.allowed == bool(decision.given_by)
    assert decision.allowed != bool(decision.obstacles)


@given(many_held, many_held, permissions, places)
def test_a_tokens_explanation_is_what_scope_and_owner_both_say(scopes, rows, permission, place):
    owner = Subject("user", "u", "Ana", rows)
    token = Subject("token", "t", "Pipe", scopes, owner=owner)
    decision = decide(token, permission, place, ROLES)
    both = intersect(_grants(scopes), _grants(rows))
    assert decision.allowed == _may(both, permission, place)


@given(many_held, permissions, places)
def test_giving_one_of_the_roles_that_would_do_does(rows, permission, place):
    decision = decide(Subject("user", "u", "Ana", rows), permission, place, ROLES)
    assert decision.helping
    for name in decision.helping:
        more = Held("new", name, BUILTIN_ROLES[name], decision.place.path, decision.place.name)
        assert decide(Subject("user", "u", "Ana", (*rows, more)), permission, place, ROLES).allowed


def test_what_is_held_elsewhere_is_named():
    rows = (Held("b", "viewer", BUILTIN_ROLES["viewer"], "1/20/", "Fleet / Rome"),)
    decision = decide(Subject("user", "u", "Ana", rows), READ, Place("1/2/", "Berlin"), ROLES)
    assert [row.place for row in decision.elsewhere] == ["Fleet / Rome"]
    assert [(o.code, o.text) for o in decision.obstacles] == [
        ("not_given", "no role of Ana gives devices:read on Berlin")
    ]


def test_what_has_no_group_is_decided_everywhere():
    rows = (Held("b", "auditor", BUILTIN_ROLES["auditor"], "1/", "Fleet"),)
    subject = Subject("user", "u", "Ana", rows)
    decision = decide(subject, Permission.AUDIT_READ, Place("1/2/", "Berlin"), ROLES)
    assert not decision.allowed
    assert decision.place.name == "everywhere"
    assert [row.role for row in decision.elsewhere] == ["auditor"]


def test_what_stops_somebody_counts_though_a_role_gives_it():
    rows = (Held("b", "viewer", BUILTIN_ROLES["viewer"], None, "everywhere"),)
    stopped = (Obstacle("disabled", "Ana is disabled"),)
    owner = Subject("user", "u", "Ana", rows, stopped)
    for subject in (owner, Subject("token", "t", "Pipe", rows, owner=owner)):
        decision = decide(subject, READ, Place("1/"), ROLES)
        assert not decision.allowed
        assert [item.code for item in decision.obstacles] == ["disabled"]
        assert decision.given_by


def test_an_owner_who_lacks_it_is_named():
    scopes = (Held("s", "", frozenset({READ}), None, "everywhere"),)
    token = Subject("token", "t", "Pipe", scopes, owner=Subject("user", "u", "Ana"))
    decision = decide(token, READ, Place("1/", "Fleet"), ROLES)
    assert [item.code for item in decision.obstacles] == ["owner_lacks"]
    assert "Ana" in decision.obstacles[0].text


def test_the_platform_itself_may_all():
    assert decide(Subject("system", "cli", "cli"), READ, Place(), ROLES).allowed
