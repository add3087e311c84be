"""Hello, presence, silence: applied to rows, and told to others."""

import pytest
from sqlalchemy import select

from muster_platform.devices.hooks import NoHooks
from muster_platform.devices.ingest import registry
from muster_platform.devices.models import DeviceEvent, InventoryItem, Lease
from muster_platform.devices.presence import PresenceService
from muster_platform.devices.service import DeviceService
from muster_platform.outbox import Live
from muster_platform.stream.lease import RoleLease
from muster_protocol.messages import (
    AgentVersion,
    Component,
    Event,
    Hello,
    InventoryReport,
    Presence,
    SettingsReport,
)
from muster_protocol.states import PresenceReason
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN

EXPECT_S = 60


class Calls(NoHooks):
    """Writes down what it is called for."""

    def __init__(self):
        self.seen = []

    def on_hello(self, unit, device_key, running):
        self.seen.append(("hello", device_key, list(running)))

    def on_reachable(self, unit, device_key):
        self.seen.append(("reachable", device_key))

    def on_unreachable(self, unit, device_key):
        self.seen.append(("unreachable", device_key))


@pytest.fixture
def hooks():
    return Calls()


@pytest.fixture
def say(platform, fleet, hooks):
    """Give a function that applies one message of a device as ingest would."""

    def do(device_id, kind, *arguments, **more):
        with platform.unit(ADMIN) as unit:
            device = DeviceService(unit).get(device_id)
            at = unit.now()
            if kind == "hello":
                return registry.apply_hello(unit, device, _hello(*arguments, **more), at, hooks)
            if kind == "presence":
                session, online, reason = arguments
                message = Presence(
                    session=session, online=online, reason=PresenceReason(reason), **more
                )
                return registry.apply_presence(unit, device, message, at, hooks)
            return registry.heard(unit, {device.id: at}, hooks)

    return do


def _hello(session=1, install="i1", **more):
    return Hello(
        session=session,
        install_id=install,
        agent=AgentVersion(name="agent", version="1"),
        profile=more.pop("profile", "camera"),
        **more,
    )


def _state(platform, device_id="cam-1"):
    presence = load(platform, device_id).presence
    return presence.state, presence.reason


def _sweep(platform, hooks):
    with platform.unit(ADMIN) as unit:
        return PresenceService(unit, hooks).sweep()


def _events(platform, kind):
    with platform.unit(ADMIN, write=False) as unit:
        return list(
            unit.session.scalars(
                select(DeviceEvent).where(DeviceEvent.kind == kind).order_by(DeviceEvent.id)
            )
        )


def test_a_hello_describes_the_device_and_is_answered(platform, say, hooks):
    answer = say(
        "cam-1", "hello", 7, capabilities=["reboot"], attributes={"os": "x\x00"}, running=["e1"]
    )
    device = load(platform, "cam-1")
    assert (answer.session, answer.ts, answer.settings_version) == (7, platform.clock.now_ms(), 0)
    assert (device.plain, device.agent, device.install_id) == (False, "agent 1", "i1")
    assert (device.capabilities, device.attributes) == (["reboot"], {"os": "x\ufffd"})
    assert _state(platform) == ("ONLINE", "connected")
    assert hooks.seen == [("reachable", device.id), ("hello", device.id, ["e1"])]


def test_an_old_hello_changes_nothing_and_is_told_the_session_that_counts(platform, say, hooks):
    say("cam-1", "hello", 7)
    hooks.seen.clear()
    answer = say("cam-1", "hello", 6, capabilities=["old"])
    assert answer.session == 7
    assert load(platform, "cam-1").capabilities == []
    assert hooks.seen == []


def test_browsers_are_told_with_the_group_that_may_hear_it(platform, fleet, say):
    platform.recorded.sent.clear()
    say("cam-1", "hello")
    key = load(platform, "cam-1").id
    told = {
        (signal.topic, signal.kind)
        for signal in platform.recorded.sent
        if isinstance(signal, Live) and signal.group_path == fleet.hall.path
    }
    assert {(f"device:{key}", "presence"), ("fleet", "presence")} <= told


def test_goodbye_will_and_the_next_session(platform, say, hooks):
    key = load(platform, "cam-1").id
    say("cam-1", "hello", 1)
    hooks.seen.clear()
    say("cam-1", "presence", 1, False, "lost")
    assert _state(platform) == ("OFFLINE", "lost")
    assert hooks.seen == [("unreachable", key)]
    say("cam-1", "heard")
    assert _state(platform) == ("OFFLINE", "lost")
    say("cam-1", "hello", 2)
    say("cam-1", "presence", 1, False, "lost")
    assert _state(platform) == ("ONLINE", "connected")


def test_silence_is_found_by_the_sweep_and_ended_by_a_word(platform, say, hooks):
    say("cam-1", "hello")
    platform.time.advance(s=2 * EXPECT_S - 1)
    assert _sweep(platform, hooks) == 0
    platform.time.advance(s=1)
    assert _sweep(platform, hooks) == 1
    assert _state(platform) == ("SUSPECT", "silent")
    platform.time.advance(s=2 * EXPECT_S)
    hooks.seen.clear()
    _sweep(platform, hooks)
    assert _state(platform) == ("OFFLINE", "silent")
    assert hooks.seen == [("unreachable", load(platform, "cam-1").id)]
    say("cam-1", "heard")
    assert _state(platform) == ("ONLINE", "heard")
    summaries = [event.summary for event in _events(platform, "presence")]
    assert summaries == [
        "ONLINE (connected)",
        "SUSPECT (silent)",
        "OFFLINE (silent)",
        "ONLINE (heard)",
    ]


def test_a_device_that_speaks_is_not_suspected_and_swept_rarely(platform, say, hooks):
    say("cam-1", "hello")
    for _ in range(4):
        platform.time.advance(s=EXPECT_S)
        say("cam-1", "heard")
    assert _sweep(platform, hooks) == 1
    assert _sweep(platform, hooks) == 0
    assert _state(platform) == ("ONLINE", "connected")
    presence = load(platform, "cam-1").presence
    assert presence.check_at == presence.heard_at + 2 * EXPECT_S * 1000


def test_nothing_is_judged_while_no_ingest_listens(platform, say, hooks):
    say("cam-1", "hello")
    with platform.unit(ADMIN) as unit:
        unit.session.add(Lease(name="ingest", owner="x", until=unit.now() + 1))
    platform.time.advance(s=9 * EXPECT_S)
    assert _sweep(platform, hooks) == 0
    with platform.unit(ADMIN) as unit:
        unit.session.get_one(Lease, "ingest").until = unit.now() + 1
    assert _sweep(platform, hooks) == 1


def test_nothing_is_judged_after_an_ingest_that_stopped_in_order(platform, say, hooks):
    say("cam-1", "hello")
    lease = RoleLease(platform.units, ADMIN, "ingest", "me", 15)
    assert lease.hold()
    lease.release()
    platform.time.advance(s=9 * EXPECT_S)
    assert _sweep(platform, hooks) == 0
    assert RoleLease(platform.units, ADMIN, "ingest", "other", 15).hold()
    assert _sweep(platform, hooks) == 1


def test_after_an_outage_of_ingest_silence_counts_from_when_it_listens_again(platform, say, hooks):
    say("cam-1", "hello")
    lease = RoleLease(platform.units, ADMIN, "ingest", "me", 15)
    assert lease.hold()
    platform.time.advance(s=9 * EXPECT_S)
    assert lease.hold()
    assert _sweep(platform, hooks) == 1
    assert _state(platform) == ("ONLINE", "connected")  # its backlog is still to be read
    platform.time.advance(s=5)
    assert lease.hold()  # renewing does not begin anew
    for _ in range(2 * EXPECT_S // 10):
        platform.time.advance(s=10)
        lease.hold()
    _sweep(platform, hooks)
    assert _state(platform) == ("OFFLINE", "silent")


def test_a_gateway_that_is_gone_makes_its_children_suspect(platform, say, hooks):
    with platform.unit(ADMIN) as unit:
        for name in ("kid-1", "kid-2"):
            DeviceService(unit).register(name, "camera", gateway="cam-1")
    for name in ("cam-1", "kid-1", "kid-2"):
        say(name, "hello")
    say("kid-2", "presence", 1, False, "sleep", until=platform.clock.now_ms() + 10**9)
    say("cam-1", "presence", 1, False, "lost")
    assert _state(platform, "kid-1") == ("SUSPECT", "gateway")
    assert _state(platform, "kid-2") == ("SLEEPING", "sleep")
    platform.time.advance(s=1)
    say("kid-1", "heard")
    assert _state(platform, "kid-1") == ("ONLINE", "heard")


def test_a_plain_device_lives_by_being_heard(platform, say, hooks):
    say("cam-1", "heard")
    assert _state(platform) == ("ONLINE", "heard")
    platform.time.advance(s=4 * EXPECT_S)
    _sweep(platform, hooks)
    assert _state(platform) == ("OFFLINE", "silent")
    assert load(platform, "cam-1").plain


def test_two_installations_in_turn_are_marked_as_possibly_cloned(platform, say):
    say("cam-1", "hello", 1, "i1")
    say("cam-1", "hello", 2, "i2")
    assert load(platform, "cam-1").cloned_at is None
    say("cam-1", "hello", 1, "i1")  # an old message, not an old installation
    assert load(platform, "cam-1").cloned_at is None
    say("cam-1", "hello", 3, "i1")
    assert load(platform, "cam-1").cloned_at == platform.clock.now_ms()
    assert len(_events(platform, "clone")) == 1


def test_an_installation_that_enrolled_begins_its_sessions_anew(platform, fleet, say):
    from muster_platform.devices.enrolment import EnrolmentService

    say("cam-1", "hello", 9_000, "i1")
    assert say("cam-1", "hello", 5, "i2").session == 9_000
    with platform.unit(ADMIN) as unit:
        service = EnrolmentService(unit)
        _, token = service.create_token("t", "camera", fleet.hall.id)
        service.enrol(token, "cam-1", "i3")
    assert say("cam-1", "hello", 5, "i3").session == 5
    assert say("cam-1", "hello", 4, "i3").session == 5


def test_an_inventory_keeps_the_time_of_each_change(platform, fleet, say):
    say("cam-1", "hello", 1, inventory=[Component(component="app", version="1")])
    first = platform.clock.now_ms()
    platform.time.advance(s=1)
    told = [Component(component="app", version="1"), Component(component="os", version="9")]
    with platform.unit(ADMIN) as unit:
        device = DeviceService(unit).get("cam-1")
        report = InventoryReport(inventory=told)
        registry.apply_inventory(unit, device, report, unit.now(), NoHooks())
        registry.apply_inventory(unit, device, report, unit.now(), NoHooks())
    say("cam-1", "hello", 2)  # says nothing of it: what is known stays
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.scalars(select(InventoryItem).order_by(InventoryItem.component))
        assert [(row.component, row.version, row.since) for row in rows] == [
            ("app", "1", first),
            ("os", "9", first + 1000),
        ]
    assert [event.summary for event in _events(platform, "inventory")] == [
        "Inventory: app 1",
        "Inventory: os 9",
    ]


def test_settings_reports_and_app_events_are_stored_clean(platform, fleet):
    with platform.unit(ADMIN) as unit:
        device = DeviceService(unit).get("cam-1")
        report = SettingsReport(version=3, reported={"a\x00": 2**70}, errors={"b": "no\ud800"})
        registry.apply_settings_report(unit, device, report, unit.now())
        event = Event(name="pressed", data={"k": "\x00"}, ts=1)
        registry.apply_event(unit, device, event, unit.now())
    [settings] = _events(platform, "settings")
    assert (settings.summary, settings.data["errors"]) == (
        "Settings version 3 in force, 1 not taken",
        {"b": "no\ufffd"},
    )
    [pressed] = _events(platform, "app_event")
    assert (pressed.at, pressed.data["clamped"]) == (platform.clock.now_ms(), True)
