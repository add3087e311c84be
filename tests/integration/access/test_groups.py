"""The tree of groups: who may change what, and what a change does."""

import threading

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.groups import GroupService, common_path, full_names
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from tests.services.database import ADMIN, NOBODY, TestPlatform, actor


@pytest.fixture
def tree(platform: TestPlatform) -> dict[str, Group]:
    """Fleet / Berlin / Hall and Fleet / Rome."""
    with platform.unit(ADMIN) as unit:
        groups = GroupService(unit)
        berlin = groups.create("Berlin")
        hall = groups.create("Hall", berlin.id)
        rome = groups.create("Rome")
    return {"berlin": berlin, "hall": hall, "rome": rome}


def _admin_of(group: Group):
    return actor("administrator", group.path)


def test_a_path_lists_the_ids_from_the_root_down(platform, tree):
    assert tree["hall"].path == f"1/{tree['berlin'].id}/{tree['hall'].id}/"
    assert common_path([tree["hall"].path, tree["berlin"].path]) == tree["berlin"].path
    assert common_path([tree["hall"].path, tree["rome"].path]) == "1/"
    with platform.unit(ADMIN, write=False) as unit:
        names = full_names(unit.session, [tree["hall"]])
    assert names == {tree["hall"].id: "Fleet / Berlin / Hall"}


def test_an_actor_sees_own_groups_and_those_inside(platform, tree):
    with platform.unit(_admin_of(tree["berlin"]), write=False) as unit:
        assert [group.name for group in GroupService(unit).list()] == ["Berlin", "Hall"]
        assert GroupService(unit).get(tree["hall"].id).name == "Hall"
        with pytest.raises(NotFound):
            GroupService(unit).get(tree["rome"].id)
    with platform.unit(NOBODY, write=False) as unit, pytest.raises(PermissionDenied):
        GroupService(unit).list()


def test_a_group_whose_id_begins_alike_is_not_inside(platform):
    with platform.unit(ADMIN) as unit:
        for number in range(15):
            GroupService(unit).create(f"G{number}")
    with platform.unit(actor("viewer", "1/2/"), write=False) as unit:
        assert [group.path for group in GroupService(unit).list()] == ["1/2/"]


@pytest.mark.parametrize("act", ["create", "rename", "move", "delete"])
def test_a_foreign_group_is_not_there_and_a_readable_one_is_denied_by_name(platform, tree, act):
    def do(service: GroupService, group: Group) -> None:
        match act:
            case "create":
                service.create("New", group.id)
            case "rename":
                service.rename(group.id, "New")
            case "move":
                service.move(group.id, tree["rome"].id)
            case "delete":
                service.delete(group.id)

    with platform.unit(_admin_of(tree["rome"])) as unit, pytest.raises(NotFound):
        do(GroupService(unit), tree["hall"])
    viewer = actor("viewer", tree["berlin"].path)
    with platform.unit(viewer) as unit, pytest.raises(PermissionDenied) as caught:
        do(GroupService(unit), tree["hall"])
    assert (caught.value.permission, caught.value.group) == ("groups:write", "Hall")
    with platform.unit(ADMIN) as unit:
        do(GroupService(unit), tree["hall"])


def test_moving_needs_the_right_at_both_ends(platform, tree):
    with platform.unit(_admin_of(tree["berlin"])) as unit, pytest.raises(NotFound):
        GroupService(unit).move(tree["hall"].id, tree["rome"].id)


def test_moving_takes_along_what_is_inside_and_tells_the_hooks(platform, tree):
    moves = []

    class Hook:
        def on_group_moved(self, unit, old_path, new_path):
            moves.append((old_path, new_path))

    with platform.unit(ADMIN) as unit:
        GroupService(unit, [Hook()]).move(tree["berlin"].id, tree["rome"].id)
    new = f"{tree['rome'].path}{tree['berlin'].id}/"
    assert moves == [(f"1/{tree['berlin'].id}/", new)]
    with platform.unit(ADMIN, write=False) as unit:
        assert GroupService(unit).get(tree["hall"].id).path == f"{new}{tree['hall'].id}/"


def test_a_group_never_moves_into_itself_and_the_root_stays(platform, tree):
    with platform.unit(ADMIN) as unit:
        service = GroupService(unit)
        for group_id, parent in ((tree["berlin"].id, tree["hall"].id), (1, tree["rome"].id)):
            with pytest.raises(Conflict):
                service.move(group_id, parent)
        with pytest.raises(Conflict):
            service.delete(1)


def test_only_an_empty_group_is_deleted(platform, tree):
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict, match=r"still holds groups \(1\)"):
            GroupService(unit).delete(tree["berlin"].id)
        GroupService(unit).delete(tree["hall"].id)
        GroupService(unit).delete(tree["berlin"].id)


def test_names_are_unique_where_they_stand(platform, tree):
    with platform.unit(ADMIN) as unit:
        service = GroupService(unit)
        with pytest.raises(Conflict):
            service.create("Berlin")
        with pytest.raises(InvalidInput):
            service.create("  ")
        assert service.create("Berlin", tree["rome"].id).name == "Berlin"


def test_nobody_gains_rights_on_a_group_by_moving_it(platform, tree):
    berlin, rome = tree["berlin"], tree["rome"]
    mover = Actor(
        "user",
        "mover",
        "mover@example.org",
        (
            Grant(frozenset({Permission.GROUPS_READ, Permission.GROUPS_WRITE}), "1/"),
            Grant(frozenset({Permission.DEVICES_DELETE}), rome.path),
        ),
    )
    with platform.unit(mover) as unit, pytest.raises(PermissionDenied) as caught:
        GroupService(unit).move(berlin.id, rome.id)
    assert caught.value.permission == "devices:delete"
    with platform.unit(mover) as unit:
        GroupService(unit).move(rome.id, berlin.id)


def test_a_group_that_is_made_while_its_parent_moves_is_inside_it(platform, tree):
    made = []

    def make() -> None:
        with platform.unit(ADMIN) as unit:
            made.append(GroupService(unit).create("New", tree["berlin"].id).path)

    other = threading.Thread(target=make)
    with platform.unit(ADMIN) as unit:
        GroupService(unit).move(tree["berlin"].id, tree["rome"].id)
        other.start()
        other.join(0.5)  # it waits for the move
    other.join(30)
    assert made[0].startswith(f"{tree['rome'].path}{tree['berlin'].id}/")


def test_two_groups_never_move_into_each_other(platform, tree):
    berlin, rome, refused = tree["berlin"].id, tree["rome"].id, []

    def back() -> None:
        try:
            with platform.unit(ADMIN) as unit:
                GroupService(unit).move(rome, berlin)
        except Conflict as error:
            refused.append(error.code)

    other = threading.Thread(target=back)
    with platform.unit(ADMIN) as unit:
        GroupService(unit).move(berlin, rome)
        other.start()
        other.join(0.5)
    other.join(30)
    assert refused == ["circle"]


def test_a_new_group_inherits_nothing_of_a_deleted_one_by_its_id(platform):
    with platform.unit(ADMIN) as unit:
        gone = GroupService(unit).create("Gone").id
    with platform.unit(ADMIN) as unit:
        GroupService(unit).delete(gone)
    with platform.unit(ADMIN) as unit:
        assert GroupService(unit).create("New").id > gone
