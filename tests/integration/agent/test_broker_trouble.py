"""A broker that goes, forgets, or refuses: the agent keeps what it has and comes back."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from muster_agent import Agent
from muster_agent.identity import StateDir
from tests.integration.agent.conftest import Device
from tests.integration.agent.fake_platform import FakePlatform
from tests.integration.agent.test_embedded import App
from tests.services import mosquitto
from tests.services.muster import MusterProcess


def test_a_broker_that_comes_back_without_memory_gets_everything(tmp_path: Path) -> None:
    device_id = f"app-{uuid4().hex[:10]}"
    with mosquitto.running() as first:
        port = first.port
        app = App(tmp_path, f"mqtt://127.0.0.1:{port}", device_id)
        agent: Agent = app.agent
        platform = FakePlatform(port, device_id)
        agent.start()
        platform.wait(lambda: platform.hellos, "hello")
        agent.send_telemetry({"n": 1})
        platform.wait(lambda: platform.values("n") == [1], "first value")
        platform.storing = False
        agent.send_telemetry({"n": 2})
        platform.close()
    agent.send_telemetry({"n": 3})
    try:
        with mosquitto.running(port=port):
            again = FakePlatform(port, device_id)
            again.stored = platform.stored
            again.wait(lambda: again.hellos, "hello")
            agent.send_telemetry({"n": 4})
            again.wait(lambda: again.values("n") == [1, 2, 3, 4], "all values, in order")
            assert again.hellos[-1].boot == platform.hellos[-1].boot
            app.stop()
            again.close()
    finally:
        app.stop()


def test_a_refusal_is_said_and_tried_again(
    tmp_path: Path, muster_process: Callable[..., MusterProcess]
) -> None:
    with mosquitto.running(["allow_anonymous false"]) as server:
        device = Device(tmp_path, server.port, muster_process, "dev-refused")
        process = device.run()
        process.wait_for("the broker refused dev-refused: .* enrol it again")
        process.wait_for("next attempt in (.|\\n)*next attempt in")
        assert process.terminate() == 0
        assert "Traceback" not in process.output()
        assert StateDir(device.state, lock=False).load() is not None
