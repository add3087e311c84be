"""The library in an app's own process: over TCP and WebSocket, with a child, logs and events."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from muster_agent import Agent, AgentOptions
from muster_agent.commands import CommandCall
from muster_agent.errors import ConfigError, StateError
from muster_agent.identity import StateDir, new_identity
from muster_agent.net import Broker
from muster_protocol.messages import Event, Hello, Logs
from muster_protocol.states import PresenceReason
from tests.integration.agent.fake_platform import FakePlatform
from tests.services.mosquitto import Mosquitto


class App:
    """An app with an agent in it."""

    def __init__(self, home: Path, url: str, device_id: str) -> None:
        folder = StateDir(home)
        identity = new_identity(device_id)
        identity.secret, identity.brokers = "s", [url]
        folder.save(identity)
        folder.close()
        self.options = AgentOptions(state_dir=home, reconnect_first_s=0.2, flush_s=1)
        self.agent = Agent(self.options)
        self.stopped = False

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.agent.stop()


@pytest.fixture(params=["mqtt", "ws"])
def app(request: pytest.FixtureRequest, tmp_path: Path, mosquitto: Mosquitto) -> Iterator[App]:
    port = mosquitto.port if request.param == "mqtt" else mosquitto.ws_port
    made = App(tmp_path, f"{request.param}://127.0.0.1:{port}", f"app-{uuid4().hex[:10]}")
    yield made
    made.stop()


@pytest.fixture
def platform(app: App, mosquitto: Mosquitto) -> Iterator[FakePlatform]:
    fake = FakePlatform(mosquitto.port, app.agent.identity.device_id)
    yield fake
    fake.close()


def test_an_app_reports_and_obeys(app: App, platform: FakePlatform) -> None:
    agent = app.agent
    pressed = threading.Event()

    @agent.command("press")
    def press(call: object) -> dict[str, object]:
        pressed.set()
        return {}

    agent.start()
    platform.wait(lambda: platform.hellos, "hello")
    agent.send_telemetry({"t": 21.5})
    agent.send_event("button", {"n": 1})
    logger = logging.getLogger(f"shop.{uuid4().hex}")
    logger.propagate = False
    logger.addHandler(agent.log_handler())
    logger.error("out of paper")
    platform.command("e1", "press")
    assert platform.wait_state("e1", "SUCCEEDED").execution == "e1"
    assert pressed.is_set()
    platform.wait(lambda: len({channel for _, channel, _ in platform.stored}) == 5, "all of it")
    stored = list(platform.stored.values())
    assert [m.name for m in stored if isinstance(m, Event)] == ["button"]
    assert [r.message for m in stored if isinstance(m, Logs) for r in m.records] == ["out of paper"]
    app.stop()
    platform.wait(lambda: platform.presences[-1].reason is PresenceReason.DISCONNECTED, "goodbye")


def test_small_packets_do_not_wait(app: App, platform: FakePlatform) -> None:
    app.agent.start()
    platform.wait(lambda: platform.presences, "presence")
    link = app.agent._started().link
    assert link is not None
    with socket.socket(fileno=socket.dup(link.fileno())) as same:
        assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_gateway_speaks_for_its_child(app: App, mosquitto: Mosquitto) -> None:
    gateway = app.agent.identity.device_id
    seen = FakePlatform(mosquitto.port, gateway, "kid-1")
    try:
        app.agent.start()
        child = app.agent.child("kid-1", "meter", attributes={"model": "M1"})
        child.send_telemetry({"kwh": 3})
        child.log("valve opened")
        hello = seen.wait(lambda: seen.hellos, "the child's hello")[0]
        assert isinstance(hello, Hello)
        assert (hello.profile, hello.attributes) == ("meter", {"model": "M1"})
        seen.wait(lambda: seen.values("kwh") == [3], "the child's telemetry")
        child.goodbye()
        seen.wait(lambda: seen.presences and not seen.presences[-1].online, "goodbye")
    finally:
        seen.close()


def test_a_child_s_command_is_run_once_by_its_gateway(
    app: App, platform: FakePlatform, mosquitto: Mosquitto
) -> None:
    seen = FakePlatform(mosquitto.port, app.agent.identity.device_id, "kid-1")
    calls: list[tuple[str, str]] = []

    @app.agent.command("close", child="kid-1")
    def close(call: CommandCall) -> dict[str, object]:
        calls.append((call.child, call.execution))
        return {"closed": True}

    try:
        app.agent.start()
        app.agent.child("kid-1", "meter")
        assert seen.wait(lambda: seen.hellos, "the child's hello")[0].capabilities == ["close"]
        assert "close" not in platform.wait(lambda: platform.hellos, "hello")[0].capabilities
        seen.command("c1", "close")
        assert seen.wait_state("c1", "SUCCEEDED").result == {"closed": True}
        told = len(seen.reports("c1"))
        seen.command("c1", "close")
        platform.command("c2", "close")
        assert platform.wait_state("c2", "REJECTED").error is not None
        assert calls == [("kid-1", "c1")]
        assert told >= 2
        assert platform.reports("c1") == []
    finally:
        seen.close()


def test_sleep_is_announced_with_its_end(app: App, platform: FakePlatform) -> None:
    app.agent.start()
    platform.wait(lambda: platform.presences, "presence")
    app.stopped = True
    app.agent.stop(PresenceReason.SLEEP, until=1_900_000_000_000)
    platform.wait(lambda: platform.presences[-1].until == 1_900_000_000_000, "sleep")


def test_nothing_can_be_sent_before_the_start(app: App) -> None:
    with pytest.raises(ConfigError, match="start the agent first"):
        app.agent.send_telemetry({"t": 1})


def test_what_was_accepted_without_a_connection_goes_out_at_the_next_start(
    app: App, platform: FakePlatform, free_port: Callable[[], int]
) -> None:
    good = app.agent._brokers
    app.agent._brokers = [Broker("mqtt", "127.0.0.1", free_port())]
    app.agent.start()
    app.agent.send_telemetry({"t": 2})
    app.agent.stop()
    app.agent = Agent(app.options)
    assert app.agent._brokers == good
    app.agent.start()
    platform.wait(lambda: platform.values("t") == [2], "telemetry")


def test_two_agents_cannot_share_a_state_folder(app: App) -> None:
    with pytest.raises(StateError, match="in use by another agent"):
        Agent(app.options)
