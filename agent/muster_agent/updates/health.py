"""Is the new one healthy? A command, or a function of the app."""

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

Health = Callable[[], str]
"""Gives "" when healthy, else why not. What it raises is a reason too."""


def healthy() -> str:
    """Find everything healthy: for who has no check."""
    return ""


def health_command(command: str, limit_s: float = 60.0, folder: Path | None = None) -> Health:
    """Make a check of a command: exit status 0 is healthy.

    Args:
        command: words as in a shell, but no shell is used.
        limit_s: after so long it is killed, and not healthy.
        folder: where it runs.
    """
    words = shlex.split(command)

    def check() -> str:
        try:
            done = subprocess.run(  # noqa: S603
                words, capture_output=True, timeout=limit_s, cwd=folder, check=False
            )
        except subprocess.TimeoutExpired:
            return f"`{command}` took longer than {limit_s:.0f} s"
        except OSError as error:
            return f"`{command}`: {error.strerror or error}"
        if done.returncode == 0:
            return ""
        said = (done.stderr or done.stdout)[-500:].decode(errors="replace").strip()
        return f"`{command}` ended with {done.returncode}{': ' + said if said else ''}"

    return check
