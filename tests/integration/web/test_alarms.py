"""Alarms and rules, through the API and the site."""

from collections.abc import Callable

import pytest

from muster_platform.alerts.kinds.table import KINDS
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.rule_service import RuleService
from muster_platform.paging import PageRequest
from muster_platform.web.api import rules
from tests.integration.web.alarm_samples import PARAMS
from tests.integration.web.conftest import World, role_user
from tests.integration.web.samples import fresh
from tests.services.database import ADMIN

HOT = {"name": "Hot", "kind": "telemetry_threshold", "params": PARAMS}


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_url: str) -> World:
    return make_world(sqlite_url)


def test_every_kind_of_rule_can_be_named_in_the_api(world: World) -> None:
    assert list(rules.KindName.__args__) == list(KINDS)
    listed = world.ok("GET", "/rules/kinds")["items"]
    assert [kind["name"] for kind in listed] == list(KINDS)
    assert all(kind["params"] for kind in listed)


def test_an_alarm_is_acknowledged_assigned_and_resolved_and_tells_who_did(world: World) -> None:
    alarm = fresh(world)["alarm_id"]
    path = f"/alarms/{alarm}"
    assert world.ok("GET", path)["state"] == "ACTIVE_UNACK"
    taken = world.ok("POST", f"{path}/acknowledge", json={"comment": "on it"})
    assert taken["state"] == "ACTIVE_ACK"
    world.refused(409, "POST", f"{path}/acknowledge", json={})
    world.ok("POST", f"{path}/comments", json={"text": "looking"})
    closed = world.ok("POST", f"{path}/resolve", json={"reason": "repaired"})
    assert (closed["state"], closed["resolved_reason"]) == ("CLEARED_ACK", "repaired")
    events = world.ok("GET", f"{path}/events")["items"]
    assert [event["change"] for event in events] == [
        *("resolved", "commented", "acknowledged", "raised")
    ]
    assert len({event["actor_name"] for event in events[:3]}) == 1


def test_counts_and_lists_leave_out_what_is_closed(world: World) -> None:
    alarm = fresh(world)["alarm_id"]
    assert world.ok("GET", "/alarms/counts")["warning"] == 2
    world.ok("POST", f"/alarms/{alarm}/resolve", json={"reason": "x"})
    assert world.ok("GET", "/alarms/counts")["warning"] == 1
    closed = world.ok("GET", "/alarms?state=CLEARED_ACK")["items"]
    assert [one["id"] for one in closed] == [alarm]


def test_a_rule_on_logs_wants_the_right_to_read_logs_on_its_group(world: World) -> None:
    body = {"name": "x", "kind": "log_match", "params": {"text": "lost"}}
    world.refused(403, "POST", "/rules", role_user("viewer"), json=body)
    with world.platform.unit(ADMIN) as unit:
        found = RuleService(unit).search(PageRequest(50), "log_match")
    assert found.items == []
    assert world.ok("POST", "/rules", role_user("operator"), json=body)["kind"] == "log_match"


def test_a_built_in_rule_can_be_switched_off_and_not_deleted(world: World) -> None:
    [rule] = world.ok("GET", "/rules?kind=device_offline")["items"]
    assert rule["builtin"] == "device_offline"
    world.refused(409, "DELETE", f"/rules/{rule['id']}")
    off = world.ok("PATCH", f"/rules/{rule['id']}", json={"enabled": False})
    assert off["enabled"] is False


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"params": {**PARAMS, "comparison": "~"}}, "params.comparison"),
        ({"params": {**PARAMS, "hysteresis": -1}}, "params.hysteresis"),
        ({"device_filter": {"colour": "red"}}, "device_filter"),
        ({"kind": "part_down", "params": {}, "device_filter": {"profile": "a"}}, "device_filter"),
        ({"name": "   "}, "name"),
        ({"labels": {"": "x"}}, "labels"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_field(world: World, change, where) -> None:
    refused = world.refused(422, "POST", "/rules/preview", json={**HOT, **change})
    assert refused["where"] == f"$.{where}"


def test_the_log_records_of_an_alarm_are_for_those_who_may_read_logs(world: World) -> None:
    path = f"/alarms/{fresh(world)['alarm_id']}"
    record = {"id": "r", "ts": 1, "level": "ERROR", "message": "password is swordfish"}
    with world.platform.unit(ADMIN) as unit:
        alarm = unit.session.get_one(Alarm, path.rpartition("/")[2])
        alarm.evidence = {"values": [{"name": "records", "value": 1}], "records": [record]}
    assert world.ok("GET", path, role_user("on_call"))["evidence"]["records"] == [record]
    shown = world.ok("GET", path, role_user("viewer"))["evidence"]
    assert shown == {"values": [{"name": "records", "value": 1}]}
    assert "swordfish" not in str(world.ok("GET", "/alarms", role_user("viewer")))
