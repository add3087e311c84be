"""The mission, told once from end to end, with everything real: Kafka, Elasticsearch, SMTP."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.conftest import PASSWORD, choose_password
from tests.e2e.mission.story import (
    HTTP,
    Mailbox,
    Person,
    archive,
    eventually,
    gateway,
    mail_server,
    phone,
)
from tests.services import elasticsearch, kafka
from tests.services.base import HOST, free_port
from tests.services.elasticsearch import Elasticsearch
from tests.services.kafka import Kafka
from tests.services.muster import MusterProcess

START_LIMIT_S = 180.0
ADMIN = "admin@muster.local"


@dataclass
class Site:
    """A running installation and what stands around it."""

    web_url: str
    box: Mailbox
    kafka: Kafka
    elastic: Elasticsearch
    people: dict[str, Person]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Start everything, as `make demo-full` does, and let one person of each role sign in."""
    with (
        kafka.running() as broker,
        elasticsearch.running() as elastic,
        mail_server() as (box, smtp_port),
    ):
        env = {f"MUSTER_{name}_PORT": str(free_port()) for name in ("LIVE", "BROKER", "BROKER_WS")}
        web_port = free_port()
        env |= {
            "MUSTER_WEB_PORT": str(web_port),
            "MUSTER_STATE_DIR": str(tmp_path / "state"),
            "MUSTER_KAFKA_BROKERS": broker.address,
            "MUSTER_KAFKA_PARTITIONS": "2",
            "MUSTER_ELASTICSEARCH_URLS": elastic.url,
            "MUSTER_ELASTICSEARCH_REPLICAS": "0",
            "MUSTER_LOG_STORE": "elasticsearch",
            "MUSTER_SMTP_HOST": HOST,
            "MUSTER_SMTP_PORT": str(smtp_port),
            "MUSTER_SMTP_SECURITY": "none",
            "MUSTER_SWEEP_EVERY_S": "1",
        }
        for command in (("kafka", "setup"), ("elastic", "setup")):
            done = MusterProcess(command, tmp_path / f"{command[0]}.log", env)
            eventually(lambda done=done: not done.running(), "set up")
            done.reap()
        up = MusterProcess(("up",), tmp_path / "up.log", env)
        try:
            up.wait_for("Muster is up", START_LIMIT_S)
            printed = up.wait_for(r"password\s+(\S+)").group(1)
            web_url = f"http://{HOST}:{web_port}"
            choose_password(web_url, ADMIN, printed)
            people = {"administrator": Person(web_url, ADMIN, PASSWORD)}
            for role in ("operator", "release_manager", "analyst", "on_call"):
                people[role] = _person(people["administrator"], role)
            yield Site(web_url, box, broker, elastic, people)
            assert up.terminate(60) == 0
        finally:
            up.reap()


def _person(admin: Person, role: str) -> Person:
    email = f"{role}@example.org"
    made = admin.ask("POST", "/users", email=email, name=role, password=PASSWORD)
    admin.ask("POST", f"/users/{made['id']}/bindings", role=role)
    return Person(admin.web_url, email, PASSWORD)


def test_the_mission(site: Site, tmp_path: Path) -> None:
    admin, operator = site.people["administrator"], site.people["operator"]
    tokens = {}
    for profile, contact in (("gateway", "always"), ("phone", "periodic")):
        admin.ask("POST", "/profiles", name=profile, title=profile, contact=contact)
        made = admin.ask(
            "POST", "/enrolment-tokens", name=profile, profile=profile, group_id=1, mode="allow_new"
        )
        tokens[profile] = made["token"]
    _put_on_call(admin, site.people["on_call"])
    with (
        gateway(tmp_path / "gw", site.web_url, tokens["gateway"]),
        phone(tmp_path / "phone", site.web_url, tokens["phone"]),
    ):
        for device in ("gw-1", "phone-1"):
            _says(operator, device, "", lambda one: one["presence"]["state"] == "ONLINE")
        _says(operator, "gw-1", "/telemetry", lambda latest: latest["items"])
        assert _command(operator, "open_valve") == "SUCCEEDED"
        assert _command(operator, "crash") == "SUCCEEDED"
        _analyst_finds_the_crash(site.people["analyst"])
        _on_call_is_told_and_acknowledges(site)
        _an_update_reaches_both_and_is_proved(site)
        _it_stands_in_kafka_and_elasticsearch(site)
    _each_role_sees_its_own_and_is_refused_the_rest(site)


def _put_on_call(admin: Person, person: Person) -> None:
    users = admin.ask("GET", "/users")["items"]
    [user] = [one for one in users if one["email"] == person.email]
    admin.ask("PUT", "/on-call/1", entries=[{"user_id": user["id"]}])


def _says(who: Person, device: str, what: str, holds: Any) -> Any:
    def look() -> Any:
        status, found = who.call("GET", f"/devices/{device}{what}")
        return found if status == 200 and holds(found) else None

    return eventually(look, f"{device}{what} as expected")


def _command(who: Person, name: str) -> str:
    job = who.ask("POST", "/devices/gw-1/commands", name=name)

    def ended() -> str:
        [one] = who.ask("GET", f"/jobs/{job['id']}/executions")["items"]
        return str(one["state"]) if one["ended_at"] else ""

    return str(eventually(ended, f"the end of {name}"))


def _analyst_finds_the_crash(analyst: Person) -> None:
    def found() -> Any:
        # An index that was made this moment answers 503 until its shards are ready.
        status, answer = analyst.call("GET", "/logs?text=pump%20stopped&level=ERROR")
        return answer["items"] if status == 200 else None

    [record] = eventually(found, "the crash in Elasticsearch, by the search of the site")
    assert record["exception_message"] == "valve 7 is stuck"
    faults = analyst.ask("GET", "/fingerprints")["items"]
    assert any("RuntimeError" in one["title"] for one in faults)


def _on_call_is_told_and_acknowledges(site: Site) -> None:
    on_call = site.people["on_call"]
    mail = eventually(lambda: site.box.to(on_call.email, "RuntimeError"), "the alarm's mail")
    text = mail.get_body(("plain",)).get_content()
    link = re.search(r"http\S+/admin/alarm-link/\S+", text)
    assert link is not None, text
    [alarm] = [
        one for one in on_call.ask("GET", "/alarms")["items"] if "RuntimeError" in one["title"]
    ]
    assert HTTP.request("GET", link[0]).status == 200
    seen = on_call.ask("GET", f"/alarms/{alarm['id']}")
    assert seen["state"] == "ACTIVE_UNACK", "looking changes nothing"
    assert HTTP.request("POST", link[0]).status == 200
    seen = on_call.ask("GET", f"/alarms/{alarm['id']}")
    assert seen["state"] == "ACTIVE_ACK"
    assert seen["acknowledged_by"] == on_call.email


def _an_update_reaches_both_and_is_proved(site: Site) -> None:
    manager, content = site.people["release_manager"], archive("two")
    release = manager.ask(
        "POST",
        "/releases",
        name="Pump",
        version="2.0.0",
        components={"app": "2.0.0"},
        profiles=["gateway", "phone"],
        notes="**Valve 7** no longer sticks.",
        title="Pump 2.0.0",
        body="Valve 7 no longer sticks.",
        data={"feature": "valve"},
    )
    path = f"/releases/{release['id']}"
    upload = manager.ask(
        "POST",
        f"{path}/uploads",
        name="app.tar.gz",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        profile="gateway",
    )
    half = len(content) // 2
    for offset, piece in ((0, content[:half]), (half, content[half:])):
        status, answer = manager.call(
            "PATCH", f"{path}/uploads/{upload['id']}?offset={offset}", piece
        )
        assert status == 200, answer
    manager.ask("POST", f"{path}/publish")
    wanted = {"release_id": release["id"], "target": {"group": 1}}
    plan = manager.ask("POST", "/rollouts/plan", **wanted)
    assert plan["included_count"] == 2, plan
    rollout = manager.ask("POST", "/rollouts", **wanted, digest=plan["digest"])
    done = eventually(
        lambda: _completed(manager, rollout["id"]), "the rollout's end: installed and notified"
    )
    assert done["job"]["counts"] == {"SUCCEEDED": 2}
    modes = {one["device_id"]: one["mode"] for one in plan["included"]}
    assert modes == {"gw-1": "install", "phone-1": "notify"}
    for device in modes:
        found = _says(manager, device, "/inventory", lambda inventory: inventory["items"])
        versions = {item["component"]: item["version"] for item in found["items"]}
        assert versions["app"] == "2.0.0"


def _completed(manager: Person, rollout_id: str) -> Any:
    found = manager.ask("GET", f"/rollouts/{rollout_id}")
    assert found["job"]["state"] != "PAUSED", found
    return found if found["job"]["state"] == "COMPLETED" else None


def _it_stands_in_kafka_and_elasticsearch(site: Site) -> None:
    raw = [one for one in site.kafka.read_all("muster.logs") if one[1] == b"gw-1"]
    texts = [record["message"] for one in raw for record in msgspec.json.decode(one[2])["records"]]
    assert "valve opened on request" in texts
    assert "pump stopped" in texts
    assert {one[3]["channel"] for one in raw} == {b"logs"}
    telemetry = [one for one in site.kafka.read_all("muster.telemetry") if one[1] == b"gw-1"]
    seqs = [int(one[3]["seq"]) for one in telemetry]
    assert sorted(set(seqs)) == list(range(min(seqs), max(seqs) + 1)), "no gap in what it sent"
    query = {"query": {"match_phrase": {"message": "pump stopped"}}}

    def hits() -> Any:
        return site.elastic.call("POST", "/muster-logs-*/_search", query)["hits"]["hits"]

    [hit] = eventually(hits, "the record in Elasticsearch")
    assert hit["_source"]["device"]["id"] == "gw-1"


def _each_role_sees_its_own_and_is_refused_the_rest(site: Site) -> None:
    operator, manager = site.people["operator"], site.people["release_manager"]
    analyst, on_call = site.people["analyst"], site.people["on_call"]
    for who, path in (
        (operator, "/jobs"),
        (manager, "/rollouts"),
        (manager, "/adoption"),
        (analyst, "/fingerprints"),
        (on_call, "/alarms"),
    ):
        assert who.ask("GET", path)["items"]
    release = manager.ask("GET", "/releases")["items"][0]["id"]
    assert operator.refused("POST", f"/releases/{release}/revoke", reason="x") == "releases:publish"
    assert manager.refused("POST", "/devices/gw-1/commands", name="crash") == "commands:run"
    assert analyst.refused("GET", "/users") == "users:read"
    assert on_call.refused("GET", "/tasks") == "tasks:read"
    assert site.people["administrator"].ask("GET", "/schedules")
