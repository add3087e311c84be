"""What the parts share: free ports, starting, waiting, stopping, and the skip for a missing one."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

HOST = "127.0.0.1"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
POLL_S = 0.02
PORTS = range(15_000, 32_000)
"""Below the range the kernel gives to outgoing connections, so none can take a port that was
found free before its server listens."""

UNPRIVILEGED = 65_534
"""uid and gid ("nobody") of servers that refuse to run as root."""


class StartError(RuntimeError):
    """A part that is there but did not start; the message ends with its log."""


def missing(name: str, how: str) -> None:
    """End the test: skipped with one line, or failed where everything must be there (CI=true)."""
    line = f"{name} is not installed; get it with: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def program(name: str, *more_folders: str, how: str = "make services") -> str:
    """Find an executable on PATH, in the sbin folders or in those named, or end the test."""
    folders = [*more_folders, os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        missing(name, how)
    assert found is not None
    return found


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that nobody listens on."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise StartError(f"no free port among {PORTS}")


@contextmanager
def folder(name: str, owner: int | None = None) -> Iterator[Path]:
    """Make an empty folder outside the checkout and remove it at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"muster-{name}-"))
    try:
        if owner is not None:
            os.chown(path, owner, owner)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    unprivileged: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it dies with this process, whatever ends that.

    Args:
        log: takes standard output and error.
        unprivileged: run as nobody when we are root.
    """
    # setpriv (util-linux) asks the kernel to kill the child when we die, even by kill -9.
    prefix = ["setpriv", "--pdeathsig", "KILL"]
    if unprivileged and os.geteuid() == 0:
        prefix += [f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
    with log.open("ab") as out:
        return subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def wait_listening(
    process: subprocess.Popen[bytes], port: int, log: Path, limit_s: float = START_LIMIT_S
) -> None:
    """Return as soon as the process listens on the port.

    Raises:
        StartError: it ended, or did not listen within limit_s.
    """
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(POLL_S)
        else:
            return
    raise StartError(f"{process.args!r} does not listen on {port}\n{tail(log)}")


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a process by its pid, by force if it does not obey, and reap it."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def tail(log: Path, lines: int = 40) -> str:
    """Give the last lines of a log, for messages."""
    text = log.read_text(errors="replace") if log.exists() else "(no log)"
    return "\n".join(text.splitlines()[-lines:])
