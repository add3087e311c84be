"""Our own commands as processes: started, waited for, read, killed, and always reaped."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.services.base import POLL_S, START_LIMIT_S, STOP_LIMIT_S, spawn, tail

MARK = "MUSTER_TEST_PROCESS"
"""In the environment of everything a test starts, so that no grandchild outlives it."""


class MusterProcess:
    """One `muster …` command, or another program that belongs to an installation.

    Args:
        arguments: of the command.
        binary: the program, where it is not `muster`.

    Attributes:
        log: file with its standard output and error.
        pid: of the command itself, not of what it starts.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        binary: str = "",
    ) -> None:
        self.log = log
        self._mark = uuid.uuid4().hex
        binary = binary or str(Path(sys.executable).with_name("muster"))
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {}), MARK: self._mark}
        self._process = spawn([binary, *arguments], log, env=environment, cwd=cwd)
        self.pid = self._process.pid

    def output(self) -> str:
        """Give all that it has written so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str, limit_s: float = START_LIMIT_S) -> re.Match[str]:
        """Wait until its output holds the pattern (a regular expression).

        Raises:
            AssertionError: it ended or took longer; the message ends with its log.
        """
        deadline = time.monotonic() + limit_s
        while True:
            ended = self._process.poll() is not None
            if found := re.search(pattern, self.output(), re.MULTILINE):
                return found
            if ended or time.monotonic() > deadline:
                why = f"ended with {self._process.returncode}" if ended else f"{limit_s} s passed"
                raise AssertionError(f"no {pattern!r} in its output: {why}\n{tail(self.log)}")
            time.sleep(POLL_S)

    def running(self) -> bool:
        """Say whether the command itself still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the command itself as a power cut would (-9); its children are not touched."""
        self._process.kill()
        self._process.wait()

    def interrupt(self) -> None:
        """Press Ctrl-C: the signal goes to the whole foreground group."""
        os.killpg(self.pid, signal.SIGINT)

    def terminate(self, limit_s: float = STOP_LIMIT_S) -> int:
        """Ask it to stop, wait, and give its exit status.

        Raises:
            AssertionError: it did not stop in time.
        """
        self._process.terminate()
        return self.wait(limit_s)

    def wait(self, limit_s: float = STOP_LIMIT_S) -> int:
        """Wait for its end and give its exit status (negative: the signal).

        Raises:
            AssertionError: it still runs; the message ends with its log.
        """
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {limit_s} s\n{tail(self.log)}") from None

    def family(self) -> list[int]:
        """Give the pids of all that still runs of it: itself, children, orphans."""
        mark = f"{MARK}={self._mark}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue  # ended meanwhile, or another user's
            if mark in environment.split(b"\0") and state != "Z":
                found.append(int(entry.name))
        return found

    def reap(self) -> None:
        """End whatever is left of it, by force."""
        while family := self.family():
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(POLL_S)
        self._process.wait()
