"""One child process: its log file, its end."""

import ctypes
import os
import resource
import signal
import subprocess
from pathlib import Path

from muster_platform.up.parts import Part

LOG_BYTES = 10 * 1024 * 1024
OPEN_FILES = 65_536
"""As many a part may have open, where this user may at all: each device connected is one, Mosquitto
takes the limit it finds, and a shell gives 1,024."""
_PR_SET_PDEATHSIG = 1


def _in_child() -> None:
    """Ask the kernel to end us when the supervisor is killed (prctl(2), Linux); take more files."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Process:
    """A started part. Its output goes to `<log_dir>/<name>.log`, one older file is kept."""

    def __init__(self, part: Part, log_dir: Path) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._path = log_dir / f"{part.name}.log"
        if self._path.exists() and self._path.stat().st_size > LOG_BYTES:
            self._path.replace(self._path.with_suffix(".log.1"))
        self._log = self._path.open("ab")
        self._from = self._log.tell()
        self._child = subprocess.Popen(  # noqa: S603 - our own commands
            part.command,
            env=os.environ | part.environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_in_child,
        )

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._child.pid

    def poll(self) -> int | None:
        """Give the exit code, negative for a signal, or None while it runs."""
        code = self._child.poll()
        if code is not None:
            self._log.close()
        return code

    def has_said(self, text: str) -> bool:
        """Say whether a line of this run's log begins with the text."""
        return any(line.startswith(text) for line in self._lines())

    def last_line(self) -> str:
        """Give the last line of this run's log, shortened."""
        lines = [line for line in self._lines() if line.strip()]
        return lines[-1].strip()[:200] if lines else ""

    def stop(self, patience_s: float) -> None:
        """Ask it to end, then make it."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._log.close()

    def _lines(self) -> list[str]:
        with self._path.open("rb") as log:
            log.seek(self._from)
            return log.read(256 * 1024).decode("utf-8", "replace").splitlines()
