"""What rules raise and clear, on both databases."""

import threading

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.alerts import evaluate
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.models import Alarm, Rule
from muster_platform.alerts.raising import Subject, raise_alarm
from muster_platform.alerts.rule_service import RuleDraft, RuleEdit, RuleService
from muster_platform.alerts.states import OPEN, Severity
from muster_platform.alerts.views import AlarmFilter
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.models import Device, Lease
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import Quarantined
from muster_platform.jobs.models import Execution, Job
from muster_platform.logs.fingerprint_models import Fingerprint, FingerprintDay
from muster_platform.logs.models import LogRecord
from muster_platform.paging import PageRequest
from muster_platform.parts.service import Beat, PartService
from muster_protocol.ids import uuid7
from tests.services.database import ADMIN

HOT = {"metric": "temp", "comparison": ">", "value": 80.0}


def alarms(platform, **wanted):
    """Give the open alarms as {subject: state}."""
    with platform.unit(ADMIN, write=False) as unit:
        chosen = AlarmFilter(states=OPEN, **wanted)
        found = AlarmQuery(unit).search(chosen, PageRequest(200)).items
        return {alarm.subject_id: str(alarm.state) for alarm in found}


def only(platform):
    """Give the one alarm there is, open or not."""
    with platform.unit(ADMIN, write=False) as unit:
        [alarm] = AlarmQuery(unit).search(AlarmFilter(hidden=True), PageRequest(9)).items
        return alarm


def act(platform, name, *args):
    """Do something to the one alarm there is."""
    alarm = only(platform)
    with platform.unit(ADMIN) as unit:
        return getattr(AlarmService(unit), name)(alarm.id, *args)


def test_a_value_beyond_the_limit_raises_and_clears_only_behind_the_hysteresis(platform, fleet):
    fleet.add("a", "b")
    fleet.rule("telemetry_threshold", params={**HOT, "hysteresis": 5.0})
    fleet.says("a", "temp", 81)
    fleet.says("b", "temp", 80)
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    fleet.says("a", "temp", 76)
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    fleet.says("a", "temp", 75)
    fleet.after(1)
    assert alarms(platform) == {"a": "CLEARED_UNACK"}
    fleet.says("a", "temp", 90)
    fleet.after(1)
    alarm = only(platform)
    assert (alarm.state, alarm.counter) == ("ACTIVE_UNACK", 2)
    assert alarm.evidence["values"] == [
        {"name": "temp", "value": 90, "at": platform.time.now_ms() - 1000}
    ]


def test_a_duration_counts_from_the_first_value_without_a_break(platform, fleet):
    fleet.add("a")
    fleet.rule("telemetry_threshold", params={**HOT, "duration_s": 60})
    fleet.says("a", "temp", 90)
    fleet.after(50)
    fleet.says("a", "temp", 70)
    fleet.after(1)
    fleet.says("a", "temp", 90)
    fleet.after(30)
    fleet.says("a", "temp", 91)
    assert alarms(platform) == {}
    fleet.after(29)
    assert alarms(platform) == {}
    fleet.after(2)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}


def test_a_duration_sees_a_break_that_no_evaluation_saw(platform, fleet):
    fleet.add("a")
    fleet.rule("telemetry_threshold", params={**HOT, "duration_s": 60})
    for number, wait in ((90, 40), (70, 1), (90, 1)):
        fleet.says("a", "temp", number)
        platform.time.advance(s=wait)
    fleet.says("a", "temp", 95)
    fleet.after(30)
    assert alarms(platform) == {}


def test_a_silent_value_raises_only_of_devices_that_are_online(platform, fleet):
    fleet.add("a", "b")
    fleet.rule("telemetry_absent", params={"metric": "temp", "for_s": 60})
    fleet.says("a", "temp", 1)
    fleet.says("b", "temp", 1)
    fleet.offline("b")
    fleet.after(61)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    fleet.says("a", "temp", 1)
    fleet.after(1)
    assert alarms(platform) == {"a": "CLEARED_UNACK"}


def test_a_device_is_offline_for_a_while_before_anybody_is_woken(platform, fleet):
    fleet.add("a")
    fleet.rule("device_offline", params={"for_s": 60})
    fleet.offline("a")
    fleet.after(59)
    assert alarms(platform) == {}
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    fleet.online("a")
    fleet.after(1)
    assert alarms(platform) == {"a": "CLEARED_UNACK"}


def test_while_nothing_listens_to_devices_none_is_called_offline(platform, fleet):
    fleet.add("a")
    fleet.rule("device_offline", params={"for_s": 0})
    with platform.unit(ADMIN) as unit:
        unit.session.add(Lease(name="ingest", owner="x", until=unit.now() - 1))
    fleet.offline("a")
    fleet.after(5)
    assert alarms(platform) == {}


def test_children_hide_behind_the_alarm_of_their_gateway_until_it_is_over(platform, fleet):
    fleet.add("gate", "child")
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Device, fleet.keys["child"]).gateway_id = fleet.keys["gate"]
    fleet.rule("device_offline", params={"for_s": 0})
    fleet.offline("child")
    fleet.after(1)
    assert alarms(platform) == {"child": "ACTIVE_UNACK"}
    fleet.offline("gate")
    fleet.after(1)
    assert alarms(platform) == {"gate": "ACTIVE_UNACK"}
    assert alarms(platform, hidden=True).keys() == {"gate", "child"}
    fleet.online("gate")
    fleet.after(1)
    assert alarms(platform) == {"gate": "CLEARED_UNACK", "child": "ACTIVE_UNACK"}


def test_a_lost_site_is_one_alarm_and_what_it_hid_closes_by_itself(platform, fleet):
    group_id, _ = fleet.group("Berlin")
    inside = [f"b{number}" for number in range(6)]
    fleet.add(*inside, group_id=group_id)
    fleet.add("far", "farther", "farthest", "f4", "f5", "f6", "f7")
    fleet.rule("device_offline", params={"for_s": 0, "site_share": 0.8, "site_least": 5})
    fleet.offline(*inside[:5], "far")
    fleet.after(1)
    assert alarms(platform) == {str(group_id): "ACTIVE_UNACK", "far": "ACTIVE_UNACK"}
    with platform.unit(ADMIN, write=False) as unit:
        [site] = AlarmQuery(unit).search(AlarmFilter(subject_kind="group"), PageRequest()).items
        assert AlarmQuery(unit).hidden_behind(site.id) == 5
        assert AlarmQuery(unit).open_by_severity()[Severity.WARNING] == 2
    fleet.online(*inside)
    fleet.after(1)
    assert alarms(platform, hidden=True) == {str(group_id): "CLEARED_UNACK", "far": "ACTIVE_UNACK"}


def test_words_in_a_window_raise_with_the_records_and_clear_when_they_stop(platform, fleet):
    fleet.add("a", "b")
    fleet.rule("log_match", params={"text": "lens lost", "count": 2, "window_s": 60})
    with platform.unit(ADMIN) as unit:
        for number, name in enumerate(("a", "a", "b")):
            unit.session.add(
                LogRecord(
                    id=f"r{number}",
                    device_key=fleet.keys[name],
                    ts=unit.now(),
                    received_at=unit.now(),
                    level=40,
                    logger="app",
                    message="the lens is LOST",
                )
            )
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK"}
    assert {r["id"] for r in only(platform).evidence["records"]} == {"r0", "r1"}
    fleet.after(60)
    assert alarms(platform) == {"a": "CLEARED_UNACK"}


def test_a_new_fault_raises_once_and_is_over_when_people_decided(platform, fleet):
    fleet.add("a")
    fleet.rule("new_fingerprint", params={"min_level": "ERROR"}, severity=Severity.CRITICAL)
    platform.time.advance(s=5)
    with platform.unit(ADMIN) as unit:
        now = unit.now()
        unit.session.add(
            Fingerprint(id="f" * 32, title="Boom", created_at=now, first_seen=now, last_seen=now)
        )
        unit.session.flush()
        unit.session.add(
            FingerprintDay(
                fingerprint="f" * 32,
                day=now // 86_400_000,
                device_key=fleet.keys["a"],
                version="",
                count=3,
                level=50,
                first_seen=now,
                last_seen=now,
                sample_id="x",
            )
        )
    fleet.after(1)
    fleet.after(1)
    alarm = only(platform)
    assert (alarm.state, alarm.severity, alarm.counter) == ("ACTIVE_UNACK", "critical", 1)
    assert alarm.title.endswith("Boom")
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Fingerprint, "f" * 32).state = "RESOLVED"
    fleet.after(1)
    assert only(platform).state == "CLEARED_UNACK"


def test_a_job_that_fails_on_too_many_devices_raises(platform, fleet):
    fleet.add("a", "b", "c")
    fleet.rule("execution_failures", params={"share": 0.5, "least": 2})
    states = {"a": "FAILED", "b": "TIMED_OUT", "c": "SUCCEEDED"}
    with platform.unit(ADMIN) as unit:
        job = Job(
            id=uuid7(),
            kind="command",
            title="reboot",
            document={},
            target={},
            group_path="1/",
            state="COMPLETED",
            author_kind="user",
            author_id="x",
            author_name="x",
            device_count=3,
            queue_s=1,
            delivery_s=1,
            timeout_s=1,
            step_timeout_s=1,
            created_at=unit.now(),
            ended_at=unit.now(),
        )
        unit.session.add(job)
        unit.session.flush()
        for name, state in states.items():
            unit.session.add(
                Execution(
                    id=uuid7(),
                    job_id=job.id,
                    device_key=fleet.keys[name],
                    state=state,
                    queued_at=unit.now(),
                    expires_at=unit.now(),
                )
            )
    fleet.after(1)
    alarm = only(platform)
    assert alarm.title == "reboot: 2 of 3 devices failed"
    fleet.after(86_400)
    assert only(platform).state == "CLEARED_UNACK"


def test_a_part_that_falls_silent_raises_and_clears_when_it_speaks(platform, fleet):
    fleet.rule("part_down", params={"part": "inge*", "for_s": 60})
    with platform.unit(ADMIN) as unit:
        PartService(unit).beat("host:1", None, [Beat(name="ingest"), Beat(name="live")])
    fleet.after(50)
    assert alarms(platform) == {}
    fleet.after(20)
    assert alarms(platform) == {"ingest": "ACTIVE_UNACK"}
    with platform.unit(ADMIN) as unit:
        PartService(unit).beat("host:1", None, [Beat(name="ingest")])
    fleet.after(1)
    assert alarms(platform) == {"ingest": "CLEARED_UNACK"}


def test_many_messages_not_taken_raise_by_device_and_for_unknown_senders(platform, fleet):
    fleet.add("a")
    fleet.rule("quarantine_grows", params={"count": 2, "window_s": 60})
    with platform.unit(ADMIN) as unit:
        for device_id, key in (("a", fleet.keys["a"]), ("ghost", None)) * 2:
            unit.session.add(
                Quarantined(
                    received_at=unit.now(),
                    topic="t",
                    device_id=device_id,
                    device_key=key,
                    payload=b"",
                    reason="syntax",
                    detail="",
                )
            )
    fleet.after(1)
    assert alarms(platform) == {"a": "ACTIVE_UNACK", "1": "ACTIVE_UNACK"}
    fleet.after(60)
    assert set(alarms(platform).values()) == {"CLEARED_UNACK"}


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
