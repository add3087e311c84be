"""What rules raise and clear, on both databases."""

import pytest

from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.models import Rule
from muster_platform.alerts.states import Severity
from muster_platform.alerts.views import AlarmFilter
from muster_platform.devices.models import Device, Lease
from muster_platform.devices.stream_models import Quarantined
from muster_platform.jobs.models import Execution, Job
from muster_platform.logs.fingerprint_models import Fingerprint, FingerprintDay
from muster_platform.logs.models import LogRecord
from muster_platform.paging import PageRequest
from muster_platform.parts.service import Beat, PartService
from muster_protocol.ids import uuid7
from tests.integration.alerts.seen import HOT, alarms, only
from tests.services.database import ADMIN


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


@pytest.mark.parametrize(("level", "rule"), [(50, "new_error"), (60, "new_fatal")])
def test_a_new_fault_is_one_alarm_of_the_rules_that_are_built_in(platform, fleet, level, rule):
    fleet.add("a")
    with platform.unit(ADMIN) as unit:
        unit.session.query(Rule).update({"enabled": True, "created_at": unit.now()})
        now = unit.now()
        unit.session.add(
            Fingerprint(id="f" * 32, title="Boom", created_at=now, first_seen=now, last_seen=now)
        )
        unit.session.flush()
        seen = {"device_key": fleet.keys["a"], "first_seen": now, "last_seen": now}
        unit.session.add(
            FingerprintDay(
                **seen, fingerprint="f" * 32, day=1, version="", count=3, level=level, sample_id="x"
            )
        )
    fleet.after(1)
    raised = only(platform)
    with platform.unit(ADMIN) as unit:
        assert unit.session.get_one(Rule, raised.rule_id).builtin == rule


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
