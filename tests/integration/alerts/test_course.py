"""What becomes of alarms when people and rules change, on both databases."""

import threading

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.alerts import evaluate
from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.models import Alarm, Rule
from muster_platform.alerts.raising import Subject, raise_alarm
from muster_platform.alerts.rule_service import RuleDraft, RuleEdit, RuleService
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from tests.integration.alerts.seen import HOT, alarms, only
from tests.services.database import ADMIN


def act(platform, name, *args):
    """Do something to the one alarm there is."""
    alarm = only(platform)
    with platform.unit(ADMIN) as unit:
        return getattr(AlarmService(unit), name)(alarm.id, *args)


def test_what_was_resolved_by_hand_waits_until_its_condition_has_ended(platform, fleet):
    fleet.add("a")
    fleet.rule("telemetry_threshold", params=HOT)
    fleet.says("a", "temp", 90)
    fleet.after(1)
    act(platform, "resolve", "known, being repaired")
    fleet.after(1)
    assert alarms(platform) == {}
    fleet.says("a", "temp", 20)
    fleet.after(1)
    fleet.says("a", "temp", 90)
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}


def test_an_acknowledged_alarm_closes_when_it_clears_and_the_next_is_a_new_one(platform, fleet):
    fleet.add("a")
    fleet.rule("telemetry_threshold", params=HOT)
    fleet.says("a", "temp", 90)
    fleet.after(1)
    assert act(platform, "acknowledge", "on it").state == "ACTIVE_ACK"
    fleet.says("a", "temp", 20)
    fleet.after(1)
    assert only(platform).state == "CLEARED_ACK"
    fleet.says("a", "temp", 90)
    fleet.after(1)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.query(Alarm).count() == 2


def test_a_disabled_rule_clears_its_alarms_and_a_deleted_one_closes_them(platform, fleet):
    fleet.add("a", "b")
    rule = fleet.rule("telemetry_threshold", params=HOT)
    fleet.says("a", "temp", 90)
    fleet.after(1)
    with platform.unit(ADMIN) as unit:
        RuleService(unit).change(rule.id, RuleEdit(enabled=False))
    fleet.after(1)
    assert alarms(platform) == {"a": "CLEARED_UNACK"}
    with platform.unit(ADMIN) as unit:
        RuleService(unit).delete(rule.id)
    fleet.after(1)
    assert alarms(platform) == {}
    assert only(platform).resolved_reason == evaluate.DELETED


def test_a_rule_looks_only_at_its_group_and_filter_and_lets_go_of_what_moved_out(platform, fleet):
    group_id, path = fleet.group("Berlin")
    other_id, other = fleet.group("Rome")
    fleet.add("in", "moves", group_id=group_id)
    fleet.add("out", group_id=other_id)
    fleet.rule("telemetry_threshold", params=HOT, group_id=group_id)
    for name in fleet.keys:
        fleet.says(name, "temp", 90)
    fleet.after(1)
    assert alarms(platform).keys() == {"in", "moves"}
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Device, fleet.keys["moves"]).group_id = other_id
    fleet.after(1)
    assert alarms(platform) == {"in": "ACTIVE_UNACK", "moves": "CLEARED_UNACK"}
    with platform.unit(ADMIN, write=False) as unit:
        moved = unit.session.query(Alarm).filter_by(subject_id="moves").one()
        assert moved.group_path == other
        assert path != other


def test_a_rule_that_cannot_be_evaluated_says_why_and_the_others_go_on(platform, fleet):
    group_id, _ = fleet.group("Berlin")
    fleet.add("a")
    broken = fleet.rule("telemetry_threshold", params=HOT, device_filter={"group_id": group_id})
    fleet.rule("telemetry_threshold", params=HOT)
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Rule, broken.id).device_filter = {"group_id": 99}
    fleet.says("a", "temp", 90)
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    with platform.unit(ADMIN, write=False) as unit:
        assert "no such group" in RuleService(unit).get(broken.id).problem


def test_a_deleted_device_takes_its_alarms_along(platform, fleet):
    fleet.add("a")
    fleet.rule("telemetry_threshold", params=HOT)
    fleet.says("a", "temp", 90)
    fleet.after(1)
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("a", hooks=DEVICE_HOOKS)
    assert alarms(platform) == {}
    fleet.after(1)
    with platform.unit(ADMIN, write=False) as unit:
        assert [a.state for a in unit.session.query(Alarm)] == ["CLEARED_ACK"]


def test_a_preview_shows_what_would_be_raised_and_raises_nothing(platform, fleet):
    fleet.add("a", "b")
    fleet.says("a", "temp", 90)
    with platform.unit(ADMIN) as unit:
        draft = RuleDraft(name="hot", kind="telemetry_threshold", params=HOT)
        seen = RuleService(unit).preview(draft)
    assert (seen.count, seen.devices) == (1, 2)
    assert [line.subject_id for line in seen.lines] == ["a"]
    assert alarms(platform) == {}


@pytest.mark.parametrize("raisers", [8])
def test_one_alarm_is_open_however_many_raise_it_at_once(platform, fleet, raisers):
    made = fleet.rule("telemetry_threshold", params=HOT)
    subject = Subject(kind="part", id="x", name="x", group_path="1/")
    start = threading.Barrier(raisers)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            start.wait()
            for _ in range(5):
                with platform.unit(system_actor("rules")) as unit:
                    rule = unit.session.get_one(Rule, made.id)
                    raise_alarm(unit, rule, subject, {"n": 1}, title="x")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(raisers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.query(Alarm).count() == 1
