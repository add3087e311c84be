"""Elasticsearch from Maven Central: the real server with few modules; refuses root.

It is unpacked once into the git-ignored `.services/`. It can be killed and started again on the
same port and folder. It has no `GET /`.
"""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services.base import (
    HOST,
    UNPRIVILEGED,
    StartError,
    folder,
    free_port,
    missing,
    program,
    spawn,
    stop,
    tail,
)

VERSION = "8.19.8"
ROOT = Path(__file__).parents[2] / ".services" / "elasticsearch"
START_LIMIT_S = 120.0
LINES = """\
discovery.type: single-node
xpack.security.enabled: false
http.host: 127.0.0.1
transport.host: 127.0.0.1
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: "muster-*"
"""


class Elasticsearch:
    """A server.

    Attributes:
        url: its address, the same after a restart.
    """

    def __init__(self, home: Path, program_folder: Path, java: Path, heap: str) -> None:
        self._program = program_folder
        self.home, self.log = home, home / "elasticsearch.log"
        self._java, self._heap = java, heap
        self._port, self._transport = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start it, on its port and data, and wait until it answers."""
        program_file = self._program / "bin" / "elasticsearch"
        env = {
            **os.environ,
            "HOME": str(self.home),
            "ES_JAVA_HOME": str(self._java),
            "ES_PATH_CONF": str(self.home / "config"),
            "ES_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap}",
        }
        options = {
            "path.data": self.home / "data",
            "path.logs": self.home / "logs",
            "http.port": self._port,
            "transport.port": self._transport,
        }
        command = [str(program_file), *(f"-E{name}={value}" for name, value in options.items())]
        self._process = spawn(command, self.log, env=env, cwd=self.home, unprivileged=True)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=2s")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise StartError(f"Elasticsearch does not answer at {self.url}\n{tail(self.log)}")

    def kill(self) -> None:
        """End it at once, as a power cut does (kill -9 of its launcher and its Java)."""
        if self._process is not None:
            # The launcher's children share its session; a bare kill would leave Java running.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            stop(self._process)
            self.kill_rest(self._process.pid)
            self._process = None

    @staticmethod
    def kill_rest(group: int) -> None:
        """End what its launcher left behind."""
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call it and give the answer, read as JSON.

        Raises:
            OSError: it does not answer, or answers with an error.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path,
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def clear(self) -> None:
        """Delete all indices and templates of tests."""
        for index in self.call("GET", "/_cat/indices?format=json&expand_wildcards=all"):
            self.call("DELETE", f"/{index['index']}")


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


@contextmanager
def running(heap: str = "512m") -> Iterator[Elasticsearch]:
    """Start a server with a folder of its own."""
    source = ROOT / f"elasticsearch-{VERSION}"
    if not source.exists():
        missing("Elasticsearch", "tests/services/install_elasticsearch.sh")
    java = Path(program("java", how="tests/services/install_elasticsearch.sh")).resolve()
    owner = UNPRIVILEGED if os.geteuid() == 0 else None
    with folder("elasticsearch", owner) as home:
        shutil.copytree(source / "config", home / "config")
        with (home / "config" / "elasticsearch.yml").open("a") as lines:
            lines.write(LINES)
        for path in (home / "config", *(home / "config").rglob("*")):
            if owner is not None:
                os.chown(path, owner, owner)
        if owner is not None and not _open_to_all(source):
            # The checkout lies in a folder that only its owner may enter.
            source = Path(shutil.copytree(source, home / "program"))
        server = Elasticsearch(home, source, java.parents[1], heap)
        try:
            server.start()
            yield server
        finally:
            server.kill()
