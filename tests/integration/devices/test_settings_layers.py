"""Settings of profiles and groups: inherited, brought to devices step by step, planned before."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
import pytest
from sqlalchemy import delete, select

from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.groups import GroupService
from muster_platform.bootstrap import GROUP_HOOKS
from muster_platform.devices.ingest.registry import apply_settings_report
from muster_platform.devices.models import Device, DeviceEvent, Outbound
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_layers import LayerService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.devices.settings_walk import walk_one
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied, PreconditionFailed
from muster_platform.outbox import WAKE_SETTINGS, Wake
from muster_platform.paging import PageRequest
from muster_platform.worker import passes
from muster_protocol.messages import SettingsReport
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, NOBODY, actor


def _say(platform, target, desired, if_version=None, who=ADMIN):
    with platform.unit(who) as unit:
        return LayerService(unit).set_desired(target, desired, if_version)


def _own(platform, device_id, desired):
    with platform.unit(ADMIN) as unit:
        SettingsService(unit).set_desired(device_id, desired)


def _desired(platform, device_id):
    with platform.unit(ADMIN, write=False) as unit:
        row = SettingsService(unit).get(device_id)
        return row.desired, row.version


def _told(platform, device_id):
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.scalars(
            select(Outbound.payload)
            .where(Outbound.topic == f"muster/1/{device_id}/down/settings")
            .order_by(Outbound.id)
        ).all()
    return [msgspec.json.decode(row) for row in rows]


def test_profile_lies_below_outer_group_below_inner_group_below_the_device(platform, fleet):
    _say(platform, "camera", {"a": 1, "b": 1, "c": 1, "d": 1})
    _say(platform, fleet.berlin.id, {"b": 2, "c": 2, "d": 2})
    _say(platform, fleet.hall.id, {"c": 3, "d": 3})
    _own(platform, "cam-1", {"d": 4})
    passes.bring_settings(platform)
    assert _desired(platform, "cam-1")[0] == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert _desired(platform, "cam-2")[0] == {"a": 1, "b": 1, "c": 1, "d": 1}
    with platform.unit(ADMIN, write=False) as unit:
        found = {key.key: key for key in SettingsService(unit).keys("cam-1")}
    assert [(found[key].layer, found[key].layer_name) for key in "abcd"] == [
        ("profile", "Camera"),
        ("group", "Berlin"),
        ("group", "Hall"),
        ("device", ""),
    ]
    assert (found["d"].inherited, found["d"].is_inherited) == (3, True)


def test_a_change_reaches_devices_by_a_pass_and_a_second_pass_finds_nothing(platform, fleet):
    view = _say(platform, fleet.berlin.id, {"fps": 5})
    assert (view.version, view.devices, view.waiting) == (1, 1, 1)
    assert Wake(WAKE_SETTINGS) in platform.recorded.sent
    assert _told(platform, "cam-1") == []
    assert passes.bring_settings(platform) == 1
    assert _told(platform, "cam-1") == [{"version": 1, "desired": {"fps": 5}}]
    assert passes.bring_settings(platform) == 0
    _say(platform, fleet.berlin.id, {"fps": 5})
    assert passes.bring_settings(platform) == 0
    assert len(_told(platform, "cam-1")) == 1
    assert _told(platform, "cam-2") == []


def test_a_walk_goes_in_steps_and_one_that_is_lost_is_made_again(platform, fleet):
    with platform.unit(ADMIN) as unit:
        for number in range(5):
            DeviceService(unit).register(f"more-{number}", "camera", fleet.berlin.id)
    _say(platform, fleet.berlin.id, {"fps": 5})
    with platform.unit(ADMIN) as unit:
        assert walk_one(unit, 2) == 2
    with platform.unit(ADMIN, write=False) as unit:
        assert walk_one(unit, 2) == 2  # and killed before the commit
    with platform.unit(ADMIN, write=False) as unit:
        assert LayerService(unit).get(fleet.berlin.id).waiting == 4
    with platform.unit(ADMIN) as unit:
        assert [walk_one(unit, 2) for _ in range(4)] == [2, 2, 0, None]
    for name in ("cam-1", *(f"more-{number}" for number in range(5))):
        assert _desired(platform, name) == ({"fps": 5}, 1)
        assert len(_told(platform, name)) == 1


def test_a_change_during_a_walk_begins_it_anew(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("more", "camera", fleet.berlin.id)
    _say(platform, fleet.berlin.id, {"fps": 5})
    with platform.unit(ADMIN) as unit:
        walk_one(unit, 1)
    _say(platform, fleet.berlin.id, {"fps": 6})
    passes.bring_settings(platform)
    assert _desired(platform, "cam-1") == ({"fps": 6}, 2)
    assert _desired(platform, "more") == ({"fps": 6}, 1)


def test_a_device_with_a_value_of_its_own_is_not_told_what_it_does_not_hear(platform, fleet):
    _own(platform, "cam-1", {"fps": 1})
    _say(platform, fleet.berlin.id, {"fps": 5})
    passes.bring_settings(platform)
    assert _desired(platform, "cam-1") == ({"fps": 1}, 1)
    with platform.unit(ADMIN) as unit:
        row = SettingsService(unit).patch("cam-1", {"fps": None})
        assert (row.own, row.own_version) == ({}, 2)
    assert _desired(platform, "cam-1") == ({"fps": 5}, 2)


def test_a_device_that_moves_inherits_from_where_it_is(platform, fleet):
    _say(platform, fleet.berlin.id, {"site": "berlin"})
    _say(platform, fleet.rome.id, {"site": "rome"})
    passes.bring_settings(platform)
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).update("cam-1", group_id=fleet.rome.id)
    assert _desired(platform, "cam-1") == ({"site": "rome"}, 2)
    with platform.unit(ADMIN, write=False) as unit:
        key = load(platform, "cam-1").id
        lines = unit.session.scalars(
            select(DeviceEvent.summary).where(
                DeviceEvent.device_key == key, DeviceEvent.kind == "settings"
            )
        ).all()
    assert lines == [
        "Desired settings are at version 1: site changed by the group Berlin",
        "Desired settings are at version 2: site changed by the new group",
    ]


def test_a_group_that_moves_takes_its_devices_along(platform, fleet):
    _say(platform, fleet.berlin.id, {"site": "berlin"})
    _say(platform, fleet.rome.id, {"site": "rome", "gate": 1})
    passes.bring_settings(platform)
    with platform.unit(ADMIN) as unit:
        GroupService(unit, GROUP_HOOKS).move(fleet.hall.id, fleet.rome.id)
    passes.bring_settings(platform)
    assert _desired(platform, "cam-1") == ({"site": "rome", "gate": 1}, 2)


def test_a_new_device_has_what_its_place_says_from_the_first_moment(platform, fleet):
    _say(platform, fleet.berlin.id, {"fps": 5})
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("new", "camera", fleet.hall.id)
    assert _desired(platform, "new") == ({"fps": 5}, 1)


def test_of_two_editors_the_second_is_told_what_is_there_now(platform, fleet):
    _say(platform, fleet.berlin.id, {"fps": 5}, if_version=0)
    with pytest.raises(PreconditionFailed) as caught:
        _say(platform, fleet.berlin.id, {"fps": 9}, if_version=0)
    assert caught.value.extra == {"version": 1, "desired": {"fps": 5}}
    with platform.unit(ADMIN) as unit, pytest.raises(PreconditionFailed):
        LayerService(unit).patch(fleet.berlin.id, {"fps": 9}, if_version=0)
    assert _say(platform, fleet.berlin.id, {"fps": 9}, if_version=1).version == 2


def test_a_plan_counts_who_hears_of_it_and_who_keeps_what(platform, fleet):
    with platform.unit(ADMIN) as unit:
        devices = DeviceService(unit)
        for number in range(4):
            devices.register(f"more-{number}", "camera", fleet.berlin.id)
        devices.register("phone-1", "phone", fleet.berlin.id)
    _say(platform, fleet.berlin.id, {"fps": 3, "old": 1})
    _say(platform, fleet.hall.id, {"fps": 1})
    passes.bring_settings(platform)
    _own(platform, "more-0", {"fps": 9})
    _own(platform, "more-1", {"fps": 9, "old": 2})
    with platform.unit(ADMIN, write=False) as unit:
        made = LayerService(unit).plan(fleet.berlin.id, {"fps": 5})
    # cam-1 is in Hall, which has its own fps; more-0 still loses `old`.
    assert (made.version, made.below, made.devices, made.too_large) == (1, 6, 5, 0)
    lines = {line.key: (line.is_set, line.devices, line.own, line.inner) for line in made.keys}
    assert lines == {"fps": (True, 3, 2, 1), "old": (False, 5, 1, 0)}
    before = {name: _desired(platform, name) for name in ("cam-1", "more-0", "more-1", "phone-1")}
    _say(platform, fleet.berlin.id, {"fps": 5})
    assert passes.bring_settings(platform) == 6
    after = {name: _desired(platform, name) for name in before}
    assert after["more-1"] == before["more-1"]
    assert after["cam-1"] == ({"fps": 1}, before["cam-1"][1] + 1)


def test_the_plan_of_a_profile_looks_at_all_groups(platform, fleet):
    _say(platform, fleet.berlin.id, {"fps": 3})
    with platform.unit(ADMIN, write=False) as unit:
        made = LayerService(unit).plan("camera", {"fps": 5, "new": True})
    lines = {line.key: (line.devices, line.inner) for line in made.keys}
    assert lines == {"fps": (1, 1), "new": (2, 0)}
    assert (made.below, made.devices) == (2, 2)


def test_layers_that_no_message_could_carry_together_leave_the_device_as_it_was(platform, fleet):
    _own(platform, "cam-1", {"mine": "x" * 40_000})
    _say(platform, fleet.berlin.id, {"group": "y" * 40_000})
    with platform.unit(ADMIN, write=False) as unit:
        assert LayerService(unit).plan(fleet.berlin.id, {"group": "z" * 40_000}).too_large == 1
    passes.bring_settings(platform)
    with platform.unit(ADMIN, write=False) as unit:
        row = SettingsService(unit).get("cam-1")
    assert (set(row.desired), row.version) == ({"mine"}, 1)
    assert "at most 65536 fit" in row.problem
    with platform.unit(ADMIN) as unit, pytest.raises(InvalidInput):
        SettingsService(unit).patch("cam-1", {"more": "w" * 10_000})
    _own(platform, "cam-1", {"mine": "x"})
    with platform.unit(ADMIN, write=False) as unit:
        row = SettingsService(unit).get("cam-1")
    assert (set(row.desired), row.version, row.problem) == ({"mine", "group"}, 2, "")


@pytest.mark.parametrize("desired", [[1], None, {"a": None}, {"k": "x" * 65_536}])
def test_what_no_layer_may_hold_is_refused_and_nothing_is_stored(platform, fleet, desired):
    with pytest.raises(InvalidInput):
        _say(platform, fleet.berlin.id, desired)
    with platform.unit(ADMIN, write=False) as unit:
        assert LayerService(unit).get(fleet.berlin.id).version == 0


def test_a_layer_is_read_and_changed_with_the_right_on_its_group_only(platform, fleet):
    in_hall = actor("operator", fleet.hall.path)
    viewer = actor("viewer", fleet.berlin.path)
    _say(platform, fleet.hall.id, {"fps": 1}, who=in_hall)
    for who, target, error in (
        (in_hall, fleet.berlin.id, NotFound),
        (viewer, fleet.hall.id, PermissionDenied),
        (NOBODY, fleet.hall.id, NotFound),
        (in_hall, "camera", PermissionDenied),
        (ADMIN, "unheard-of", NotFound),
        (ADMIN, 999, NotFound),
    ):
        with platform.unit(who) as unit:
            for act in (LayerService(unit).set_desired, LayerService(unit).plan):
                with pytest.raises(error):
                    act(target, {"fps": 2})
    with platform.unit(viewer, write=False) as unit:
        assert LayerService(unit).get(fleet.hall.id).desired == {"fps": 1}


def test_names_of_groups_that_one_may_not_read_are_kept_from_one(platform, fleet):
    _say(platform, fleet.berlin.id, {"fps": 5})
    passes.bring_settings(platform)
    with platform.unit(actor("operator", fleet.hall.path), write=False) as unit:
        [key] = SettingsService(unit).keys("cam-1")
        [around] = LayerService(unit).get(fleet.hall.id).inherited
    assert (key.desired, key.layer, key.layer_name) == (5, "group", "")
    assert (around.key, around.value, around.group) == ("fps", 5, "")


def test_an_edit_is_audited_with_the_keys_that_changed(platform, fleet):
    _say(platform, fleet.berlin.id, {"fps": 5, "same": 1})
    _say(platform, fleet.berlin.id, {"fps": 6, "same": 1})
    with platform.unit(ADMIN, write=False) as unit:
        page = AuditService(unit).list(AuditFilter(action="settings.set"), PageRequest())
    assert [(row.before, row.after) for row in page.items] == [
        ({"fps": 5}, {"fps": 6}),
        ({}, {"fps": 5, "same": 1}),
    ]


def test_a_group_with_settings_and_nothing_else_can_be_deleted_and_leaves_none(platform, fleet):
    with platform.unit(ADMIN) as unit:
        empty = GroupService(unit).create("Empty").id
    _say(platform, empty, {"fps": 5})
    with platform.unit(ADMIN) as unit:
        GroupService(unit).delete(empty)
    with platform.unit(ADMIN) as unit:
        again = GroupService(unit).create("Empty").id
    with platform.unit(ADMIN, write=False) as unit:
        assert LayerService(unit).get(again).desired == {}


def test_a_profile_with_settings_can_be_deleted(platform, fleet):
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).create("short")
    _say(platform, "short", {"fps": 5})
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).delete("short")


def test_a_device_that_answers_to_older_settings_is_told_again_but_not_each_time(platform, fleet):
    _own(platform, "cam-1", {"fps": 5})
    _own(platform, "cam-1", {"fps": 6})
    with platform.unit(ADMIN) as unit:
        unit.session.execute(delete(Outbound))

    def report(version):
        with platform.unit(ADMIN) as unit:
            device = unit.session.scalar(select(Device).where(Device.device_id == "cam-1"))
            apply_settings_report(unit, device, SettingsReport(version=version), unit.now())

    report(1)
    assert _told(platform, "cam-1") == []  # the newest may still be on its way
    platform.time.advance(s=61)
    report(1)
    report(1)
    assert _told(platform, "cam-1") == [{"version": 2, "desired": {"fps": 6}}]
    platform.time.advance(s=61)
    report(2)
    assert len(_told(platform, "cam-1")) == 1


def _at_once(*acts):
    """Run these in threads that begin together; give what each returned or raised."""
    gate = threading.Barrier(len(acts))

    def run(act):
        gate.wait()
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_editors_at_the_same_moment_one_wins_on_every_layer(platform, fleet):
    def device(value):
        with platform.unit(ADMIN) as unit:
            return SettingsService(unit).set_desired("cam-1", {"a": value}, 0).own_version

    def layer(target, value):
        return _say(platform, target, {"a": value}, if_version=0).version

    for act in (device, partial(layer, fleet.berlin.id), partial(layer, "camera")):
        results = _at_once(*(partial(act, n) for n in range(4)))
        assert results.count(1) == 1, results
        assert sum(isinstance(one, PreconditionFailed) for one in results) == 3, results


def test_a_device_that_moves_while_its_new_group_changes_ends_with_the_change(platform, fleet):
    for round_ in range(1, 6):
        there = fleet.rome if round_ % 2 else fleet.hall

        def move(group_id=there.id):
            with platform.unit(ADMIN) as unit:
                DeviceService(unit).update("cam-1", group_id=group_id)

        def change(group_id=there.id, value=round_):
            _say(platform, group_id, {"round": value})
            passes.bring_settings(platform)

        results = _at_once(move, change)
        assert results == [None, None], results
        passes.bring_settings(platform)
        assert _desired(platform, "cam-1")[0] == {"round": round_}
