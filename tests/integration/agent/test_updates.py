"""Updates on a real `muster agent run`: installed, killed with -9 midway, rolled back, noticed."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from muster_agent.identity import StateDir
from muster_protocol.ids import uuid7
from muster_protocol.messages import (
    Action,
    InventoryReport,
    Notification,
    ReleaseComponent,
    ReleaseRef,
    Report,
    Update,
    UpdateMode,
)
from muster_protocol.states import ExecutionState
from tests.integration.agent.conftest import Device
from tests.integration.agent.fake_platform import LIMIT_S, FakePlatform
from tests.services.artifacts import ArtifactServer
from tests.unit.agent.power import archive, update

E = ExecutionState

NOTICES = """

_setup = setup


def setup(agent):
    _setup(agent)
    seen = []

    @agent.on_update
    def show(notice):
        note(f"{notice.title}|{notice.url}|{notice.data['colour']}|{notice.again}")
        seen.append(notice)

    @agent.command("install_it")
    def install_it(call):
        agent.set_inventory({"app": "3"})

    @agent.command("say_no")
    def say_no(call):
        seen[-1].decline("not today")
"""


@pytest.fixture
def files() -> Iterator[ArtifactServer]:
    made = ArtifactServer()
    yield made
    made.close()


class Fleet:
    """A device that installs updates, its platform, and the files."""

    def __init__(self, device: Device, platform: FakePlatform, files: ArtifactServer) -> None:
        self.device, self.platform, self.files = device, platform, files
        self.slots = device.home / "slots"
        folder = StateDir(device.state)
        identity = folder.require()
        identity.server = files.url
        folder.save(identity)
        folder.close()
        self.health("true")
        with device.config.open("a") as out:
            out.write(
                f'\n[updates]\nslots = "slots"\nhealth_command = "sh {device.home}/health.sh"\n'
            )

    def health(self, text: str) -> None:
        (self.device.home / "health.sh").write_text(text + "\n")

    def start(self, version: str) -> str:
        """Send an update to a version of one character."""
        contents = archive(version * 1000)
        self.files.files["/app.tar.gz"] = contents
        execution = uuid7()
        self.platform.say("updates", update(version, contents, execution))
        return execution

    def running(self) -> str:
        return (self.slots / "current" / "bin" / "app").read_text()[:1]

    def inventories(self) -> list[dict[str, str]]:
        return [
            {item.component: item.version for item in message.inventory}
            for message in self.platform.stored.values()
            if isinstance(message, InventoryReport)
        ]

    def wait_step(self, execution: str, step: str) -> Report:
        def found() -> list[Report]:
            return [r for r in self.platform.reports(execution) if r.step == step]

        reports = self.platform.wait(found, f"{execution} {step}")
        return reports[-1]  # type: ignore[no-any-return]


@pytest.fixture
def fleet(device: Device, platform: FakePlatform, files: ArtifactServer) -> Fleet:
    return Fleet(device, platform, files)


def test_an_update_is_installed_step_by_step_and_its_inventory_told(fleet: Fleet) -> None:
    fleet.device.run()
    hello = fleet.platform.wait(lambda: fleet.platform.hellos, "hello")[0]
    assert "install" in hello.capabilities
    execution = fleet.start("1")
    fleet.platform.wait_state(execution, E.SUCCEEDED)
    steps = [r.step for r in fleet.platform.reports(execution) if r.step]
    assert list(dict.fromkeys(steps)) == [
        "DOWNLOADING",
        "DOWNLOADED",
        "VERIFIED",
        "INSTALLING",
        "COMMITTING",
    ]
    assert fleet.running() == "1"
    assert fleet.inventories()[-1]["app"] == "1"
    assert fleet.files.seen[0].authorization.startswith("Basic ")


def test_killed_while_it_downloads_it_goes_on_where_it_was(fleet: Fleet) -> None:
    contents = os.urandom(3 * 1024 * 1024)
    fleet.files.gate = threading.Event()
    fleet.files.files["/app.bin"] = contents
    process = fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    execution = uuid7()
    fleet.platform.say("updates", update("1", contents, execution, "app.bin"))
    part = fleet.device.state / "updates" / "download" / "0.part"
    deadline = time.monotonic() + LIMIT_S
    while not part.exists() or part.stat().st_size < 1024 * 1024:
        assert time.monotonic() < deadline, "nothing was downloaded"
        time.sleep(0.02)
    process.kill()
    had = part.stat().st_size
    assert had <= len(contents) // 2
    fleet.files.gate.set()
    fleet.device.run()
    fleet.platform.wait_state(execution, E.SUCCEEDED)
    assert [seen.range for seen in fleet.files.seen] == ["", f"bytes={had}-"]
    assert fleet.files.seen[-1].sent == len(contents) - had
    assert (fleet.slots / "current" / "app.bin").read_bytes() == contents


def test_an_agent_that_ends_to_restart_goes_on_as_the_new_one(fleet: Fleet) -> None:
    with fleet.device.config.open("a") as out:
        out.write("restart_by_exit = true\n")
    process = fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    execution = fleet.start("1")
    assert process.wait(LIMIT_S) == 0
    assert fleet.running() == "1"
    fleet.device.run()
    fleet.platform.wait_state(execution, E.SUCCEEDED)
    hello = fleet.platform.wait(lambda: fleet.platform.hellos[1:], "second hello")[0]
    shown = {item.component: item.version for item in hello.inventory}
    assert "app" not in shown or shown["app"] == "1"
    assert fleet.inventories()[-1]["app"] == "1"


def test_killed_while_the_new_one_is_tried_its_health_decides_after_the_start(
    fleet: Fleet,
) -> None:
    process = fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    first = fleet.start("1")
    fleet.platform.wait_state(first, E.SUCCEEDED)
    fleet.health("exec sleep 30")
    second = fleet.start("2")
    fleet.wait_step(second, "COMMITTING")
    process.kill()
    assert fleet.running() == "2"
    fleet.health("echo the database is gone >&2; exit 3")
    fleet.device.run()
    report = fleet.platform.wait_state(second, E.FAILED)
    assert report.step == "ROLLED_BACK"
    assert report.error is not None
    assert report.error.code == "health"
    assert "the database is gone" in report.error.message
    assert fleet.running() == "1"
    assert fleet.inventories()[-1]["app"] == "1"


def test_a_repeated_id_is_not_installed_a_second_time(fleet: Fleet) -> None:
    fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    execution = fleet.start("1")
    fleet.platform.wait_state(execution, E.SUCCEEDED)
    requests = len(fleet.files.seen)
    fleet.platform.say("updates", update("1", fleet.files.files["/app.tar.gz"], execution))
    second = fleet.start("2")
    fleet.platform.wait_state(second, E.SUCCEEDED)
    assert len(fleet.files.seen) == requests + 1


def test_cancel_stops_a_download(fleet: Fleet) -> None:
    fleet.files.cut_after = [0] * 100
    fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    execution = fleet.start("1")
    fleet.wait_step(execution, "DOWNLOADING")
    fleet.platform.say("updates", Update(action=Action.CANCEL, execution=execution))
    fleet.platform.wait_state(execution, E.CANCELED)
    assert not (fleet.slots / "current").exists()


def _notice(execution: str) -> Update:
    return Update(
        action=Action.RUN,
        execution=execution,
        mode=UpdateMode.NOTIFY,
        release=ReleaseRef(
            id="r3", version="3", components=[ReleaseComponent(component="app", version="3")]
        ),
        notification=Notification(title="Version 3", body="new", url="https://store.example/3"),
        data={"colour": "red"},
    )


def test_a_notice_is_shown_again_after_a_start_and_proved_by_the_inventory(
    fleet: Fleet,
) -> None:
    app = fleet.device.home / "app.py"
    app.write_text(app.read_text() + NOTICES)
    process = fleet.device.run()
    hello = fleet.platform.wait(lambda: fleet.platform.hellos, "hello")[0]
    assert {"install", "notify"} <= set(hello.capabilities)
    execution = uuid7()
    fleet.platform.say("updates", _notice(execution))
    fleet.wait_step(execution, "WAIT_FOR_CONFIRMATION")
    process.kill()
    fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos[1:], "second hello")
    command = uuid7()
    fleet.platform.command(command, "install_it")
    fleet.platform.wait_state(execution, E.SUCCEEDED)
    assert fleet.inventories()[-1]["app"] == "3"
    shown = "Version 3|https://store.example/3|red|"
    assert fleet.device.runs() == [f"{shown}False", f"{shown}True"]


def test_a_declined_notice_is_rejected_with_the_reason(fleet: Fleet) -> None:
    app = fleet.device.home / "app.py"
    app.write_text(app.read_text() + NOTICES)
    fleet.device.run()
    fleet.platform.wait(lambda: fleet.platform.hellos, "hello")
    execution = uuid7()
    fleet.platform.say("updates", _notice(execution))
    fleet.wait_step(execution, "WAIT_FOR_CONFIRMATION")
    fleet.platform.command(uuid7(), "say_no")
    report = fleet.platform.wait_state(execution, E.REJECTED)
    assert report.error is not None
    assert (report.error.code, report.error.message) == ("declined", "not today")
