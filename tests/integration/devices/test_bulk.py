"""Many devices at once: what is planned is what is done, by the author's rights, and undone."""

from typing import Any

import pytest

from muster_platform.access.actor import Actor
from muster_platform.access.auth import actor_of
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserService
from muster_platform.bootstrap import DEVICE_HOOKS, GROUP_HOOKS
from muster_platform.devices.bulk.acts import ACTS
from muster_platform.devices.bulk.models import CHANGED, DONE, RUNNING, SKIPPED
from muster_platform.devices.bulk.service import BulkService, why_text
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.selection import Selection, candidates_where
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from muster_platform.worker import passes
from tests.integration.devices.conftest import Fleet, load
from tests.services.database import ADMIN, TestPlatform, actor

BOTH = Selection(devices=("cam-1", "cam-2"))
ALL = Selection(filter=DeviceFilter())


def start(
    platform: TestPlatform,
    act: str,
    args: dict[str, Any] | None = None,
    *,
    who: Actor = ADMIN,
    selection: Selection = BOTH,
) -> str:
    """Plan and begin a change, as the page does."""
    with platform.unit(who) as unit:
        service = BulkService(unit)
        plan = service.plan(selection, act, args or {})
        return service.start(selection, act, args or {}, digest=plan.digest, reason="spring").id


def undo(platform: TestPlatform, bulk_id: str, who: Actor = ADMIN) -> str:
    with platform.unit(who) as unit:
        taken = BulkService(unit).undo(bulk_id).id
    passes.advance_bulk(platform)
    return taken


def outcome(platform: TestPlatform, bulk_id: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """Give the change's state, and state and code of each device."""
    with platform.unit(ADMIN, write=False) as unit:
        service = BulkService(unit)
        items = service.items(bulk_id, PageRequest(500)).items
        return service.get(bulk_id).state, {i.device_id: (i.state, i.why) for i in items}


def tags(platform: TestPlatform, device_id: str) -> dict[str, str]:
    return tags_of(load(platform, device_id))


def test_a_filter_selects_what_the_list_shows_when_the_plan_is_made(
    platform: TestPlatform, fleet: Fleet
) -> None:
    wanted = Selection(filter=DeviceFilter(tag=("site", "berlin"), group_id=fleet.berlin.id))
    with platform.unit(ADMIN, write=False) as unit:
        plan = BulkService(unit).plan(wanted, "disable", {})
    assert [item.device_id for item in plan.included] == ["cam-1"]
    assert Selection.parse(wanted.document()) == wanted


def test_a_plan_names_who_is_out_and_why(platform: TestPlatform, fleet: Fleet) -> None:
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("old", "camera", fleet.berlin.id)
        DeviceService(unit).register("child", "camera", fleet.berlin.id, gateway="old")
        DeviceService(unit).register("secret", "camera")
    operator = actor("operator", fleet.berlin.path)
    named = Selection(devices=("cam-1", "secret", "nobody"))
    with platform.unit(operator, write=False) as unit:
        move = BulkService(unit).plan(named, "move", {"group": fleet.hall.id})
    assert not move.included
    assert {item.device_id: item.code for item in move.excluded} == {
        "cam-1": "same",
        "secret": "unknown",  # not for this actor's eyes
        "nobody": "unknown",
    }
    with platform.unit(ADMIN, write=False) as unit:
        delete = BulkService(unit).plan(Selection(devices=("old", "child")), "delete", {})
    assert delete.excluded_by_code == {"has_children": 1}
    assert all(item.why for item in (*move.excluded, *delete.excluded))


def test_moved_devices_go_back_to_where_each_came_from(
    platform: TestPlatform, fleet: Fleet
) -> None:
    with platform.unit(ADMIN) as unit:
        target = GroupService(unit).create("Store").id
    moved = start(platform, "move", {"group": target})
    passes.advance_bulk(platform)
    assert outcome(platform, moved) == (DONE, {"cam-1": (CHANGED, ""), "cam-2": (CHANGED, "")})
    assert {load(platform, name).group_id for name in ("cam-1", "cam-2")} == {target}
    undo(platform, moved)
    assert load(platform, "cam-1").group_id == fleet.hall.id
    assert load(platform, "cam-2").group_id == fleet.rome.id


def test_tags_go_back_to_what_each_device_had(platform: TestPlatform, fleet: Fleet) -> None:
    changed = start(platform, "tag", {"add": {"site": "store", "new": "1"}, "remove": ["none"]})
    passes.advance_bulk(platform)
    assert tags(platform, "cam-1") == tags(platform, "cam-2") == {"new": "1", "site": "store"}
    undo(platform, changed)
    assert tags(platform, "cam-1") == {"site": "berlin"}
    assert tags(platform, "cam-2") == {"site": "rome"}


def test_only_what_was_disabled_by_it_is_enabled_again(
    platform: TestPlatform, fleet: Fleet
) -> None:
    both = start(platform, "disable")
    # Somebody else asks for one of them, too: that one is not its to take back.
    platform.time.advance(s=1)
    second = start(platform, "disable", selection=Selection(devices=("cam-1",)))
    passes.advance_bulk(platform)
    assert outcome(platform, second) == (DONE, {"cam-1": (SKIPPED, "same")})
    undo(platform, both)
    assert load(platform, "cam-1").disabled_at is None
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict, match="nothing"):
        BulkService(unit).undo(second)


def test_deleted_devices_come_back_with_what_they_had(platform: TestPlatform, fleet: Fleet) -> None:
    deleted = start(platform, "delete")
    passes.advance_bulk(platform)
    with pytest.raises(NotFound):
        load(platform, "cam-1")
    undo(platform, deleted)
    assert load(platform, "cam-1").group_id == fleet.hall.id
    assert tags(platform, "cam-2") == {"site": "rome"}


def test_a_change_is_taken_back_once(platform: TestPlatform, fleet: Fleet) -> None:
    changed = start(platform, "tag", {"add": {"a": "b"}})
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict, match="still runs"):
        BulkService(unit).undo(changed)
    passes.advance_bulk(platform)
    undo(platform, changed)
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict, match="already"):
        BulkService(unit).undo(changed)


def test_a_fleet_that_changed_since_the_plan_is_planned_anew(
    platform: TestPlatform, fleet: Fleet
) -> None:
    with platform.unit(ADMIN, write=False) as unit:
        plan = BulkService(unit).plan(ALL, "disable", {})
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("cam-3", "camera")
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict) as caught:
        BulkService(unit).start(ALL, "disable", {}, digest=plan.digest)
    assert caught.value.code == "plan_changed"
    assert load(platform, "cam-1").disabled_at is None


def test_what_the_author_lost_meanwhile_the_change_has_lost(
    platform: TestPlatform, fleet: Fleet
) -> None:
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("op@example.org", "Op")
        UserService(unit).bind(user.id, "operator", fleet.berlin.id)
        rome = UserService(unit).bind(user.id, "operator", fleet.rome.id)
    with platform.unit(ADMIN, write=False) as unit:
        operator = actor_of(unit.session, user.id)
    changed = start(platform, "tag", {"add": {"a": "b"}}, who=operator)
    with platform.unit(ADMIN) as unit:
        UserService(unit).unbind(rome.id)
    passes.advance_bulk(platform)
    assert outcome(platform, changed) == (
        DONE,
        {"cam-1": (CHANGED, ""), "cam-2": (SKIPPED, "not_found")},
    )
    assert "a" not in tags(platform, "cam-2")


def test_a_device_deleted_and_registered_again_is_not_the_one_that_was_planned(
    platform: TestPlatform, fleet: Fleet
) -> None:
    changed = start(platform, "tag", {"add": {"a": "b"}})
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("cam-2", hooks=DEVICE_HOOKS)
        DeviceService(unit).register("cam-2", "camera", fleet.rome.id)
    passes.advance_bulk(platform)
    assert tags(platform, "cam-1") == {"a": "b", "site": "berlin"}
    assert tags(platform, "cam-2") == {}
    with platform.unit(ADMIN, write=False) as unit:
        items = BulkService(unit).items(changed, PageRequest(10)).items
        assert [why_text(item) for item in items if item.state == SKIPPED] == [
            "no such device: cam-2"
        ]


def test_a_stopped_change_leaves_the_rest_alone(
    platform: TestPlatform, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "BULK_BATCH", 1)
    monkeypatch.setattr(passes, "PASS_S", 0.0)
    changed = start(platform, "disable")
    passes.advance_bulk(platform)
    assert outcome(platform, changed)[0] == RUNNING
    with platform.unit(ADMIN) as unit:
        assert BulkService(unit).cancel(changed).changed == 1
    passes.advance_bulk(platform)
    assert load(platform, "cam-1").disabled_at is not None
    assert load(platform, "cam-2").disabled_at is None


def test_an_operator_cannot_delete_nor_move_into_a_foreign_group(
    platform: TestPlatform, fleet: Fleet
) -> None:
    operator = actor("operator", fleet.berlin.path)
    one = Selection(devices=("cam-1",))
    with platform.unit(operator, write=False) as unit:
        with pytest.raises(PermissionDenied, match="devices:delete"):
            BulkService(unit).plan(one, "delete", {})
        with pytest.raises(NotFound, match="group"):
            BulkService(unit).plan(one, "move", {"group": fleet.rome.id})
        assert not BulkService(unit).plan(Selection(devices=("cam-2",)), "disable", {}).included


def test_a_foreign_change_is_not_there(platform: TestPlatform, fleet: Fleet) -> None:
    changed = start(platform, "tag", {"add": {"a": "b"}}, selection=Selection(devices=("cam-2",)))
    passes.advance_bulk(platform)
    with platform.unit(actor("operator", fleet.berlin.path)) as unit:
        service = BulkService(unit)
        assert not service.list(PageRequest(10)).items
        for call in (service.get, service.undo, service.cancel):
            with pytest.raises(NotFound):
                call(changed)
    with (
        platform.unit(actor("viewer", fleet.rome.path)) as unit,
        pytest.raises(PermissionDenied, match="devices:write"),
    ):
        BulkService(unit).undo(changed)


@pytest.mark.parametrize(
    ("act", "args"),
    [
        ("paint", {}),
        ("restore", {}),
        ("move", {}),
        ("move", {"group": "1"}),
        ("move", {"group": True}),
        ("tag", {}),
        ("tag", {"add": {"a": 1}}),
        ("tag", {"add": {"a b": "1"}}),
        ("tag", {"add": {"a": "1"}, "remove": ["a"]}),
        ("disable", {"x": 1}),
    ],
)
def test_arguments_that_fit_no_device_are_refused(
    platform: TestPlatform, fleet: Fleet, act: str, args: dict[str, Any]
) -> None:
    with platform.unit(ADMIN, write=False) as unit, pytest.raises(InvalidInput):
        BulkService(unit).plan(BOTH, act, args)


@pytest.mark.parametrize(
    "document",
    [{}, [], {"devices": []}, {"devices": [1]}, {"filter": {"colour": "red"}}, {"filter": 1}],
)
def test_a_selection_that_is_none_is_refused(document: Any) -> None:
    with pytest.raises(InvalidInput):
        Selection.parse(document)


def test_every_act_names_what_takes_it_back() -> None:
    assert {act.undone_by for act in ACTS.values()} - {""} <= set(ACTS)


def test_a_moved_group_takes_its_changes_to_those_who_may_see_it_now(
    platform: TestPlatform, fleet: Fleet
) -> None:
    changed = start(platform, "disable", selection=Selection(devices=("cam-1",)))
    there = actor("operator", fleet.rome.path)
    with platform.unit(there, write=False) as unit, pytest.raises(NotFound):
        BulkService(unit).get(changed)
    with platform.unit(ADMIN) as unit:
        GroupService(unit, GROUP_HOOKS).move(fleet.berlin.id, fleet.rome.id)
    with platform.unit(there, write=False) as unit:
        assert BulkService(unit).get(changed).group_path.startswith(fleet.rome.path)


def test_of_a_fleet_too_large_for_one_change_only_so_much_is_read(
    platform: TestPlatform, fleet: Fleet
) -> None:
    with platform.unit(ADMIN) as unit:
        for number in range(5):
            DeviceService(unit).register(f"more-{number}", "camera")
    platform.configure(job_devices=3)
    with platform.unit(ADMIN, write=False) as unit:
        assert len(candidates_where(unit, Permission.DEVICES_WRITE)) == 4
        with pytest.raises(InvalidInput, match="at most 3"):
            BulkService(unit).plan(ALL, "disable", {})
