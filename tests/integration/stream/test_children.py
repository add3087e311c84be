"""A child end to end: what its gateway says is stored as the child's; what is for it goes there."""

import json

import pytest
from sqlalchemy import select

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.jobs.models import Execution
from muster_platform.jobs.queue import claim_due
from muster_platform.jobs.service import JobService
from muster_platform.stream.wiring import appliers
from tests.integration.stream.helpers import ACTOR, Store
from tests.services.database import ADMIN

BOOT = "01890000-0000-7000-8000-000000000001"


@pytest.fixture
def world(store: Store) -> Store:
    """The store with the domains behind it; gw speaks for kid."""
    store.sink._appliers = appliers()
    return store


def _say(store, topic, seq=None, **fields):
    numbered = {} if seq is None else {"boot": BOOT, "seq": seq}
    store.write(store.message("gw", topic, json.dumps({**numbered, **fields})))


def _hello(store, topic, session, seq=1):
    _say(
        store,
        topic,
        seq,
        session=session,
        install_id="i",
        agent={"name": "gw", "version": "1"},
        profile="p",
        capabilities=["ping"],
    )


def _presence(store, device_id):
    with store.platform.unit(ADMIN, write=False) as unit:
        presence = DeviceService(unit).get(device_id).presence
        return presence.state, presence.reason


def test_all_that_a_gateway_says_for_a_child_is_the_child_s(world):
    _hello(world, "hello/kid", 10)
    _say(world, "presence/kid", session=10, online=True, reason="connected")
    _say(world, "telemetry/kid", 1, points=[{"ts": 1, "values": {"v": 7}}])
    _say(world, "logs/kid", 1, records=[{"ts": 1, "level": "WARN", "logger": "l", "message": "m"}])
    _say(world, "inventory/kid", 1, inventory=[{"component": "fw", "version": "2"}])
    kid = world.key("kid")
    for table in ("telemetry", "log_records", "inventory_items"):
        assert world.rows(f"SELECT device_key FROM {table}") == [(kid,)], table
    assert world.rows("SELECT DISTINCT device_key FROM ledger") == [(kid,)]
    assert _presence(world, "kid") == ("ONLINE", "connected")
    assert _presence(world, "gw")[0] == "UNKNOWN"
    told = [topic for topic, _ in world.published.sent]
    assert "muster/1/gw/down/hello/kid" in told
    assert "muster/1/gw/down/ledger/kid" in told
    assert world.rows("SELECT * FROM quarantine") == []


def test_a_gateway_that_is_lost_makes_its_children_suspect_until_they_are_heard(world):
    _hello(world, "hello", 10)
    _hello(world, "hello/kid", 10)
    assert (_presence(world, "gw")[0], _presence(world, "kid")[0]) == ("ONLINE", "ONLINE")
    _say(world, "presence", session=10, online=False, reason="lost")
    assert _presence(world, "gw") == ("OFFLINE", "lost")
    assert _presence(world, "kid") == ("SUSPECT", "gateway")
    _say(world, "telemetry/kid", 1, points=[{"ts": 1, "values": {"v": 7}}])
    assert _presence(world, "kid")[0] == "ONLINE"


def _command(world):
    with world.platform.unit(ADMIN) as unit:
        JobService(unit).create_command("ping", target={"devices": ["kid"]})
    with world.platform.unit(ACTOR) as unit:
        return [parcel.topic for parcel in claim_due(unit, "me", 10)]


def test_a_command_waits_for_the_child_and_goes_through_its_gateway(world):
    _hello(world, "hello", 10)
    _hello(world, "hello/kid", 10)
    _say(world, "presence/kid", session=10, online=False, reason="disconnected")
    assert _command(world) == []
    with world.platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(select(Execution.blocked_by)) == "device_offline"
    _say(world, "presence/kid", session=11, online=True, reason="connected")
    with world.platform.unit(ACTOR) as unit:
        assert [p.topic for p in claim_due(unit, "me", 10)] == ["muster/1/gw/down/commands/kid"]
    with world.platform.unit(ADMIN, write=False) as unit:
        execution = unit.session.scalar(select(Execution.id))
    _say(world, "commands/kid", 1, execution=execution, state="SUCCEEDED", ts=1)
    assert world.rows("SELECT state FROM executions") == [("SUCCEEDED",)]


def test_after_a_move_the_old_gateway_is_a_stranger(world):
    _hello(world, "hello/kid", 10)
    with world.platform.unit(ADMIN) as unit:
        GatewayService(unit).attach("kid", "a", hooks=DEVICE_HOOKS)
    assert _presence(world, "kid") == ("SUSPECT", "gateway")
    _say(world, "telemetry/kid", 1, points=[{"ts": 1, "values": {"v": 7}}])
    assert [row[0] for row in world.rows("SELECT reason FROM quarantine")] == ["foreign_child"]
    topic = "telemetry/kid"
    message = json.dumps({"boot": BOOT, "seq": 1, "points": [{"ts": 1, "values": {"v": 8}}]})
    world.write(world.message("a", topic, message))
    assert world.rows("SELECT num FROM telemetry") == [(8.0,)]
    assert _command(world) == ["muster/1/a/down/commands/kid"]


def test_a_child_s_report_counts_for_its_own_executions_only(world):
    _hello(world, "hello/kid", 10)
    _command(world)
    with world.platform.unit(ADMIN, write=False) as unit:
        execution = unit.session.scalar(select(Execution.id))
        assert unit.session.scalar(select(Device.id).where(Device.device_id == "gw"))
    _say(world, "commands", 1, execution=execution, state="SUCCEEDED", ts=1)
    assert world.rows("SELECT state FROM executions") != [("SUCCEEDED",)]
    assert [row[0] for row in world.rows("SELECT reason FROM quarantine")] == ["foreign_execution"]
