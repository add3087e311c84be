"""The API as an integrator uses it, one story per resource."""

import csv
import io

import pytest

from tests.integration.web.conftest import BERLIN_OPERATOR, World, role_user
from tests.integration.web.samples import fresh


def make_devices(world: World, count: int) -> list[str]:
    world.ok("POST", "/profiles", json={"name": "sensor"})
    ids = [f"d-{number:03d}" for number in range(count)]
    for device_id in ids:
        body = {"device_id": device_id, "profile": "sensor", "group_id": world.berlin}
        world.ok("POST", "/devices", json=body)
    return ids


def test_a_user_is_made_bound_and_acts_within_the_group_alone(world: World) -> None:
    made = world.ok("POST", "/users", json={"email": "Eva@Example.org", "name": "Eva"})
    assert made["email"] == "eva@example.org"
    password = made["one_time_password"]
    binding = world.ok(
        "POST",
        f"/users/{made['id']}/bindings",
        json={"role": "viewer", "group_id": world.paris},
    )
    assert binding["group_name"] == "Paris"
    world.tokens["eva"] = world.sign_in("eva@example.org", password)
    assert world.tokens["eva"]["must_change_password"] is True
    assert world.refused(403, "GET", "/groups", "eva")["type"].endswith("password_change_required")
    own = "a horse of her own choice"
    world.ok("POST", "/me/password", "eva", json={"old": password, "new": own})
    world.tokens["eva"] = world.sign_in("eva@example.org", own)
    names = [group["name"] for group in world.ok("GET", "/groups", "eva")["items"]]
    assert names == ["Paris"]
    denied = world.refused(403, "POST", "/groups", "eva", json={"name": "X", "parent_id": 3})
    assert denied["permission"] == "groups:write"
    assert denied["group"] == "Paris"


def test_nobody_gives_what_they_lack(world: World) -> None:
    names = fresh(world)
    path = f"/users/{names['user_id']}/bindings"
    denied = world.refused(403, "POST", path, role_user("auditor"), json={"role": "viewer"})
    assert denied["permission"] == "users:write"


def test_devices_are_paged_sorted_filtered_and_counted(world: World) -> None:
    ids = make_devices(world, 7)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3, "sort": "device_id", "descending": "true"}
        query |= {"cursor": cursor} if cursor else {}
        page = world.ok("GET", "/devices", query_string=query)
        seen += [device["device_id"] for device in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    world.ok("POST", f"/devices/{ids[0]}/tags", json={"add": {"site": "hall"}})
    found = world.ok("GET", "/devices", query_string={"tag": "site=hall"})["items"]
    assert [device["device_id"] for device in found] == [ids[0]]
    found = world.ok("GET", "/devices", query_string={"presence": "ONLINE,UNKNOWN"})["items"]
    assert len(found) == 7
    counts = world.ok("GET", "/fleet/presence", query_string={"group": world.berlin})["counts"]
    assert counts["UNKNOWN"] == 7


def test_a_group_s_operator_sees_its_devices_alone(world: World) -> None:
    ids = make_devices(world, 2)
    world.ok("PATCH", f"/devices/{ids[1]}", json={"group_id": world.paris})
    found = world.ok("GET", "/devices", BERLIN_OPERATOR)["items"]
    assert [device["device_id"] for device in found] == [ids[0]]
    world.refused(404, "GET", f"/devices/{ids[1]}", BERLIN_OPERATOR)
    denied = world.refused(403, "DELETE", f"/devices/{ids[0]}", BERLIN_OPERATOR)
    assert denied["permission"] == "devices:delete"
    assert denied["group"] == "Berlin"


def test_an_export_holds_every_device_and_no_formula(world: World) -> None:
    ids = make_devices(world, 3)
    evil = '=HYPERLINK("http://x","y")'
    world.ok("PATCH", f"/devices/{ids[1]}", json={"display_name": evil})
    answer = world.call("GET", "/devices.csv", query_string={"sort": "device_id"})
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["device_id"] for row in rows] == ids
    assert rows[1]["display_name"] == f"'{evil}"


def test_a_deleted_device_is_gone_and_its_id_inherits_nothing(world: World) -> None:
    names = fresh(world)
    path = f"/devices/{names['device_id']}"
    key = world.ok("GET", path)["key"]
    world.ok("DELETE", path, query_string={"reason": "stolen"})
    world.refused(404, "GET", path)
    body = {"device_id": names["device_id"], "profile": "sensor"}
    again = world.ok("POST", "/devices", json=body)
    assert again["key"] != key
    assert world.ok("GET", f"{path}/executions")["items"] == []
    assert world.ok("GET", f"{path}/logs")["items"] == []
    (entry, *_) = world.ok("GET", "/audit", query_string={"action": "device.delete"})["items"]
    assert entry["reason"] == "stolen"
    assert entry["actor_name"] == role_user("administrator")


def test_an_audit_entry_names_the_request(world: World) -> None:
    headers = {"X-Request-ID": "ticket-17"}
    world.ok("POST", "/groups", json={"name": "Hall"}, headers=headers)
    (entry, *_) = world.ok("GET", "/audit", query_string={"action": "group.create"})["items"]
    assert entry["request_id"] == "ticket-17"


def test_settings_are_changed_only_by_who_read_them_last(world: World) -> None:
    (device_id,) = make_devices(world, 1)
    path = f"/devices/{device_id}/settings"
    answer = world.call("GET", path)
    assert answer.headers["ETag"].startswith('"0-')
    body = {"desired": {"interval_s": 30}}
    first = world.call("PUT", path, json=body, headers={"If-Match": answer.headers["ETag"]})
    assert first.status_code == 200
    assert first.headers["ETag"].startswith('"1-')
    stale = {"desired": {"interval_s": 60}}
    problem = world.refused(412, "PUT", path, json=stale, headers={"If-Match": '"0"'})
    assert problem["version"] == 1
    assert world.ok("GET", path)["desired"] == {"interval_s": 30}


def test_a_secret_is_shown_once_and_revoked(world: World) -> None:
    (device_id,) = make_devices(world, 1)
    path = f"/devices/{device_id}/credentials"
    secret = world.ok("POST", path, json={})["secret"]
    assert len(secret) >= 43
    (row,) = world.ok("GET", path)["items"]
    assert "secret" not in row
    world.ok("DELETE", f"{path}/{row['id']}")
    (row,) = world.ok("GET", path)["items"]
    assert row["revoked_at"] is not None
    assert world.ok("DELETE", path) == {"revoked": 0}


def test_a_command_is_planned_sent_explained_canceled_and_tried_again(world: World) -> None:
    ids = make_devices(world, 3)
    world.ok("POST", f"/devices/{ids[2]}/disable", json={})
    target = {"group": world.berlin}
    plan = world.ok("POST", "/commands/plan", json={"name": "reboot", "target": target})
    assert (plan["included_count"], plan["excluded_by_code"]) == (2, {"disabled": 1})
    body = {"name": "reboot", "target": target, "reason": "ticket 12", "title": "Nightly"}
    job = world.ok("POST", "/commands", json=body)
    assert (job["title"], job["device_count"], job["counts"]) == ("Nightly", 2, {"QUEUED": 2})
    executions = world.ok("GET", f"/jobs/{job['id']}/executions")["items"]
    assert {item["device_id"] for item in executions} == set(ids[:2])
    one = executions[0]["id"]
    why = world.ok("GET", f"/executions/{one}/why")
    assert why["code"]
    assert why["text"]
    canceled = world.ok("POST", f"/executions/{one}/cancel", json={"reason": "wrong one"})
    assert canceled["state"] == "CANCELED"
    again = world.ok("POST", f"/executions/{one}/retry", json={})
    assert (again["attempt"], again["state"]) == (2, "QUEUED")
    history = [event["to_state"] for event in world.ok("GET", f"/executions/{one}/events")["items"]]
    assert history[0] == "QUEUED"
    assert history[-1] == "CANCELED"
    ended = world.ok("POST", f"/jobs/{job['id']}/cancel", json={})
    assert ended["state"] == "CANCELED"
    world.refused(409, "POST", f"/jobs/{job['id']}/pause", json={})
    kinds = [line["kind"] for line in world.ok("GET", f"/devices/{ids[0]}/timeline")["items"]]
    assert "CANCELED" in kinds
    assert "enrolment" in kinds


def test_a_command_for_devices_out_of_reach_names_the_permission(world: World) -> None:
    ids = make_devices(world, 1)
    world.ok("PATCH", f"/devices/{ids[0]}", json={"group_id": world.paris})
    body = {"name": "reboot", "target": {"devices": ids}}
    world.refused(404, "POST", "/commands", BERLIN_OPERATOR, json=body)
    denied = world.refused(403, "POST", "/commands", role_user("viewer"), json=body)
    assert denied["permission"] == "commands:run"


def test_a_wrong_command_names_the_field(world: World) -> None:
    ids = make_devices(world, 1)
    bad: list[tuple[dict[str, object], str]] = [
        ({"name": "", "target": {"devices": ids}}, "$.name"),
        ({"name": "x", "target": {}}, "$.target"),
        ({"name": "x", "target": {"devices": []}}, "$.target.devices"),
        ({"name": "x", "target": {"devices": ids}, "args": []}, "$.args"),
        ({"name": "x", "target": {"devices": ids}, "limits": {"queue_s": 0}}, "$.limits.queue_s"),
        ({"name": "x", "target": {"devices": ids, "group": 1}}, "$.target"),
    ]
    for body, where in bad:
        assert world.refused(422, "POST", "/commands", json=body)["where"] == where


def test_telemetry_logs_and_quarantine_are_read(world: World) -> None:
    names = fresh(world)
    path = f"/devices/{names['device_id']}"
    (value,) = world.ok("GET", f"{path}/telemetry")["items"]
    assert (value["metric"], value["value"]) == ("temperature", 21.5)
    query = {"metric": "temperature", "limit": 10}
    history = world.ok("GET", f"{path}/telemetry/history", query_string=query)
    assert history["points"] == [[value["ts"], 21.5]]
    world.refused(404, "GET", f"{path}/telemetry/history", query_string={"metric": "humidity"})
    (record,) = world.ok("GET", "/logs", query_string={"text": "BROKE", "min_level": "ERROR"})[
        "items"
    ]
    assert (record["device_id"], record["level"]) == (names["device_id"], "ERROR")
    assert world.ok("GET", f"/logs/{record['id']}") == record
    (line,) = world.ok("GET", "/quarantine", query_string={"reason": "encoding"})["items"]
    assert line["size"] == 3
    assert world.ok("GET", f"/quarantine/{line['id']}")["payload_base64"] == "AP97"
    assert world.ok("GET", f"{path}/ledger") == {"channels": [], "boots": []}


def test_who_may_read_devices_but_no_logs_reads_none(world: World) -> None:
    names = fresh(world)
    for path in (f"/devices/{names['device_id']}/logs", "/logs", "/quarantine"):
        denied = world.refused(403, "GET", path, role_user("viewer"))
        assert denied["permission"] == "logs:read"


@pytest.mark.parametrize("path", ["/users", "/roles", "/audit"])
def test_what_has_no_group_needs_a_binding_everywhere(world: World, path: str) -> None:
    denied = world.refused(403, "GET", path, BERLIN_OPERATOR)
    assert denied["group"] == "everywhere"
