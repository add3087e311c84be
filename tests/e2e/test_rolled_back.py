"""An update whose health check fails, on a real `muster agent run`, as the platform shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.mission.story import Person
from tests.e2e.strangers.test_mosquitto_clients import eventually
from tests.services.muster import MusterProcess

HEALTH = "#!/bin/sh\nif grep -q bad slots/current/app.txt; then echo no answer >&2; exit 1; fi\n"
RESTART = "#!/bin/sh\ncat slots/current/app.txt >> started\n"


@pytest.fixture
def person(installation: Installation) -> Person:
    """Sign in, to look at the platform as a page does."""
    return Person(installation.web_url, installation.email, installation.password)


@pytest.fixture
def folder(installation: Installation, person: Person, tmp_path: Path) -> Iterator[Path]:
    """Run the agent as `edge-1`: it installs in two slots, and each start of its app is noted."""
    installation.muster("profile", "create", "edge")
    token = installation.muster(
        "token", "create", "edge", "--profile", "edge", "--mode", "allow_new"
    )["token"]
    (tmp_path / "health.sh").write_text(HEALTH)
    (tmp_path / "restart.sh").write_text(RESTART)
    (tmp_path / "agent.toml").write_text(
        "[agent]\nflush_s = 0.5\nsystem_metrics_every_s = 0\n"
        '[updates]\nslots = "slots"\n'
        f"health_command = \"sh -c 'cd {tmp_path} && sh health.sh'\"\n"
        f"restart_command = \"sh -c 'cd {tmp_path} && sh restart.sh'\"\n"
    )
    state = ("--state", str(tmp_path / "state"))
    enrol = ("agent", "enrol", "--server", installation.web_url, "--token", token)
    enrolled = MusterProcess((*enrol, "--device-id", "edge-1", *state), tmp_path / "enrol.log")
    eventually(enrolled.running, lambda running: not running)
    run = ("agent", "run", "--config", str(tmp_path / "agent.toml"), *state)
    agent = MusterProcess(run, tmp_path / "agent.log", cwd=tmp_path)
    try:
        eventually(
            lambda: person.call("GET", "/devices/edge-1")[1],
            lambda found: found.get("presence", {}).get("state") == "ONLINE",
        )
        yield tmp_path
        assert agent.terminate() == 0
    finally:
        agent.reap()
        enrolled.reap()


def _rolled_out(
    installation: Installation, person: Person, folder: Path, version: str, text: str
) -> Any:
    """Publish a release and roll it out; gives the only execution, ended, and the rollout."""
    file = folder / "app.txt"
    file.write_text(text + "\n")
    release = installation.muster(
        *("releases", "create", "Edge", version, "--component", f"app={version}"),
        *("--profile", "edge"),
    )["id"]
    installation.muster("releases", "upload", release, str(file))
    person.ask("POST", f"/releases/{release}/publish")
    target = {"devices": ["edge-1"]}
    rollout = person.ask("POST", "/rollouts", release_id=release, target=target)["id"]
    [execution] = eventually(
        lambda: person.ask("GET", f"/jobs/{rollout}/executions")["items"],
        lambda rows: rows and rows[0]["ended_at"],
    )
    job = eventually(
        lambda: person.ask("GET", f"/rollouts/{rollout}")["job"],
        lambda found: found["state"] in ("COMPLETED", "PAUSED"),
    )
    return execution, job["state"]


def test_a_failed_health_check_rolls_back_restarts_and_is_shown(
    installation: Installation, person: Person, folder: Path
) -> None:
    execution, state = _rolled_out(installation, person, folder, "1.0.0", "good one")
    assert (execution["state"], state) == ("SUCCEEDED", "COMPLETED")
    execution, state = _rolled_out(installation, person, folder, "1.1.0", "bad one")
    assert (execution["state"], execution["step"]) == ("FAILED", "ROLLED_BACK")
    assert execution["error_code"] == "health"
    assert "no answer" in execution["error_message"]
    assert state == "COMPLETED"  # the only device of the last phase: nothing is left to hold
    found = person.ask("GET", "/devices/edge-1/inventory")["items"]
    assert {item["component"]: item["version"] for item in found}["app"] == "1.0.0"
    started = (folder / "started").read_text().splitlines()
    assert started == ["good one", "bad one", "good one"]
