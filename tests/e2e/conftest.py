"""The whole product, started once by its own command, as a person would."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services.base import free_port
from tests.services.muster import MusterProcess

START_LIMIT_S = 90.0
PASSWORD = "several words, one password"


@dataclass(frozen=True)
class Installation:
    """A running `muster up`.

    Attributes:
        environment: MUSTER_ variables that a second terminal needs.
        email: what `muster up` printed to sign in with.
        password: chosen in place of the printed one, which is good for nothing else.
    """

    environment: dict[str, str]
    web_url: str
    mqtt_port: int
    email: str
    password: str
    process: MusterProcess

    def muster(self, *arguments: str, fails: bool = False) -> Any:
        """Run a command with --json in a second terminal; gives what it printed."""
        binary = Path(sys.executable).with_name("muster")
        done = subprocess.run(
            [str(binary), *arguments, "--json"],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert fails or done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def choose_password(web_url: str, email: str, printed: str) -> None:
    """Change the one-time password, as its owner must before anything else."""
    tokens = _post(f"{web_url}/api/v1/auth/sign-in", {"email": email, "password": printed})
    assert tokens["must_change_password"]
    change = {"old": printed, "new": PASSWORD}
    _post(f"{web_url}/api/v1/me/password", change, tokens["access_token"])


def _post(url: str, body: dict[str, str], token: str = "") -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@contextmanager
def started(folder: Path, *options: str, **settings: str) -> Iterator[Installation]:
    """Start `muster up` on free ports, with its state in the folder; stop it at the end."""
    ports = {name: free_port() for name in ("WEB", "LIVE", "BROKER", "BROKER_WS")}
    environment = {f"MUSTER_{name}_PORT": str(port) for name, port in ports.items()}
    environment |= {f"MUSTER_{name.upper()}": value for name, value in settings.items()}
    environment["MUSTER_STATE_DIR"] = str(folder)
    process = MusterProcess(("up", *options), folder / "up.log", environment)
    process.wait_for("Muster is up", START_LIMIT_S)
    email = process.wait_for(r"sign in as\s+(\S+)").group(1)
    printed = process.wait_for(r"password\s+(\S+)").group(1)
    web_url = f"http://127.0.0.1:{ports['WEB']}"
    try:
        choose_password(web_url, email, printed)
        yield Installation(environment, web_url, ports["BROKER"], email, PASSWORD, process)
        assert process.terminate() == 0
    finally:
        process.reap()


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """Start `muster up` in an empty folder, as a person would at first."""
    with started(tmp_path_factory.mktemp("up")) as made:
        yield made
