"""Dispatch against Mosquitto: what is due goes out, once, and nothing is lost on the way."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from muster_platform.devices.models import Outbound
from muster_platform.devices.outbound import publish
from muster_platform.devices.settings_service import SettingsService
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.hooks import JobHooks
from muster_platform.jobs.queue import claim_due
from muster_platform.stream.dispatch import DispatchRole
from muster_protocol.states import PresenceState
from tests.integration.jobs.conftest import Fleet
from tests.services import mosquitto as server
from tests.services.base import free_port
from tests.services.database import ADMIN, actor

LIMIT_S = 10.0


def eventually(check: Callable[[], object], what: str) -> None:
    """Wait until it holds; the limit only ends a test that has failed."""
    until = time.monotonic() + LIMIT_S
    while not check():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.01)


def is_sent(fleet: Fleet, job_id: str) -> bool:
    return fleet.only(job_id).state == "SENT"


class Ear:
    """Hears everything that goes down to devices."""

    def __init__(self, port: int, client_id: str) -> None:
        self.heard: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id)
        ready = threading.Event()
        self._client.on_connect = lambda c, *_: c.subscribe("muster/1/+/down/#", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        # What the broker kept of other tests comes marked as retained; what is new does not.
        self._client.on_message = lambda _c, _u, m: (
            None if m.retain else self.heard.put((m.topic, m.payload, m.retain))
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(LIMIT_S)

    def next(self) -> tuple[str, dict]:
        topic, payload, _ = self.heard.get(timeout=LIMIT_S)
        return topic, json.loads(payload)

    def silent(self, for_s: float = 0.3) -> bool:
        try:
            self.heard.get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Running:
    """Dispatch in a thread, as `muster run dispatch` has it."""

    def __init__(self, fleet: Fleet) -> None:
        self.role = DispatchRole(fleet.platform)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.role.run, args=(self._stop,))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A Mosquitto of its own: what other tests left retained would be heard here."""
    with server.running() as own:
        yield own.port


@pytest.fixture
def ear(port: int, request: pytest.FixtureRequest) -> Iterator[Ear]:
    made = Ear(port, f"_ear-{abs(hash(request.node.nodeid))}")
    yield made
    made.close()


@pytest.fixture
def start(fleet: Fleet, port: int) -> Iterator[Callable[[], Running]]:
    fleet.platform.configure(
        broker_host="127.0.0.1", broker_port=port, dispatch_poll_s=0.05, dispatch_lease_s=30
    )
    running: list[Running] = []

    def begin() -> Running:
        running.append(Running(fleet))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


def test_a_due_execution_is_published_and_marked_sent(fleet, start, ear):
    start()
    one = fleet.only(fleet.send("pump-1"))
    topic, message = ear.next()
    assert topic == "muster/1/pump-1/down/commands"
    assert message == {
        "action": "run",
        "execution": one.id,
        "name": "reboot",
        "args": {"after_s": 3},
        "issued_at": one.queued_at,
        "expires_at": one.expires_at,
        "timeout_s": 600,
    }
    eventually(lambda: fleet.only(one.job_id).state == "SENT", "SENT")
    sent = fleet.only(one.job_id)
    assert sent.handed_at == sent.sent_at == one.queued_at
    assert sent.due_at == one.queued_at + 60_000
    assert (sent.lease_owner, sent.blocked_by) == (None, "not_delivered")


def test_an_offline_device_gets_it_after_its_hello(fleet, start, ear):
    fleet.presence("pump-1", PresenceState.OFFLINE)
    start()
    one = fleet.only(fleet.send("pump-1"))
    assert ear.silent()
    assert fleet.only(one.job_id).handed_at is None
    fleet.presence("pump-1", PresenceState.ONLINE)
    with fleet.platform.unit(ADMIN) as unit:
        JobHooks().on_hello(unit, fleet.key("pump-1"), [])
    assert ear.next()[1]["execution"] == one.id


def test_a_device_that_went_away_meanwhile_is_parked_with_the_reason(fleet, start, ear):
    one = fleet.only(fleet.send("pump-1"))
    fleet.presence("pump-1", PresenceState.OFFLINE)
    start()
    eventually(lambda: fleet.only(one.job_id).due_at is None, "parked")
    parked = fleet.only(one.job_id)
    assert (parked.handed_at, parked.blocked_by) == (None, "device_offline")
    assert ear.silent()


def test_it_is_sent_again_while_nothing_is_confirmed_and_only_then(fleet, start, ear):
    start()
    one = fleet.only(fleet.send("pump-1"))
    ear.next()
    eventually(lambda: fleet.only(one.job_id).state == "SENT", "SENT")
    fleet.platform.time.advance(s=59)
    assert ear.silent()
    fleet.platform.time.advance(s=1)
    assert ear.next()[1]["execution"] == one.id
    eventually(lambda: fleet.only(one.job_id).lease_owner is None, "marked")
    assert fleet.only(one.job_id).sent_at == one.queued_at
    fleet.report("pump-1", one.id, "DELIVERED")
    fleet.platform.time.advance(s=61)
    assert ear.silent()


def test_a_plain_device_is_sent_to_once_whatever_its_presence(fleet, start, ear):
    fleet.add("sensor-1", plain=True)
    start()
    one = fleet.only(fleet.send("sensor-1"))
    ear.next()
    eventually(lambda: fleet.only(one.job_id).state == "SENT", "SENT")
    assert fleet.only(one.job_id).due_at is None
    fleet.platform.time.advance(s=600)
    assert ear.silent()


def test_a_cancel_goes_out_until_it_is_confirmed(fleet, start, ear):
    start()
    one = fleet.only(fleet.send("pump-1"))
    ear.next()
    eventually(lambda: fleet.only(one.job_id).state == "SENT", "SENT")
    with fleet.platform.unit(ADMIN) as unit:
        ExecutionService(unit).cancel(one.id)
    assert ear.next()[1] == {"action": "cancel", "execution": one.id}
    eventually(lambda: fleet.only(one.job_id).lease_owner is None, "marked")
    fleet.report("pump-1", one.id, "DELIVERED")
    fleet.platform.time.advance(s=61)
    assert ear.next()[1]["action"] == "cancel"
    fleet.report("pump-1", one.id, "CANCELED")
    fleet.platform.time.advance(s=61)
    assert ear.silent()


def test_a_child_hears_through_its_gateway(fleet, start, ear):
    fleet.change("pump-2", gateway_id=fleet.key("pump-1"))
    start()
    fleet.send("pump-2")
    assert ear.next()[0] == "muster/1/pump-1/down/commands/pump-2"


def test_a_lease_that_ran_out_is_claimed_again(fleet, start, ear):
    one = fleet.only(fleet.send("pump-1"))
    with fleet.platform.unit(ADMIN) as unit:
        assert len(claim_due(unit, "one that was killed", 10)) == 1
        assert claim_due(unit, "another", 10) == []
    start()
    assert ear.silent()
    fleet.platform.time.advance(s=31)
    assert ear.next()[1]["execution"] == one.id
    eventually(lambda: fleet.only(one.job_id).state == "SENT", "SENT")


def test_two_processes_publish_each_execution_once(fleet, start, ear):
    for number in range(60):
        fleet.add(f"many-{number}")
    first, second = start(), start()
    eventually(lambda: first.role.health() != second.role.health(), "two accounts")
    job_id = fleet.send(target={"group": 1})
    heard = [ear.next()[1]["execution"] for _ in range(63)]
    assert len(set(heard)) == 63
    eventually(lambda: {e.state for e in fleet.executions(job_id)} == {"SENT"}, "all SENT")
    assert ear.silent()


def test_what_the_author_may_no_longer_do_is_not_sent(fleet, start, ear):
    person = actor("operator", fleet.north, "00000000-0000-7000-8000-000000000000")
    job_id = fleet.send("pump-1", actor=person)  # there is no such user (any more)
    start()
    eventually(lambda: fleet.job(job_id).state == "PAUSED", "PAUSED")
    assert ear.silent()
    assert fleet.only(job_id).handed_at is None


def left(fleet) -> int:
    with fleet.platform.unit(ADMIN, write=False) as unit:
        return unit.session.scalar(select(func.count()).select_from(Outbound)) or 0


def test_messages_go_out_in_order_and_are_forgotten(fleet, start, ear):
    topic = "muster/1/order-1/down/settings"
    with fleet.platform.unit(ADMIN) as unit:
        for version in range(1, 31):
            publish(unit, topic, json.dumps({"version": version}).encode())
    start()
    assert [ear.next()[1]["version"] for _ in range(30)] == list(range(1, 31))
    eventually(lambda: left(fleet) == 0, "deleted")
    with fleet.platform.unit(ADMIN) as unit:
        publish(unit, topic, b"", retain=True)
    assert ear.heard.get(timeout=LIMIT_S)[1] == b""


def test_of_what_the_broker_keeps_only_the_newest_is_published(fleet, start, ear):
    with fleet.platform.unit(ADMIN) as unit:
        for fps in range(1, 6):
            SettingsService(unit).set_desired("pump-1", {"fps": fps})
    start()
    assert ear.next()[1] == {"version": 5, "desired": {"fps": 5}}
    eventually(lambda: left(fleet) == 0, "deleted")
    assert ear.silent()


def test_what_a_stalled_process_published_too_late_is_followed_by_the_newest(fleet, start, ear):
    topic = "muster/1/pump-1/down/settings"
    with fleet.platform.unit(ADMIN) as unit:
        SettingsService(unit).set_desired("pump-1", {"fps": 1})
        SettingsService(unit).set_desired("pump-1", {"fps": 2})
        newest = unit.session.scalars(select(Outbound).order_by(Outbound.id.desc())).first()
        unit.session.delete(newest)  # another process has published it meanwhile
    start()
    assert ear.next() == (topic, {"version": 1, "desired": {"fps": 1}})
    assert ear.next() == (topic, {"version": 2, "desired": {"fps": 2}})
    eventually(lambda: left(fleet) == 0, "deleted")
    assert ear.silent()


def test_settings_published_too_late_for_a_deleted_device_are_cleared(fleet, start, ear):
    with fleet.platform.unit(ADMIN) as unit:
        publish(unit, "muster/1/gone-1/down/settings", b'{"version":3,"desired":{}}', retain=True)
    start()
    assert ear.next()[1]["version"] == 3
    assert ear.heard.get(timeout=LIMIT_S)[1] == b""


def test_a_broker_that_is_away_loses_nothing(fleet, start):
    port = free_port()
    fleet.platform.configure(broker_port=port)
    running = start()
    one = fleet.only(fleet.send("pump-1"))
    eventually(lambda: "away" in running.role.health(), "it says so")
    assert fleet.only(one.job_id).handed_at is None
    for _ in range(2):  # comes, goes, comes again
        with server.running(port=port) as broker:
            ear = Ear(broker.port, "_ear")
            eventually(lambda: running.role.health().startswith("ok"), "connected")
            eventually(partial(is_sent, fleet, fleet.send("pump-2")), "SENT")
            ear.close()
    assert fleet.only(one.job_id).state == "SENT"
