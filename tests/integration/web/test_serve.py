"""The web process as it runs: granian, with our application in its workers."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from muster_platform.bootstrap import build
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.web.process import require_free
from tests.integration.web.conftest import PASSWORD
from tests.services.base import POLL_S, spawn, stop, wait_listening

SERVE = "from muster_platform import config; from muster_platform.web import serve; "
RUN = SERVE + "serve.serve(config.load())"


def start(folder: Path, port: int, workers: int = 1) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "MUSTER_STATE_DIR": str(folder / "state"),
        "MUSTER_WEB_PORT": str(port),
        "MUSTER_WEB_WORKERS": str(workers),
    }
    log = folder / "web.log"
    return spawn([sys.executable, "-c", RUN], log, env=environment, cwd=folder)


@contextmanager
def running(folder: Path, port: int, workers: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    process = start(folder, port, workers)
    try:
        wait_listening(process, port, folder / "web.log")
        yield process
    finally:
        stop(process)


def get(port: int, path: str) -> dict[str, object]:
    return ask(port, path, {})


def ask(
    port: int, path: str, headers: dict[str, str], body: bytes | None = None
) -> dict[str, object]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def test_it_is_ready_and_ends_when_asked(migrated: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with running(migrated, port) as process:
        assert get(port, "/health/ready") == {
            "ready": True,
            "checks": {"database": "ok", "migration": "ok", "redis": "ok"},
        }
        assert get(port, "/api/v1/openapi.json")["openapi"] == "3.1.0"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_several_workers_take_each_other_s_tokens(
    migrated: Path, free_port: Callable[[], int]
) -> None:
    settings = Settings(state_dir=migrated, database_url=f"sqlite:///{migrated}/state/muster.db")
    platform = build(settings)
    with platform.unit(system_actor("test")) as unit:
        UserService(unit).create("a@example.org", "A", PASSWORD)
    platform.close()
    port = free_port()
    with running(migrated, port, workers=2):
        body = json.dumps({"email": "a@example.org", "password": PASSWORD}).encode()
        headers = {"Content-Type": "application/json"}
        tokens = ask(port, "/api/v1/auth/sign-in", headers, body)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        for _ in range(10):  # a new connection each: the kernel hands them to either worker
            assert ask(port, "/api/v1/me", headers)["name"] == "a@example.org"


def test_a_taken_port_is_told_with_its_setting(
    migrated: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with running(migrated, port):
        with pytest.raises(ConfigurationError, match=f"port {port} .* is taken.*web_port"):
            require_free("127.0.0.1", port, "web_port")
        second = start(migrated, port)
        assert second.wait(20) != 0
        assert get(port, "/health/live") == {"live": True}


def family(port: int) -> list[int]:
    """Give the processes that were started for the port and still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"MUSTER_WEB_PORT={port}".encode() in environment.split(b"\0") and state != "Z":
            found.append(int(entry.name))
    return found


def is_free(port: int) -> bool:
    try:
        require_free("127.0.0.1", port, "web_port")
    except ConfigurationError:
        return False
    return True


def test_no_worker_outlives_a_killed_master(migrated: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with running(migrated, port, workers=2) as process:
        process.kill()  # the second worker may still be starting
        process.wait()
        deadline = time.monotonic() + 20
        # One that is just ending has no environment any more, and the port still.
        while (left := family(port)) or not is_free(port):
            assert time.monotonic() < deadline, f"still there: {left}"
            time.sleep(POLL_S)
