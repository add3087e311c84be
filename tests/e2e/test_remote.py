"""Commands against the running product from a machine that has no part of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Installation


@pytest.fixture
def remote(installation: Installation, tmp_path: Path) -> Callable[..., Any]:
    """Give a function that runs `muster` signed in at the installation, with --json."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    environment = {**kept, "XDG_CONFIG_HOME": str(tmp_path)}
    binary = str(Path(sys.executable).with_name("muster"))

    def run(*words: str, text: str = "", as_json: bool = True) -> Any:
        done = subprocess.run(
            [binary, *words, *(["--json"] if as_json else [])],
            env=environment,
            cwd=tmp_path,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if as_json else done.stdout

    password = f"{installation.password}\n"
    run("login", installation.web_url, "--email", installation.email, text=password, as_json=False)
    return run


def test_a_device_is_commanded_from_afar(
    installation: Installation,
    remote: Callable[..., Any],
    muster_process: Callable[..., Any],
    tmp_path: Path,
) -> None:
    remote("profile", "create", "afar")
    token = remote("token", "create", "afar", "--profile", "afar", "--mode", "allow_new")["token"]
    state = ("--state", str(tmp_path / "device"))
    where = ("--server", installation.web_url, "--device-id", "afar-1")
    muster_process("agent", "enrol", *where, "--token", token, *state).wait()
    device = muster_process("agent", "run", *state)
    device.wait_for("runs")
    (done,) = remote("command", "run", "ping", "--device", "afar-1", "--wait")
    assert done["state"] == "SUCCEEDED"
    (found,) = remote("device", "list", "--search", "afar-1")
    assert found["presence"] == "ONLINE"
    remote("logs", "--device", "afar-1", as_json=False)
    (job,) = [job for job in remote("job", "list") if job["device_count"] == 1][:1]
    assert job["counts"] == {"SUCCEEDED": 1}
    (entry, *_) = remote("audit", "list", "--action", "command.")
    assert entry["actor_name"] == installation.email
    assert device.terminate() == 0
