"""An enrolled device, a broker, and a scripted platform behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from muster_agent.identity import StateDir, new_identity
from tests.integration.agent.fake_platform import FakePlatform
from tests.services.mosquitto import Mosquitto
from tests.services.muster import MusterProcess

HANDLERS = """
import os
import time
from pathlib import Path

RUNS = Path(__file__).with_name("runs")


def note(text):
    with RUNS.open("a") as out:
        out.write(text + "\\n")
        out.flush()
        os.fsync(out.fileno())


def setup(agent):
    @agent.command("count")
    def count(call):
        note(call.execution)
        return {"n": call.args.get("n")}

    @agent.command("hang")
    def hang(call):
        note(call.execution)
        time.sleep(3600)

    @agent.command("steps", cancelable=True)
    def steps(call):
        note(call.execution)
        call.progress("first", 0.5, "half way")
        call.wait(3600)

    @agent.command("again", resumable=True)
    def again(call):
        note(call.execution)
        if not call.resumed:
            time.sleep(3600)
        return {"resumed": call.resumed}

    @agent.setting("interval_s")
    def interval(value):
        if value < 1:
            raise ValueError("must be at least 1")

    if os.environ.get("TEST_TELEMETRY"):
        counter = iter(range(1, 10**9))

        @agent.telemetry(every_s=0.001)
        def values():
            n = next(counter)
            note(f"accepting {n}")
            agent.send_telemetry({"n": n})
            note(f"accepted {n}")
            return {}
"""


class Device:
    """A device with a state folder of its own, run as a real `muster agent run` process."""

    def __init__(
        self, home: Path, port: int, start: Callable[..., MusterProcess], device_id: str
    ) -> None:
        self.device_id = device_id
        self.home = home
        self.state = home / "state"
        self._start = start
        self.config = home / "agent.toml"
        (home / "app.py").write_text(HANDLERS)
        self.config.write_text(
            '[agent]\nhandlers = "app:setup"\nsystem_metrics_every_s = 0\n'
            "reconnect_first_s = 0.2\nreconnect_limit_s = 1.0\n"
        )
        folder = StateDir(self.state)
        identity = new_identity(device_id)
        identity.secret = "s3cret"
        identity.brokers = [f"mqtt://127.0.0.1:{port}"]
        folder.save(identity)
        folder.close()

    def run(self, **env: str) -> MusterProcess:
        return self._start(
            "agent", "run", "--state", str(self.state), "--config", str(self.config), env=env
        )

    def runs(self) -> list[str]:
        file = self.home / "runs"
        return file.read_text().split("\n")[:-1] if file.exists() else []


@pytest.fixture
def device(
    tmp_path: Path, mosquitto: Mosquitto, muster_process: Callable[..., MusterProcess]
) -> Device:
    return Device(tmp_path, mosquitto.port, muster_process, f"dev-{uuid4().hex[:12]}")


@pytest.fixture
def platform(mosquitto: Mosquitto, device: Device) -> Iterator[FakePlatform]:
    fake = FakePlatform(mosquitto.port, device.device_id)
    yield fake
    fake.close()
