"""Mosquitto (Debian): the broker of the production profile, and a peer in benchmarks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.base import HOST, folder, free_port, program, spawn, stop, wait_listening

OPEN_TO_ALL = ("allow_anonymous true",)


@dataclass(frozen=True)
class Mosquitto:
    """A running server.

    Attributes:
        port: MQTT over TCP.
        ws_port: MQTT over WebSocket.
    """

    host: str
    port: int
    ws_port: int
    log: Path


def config(folder: Path, port: int, ws_port: int, lines: Sequence[str]) -> str:
    """Write mosquitto.conf: our two listeners, no queue limits, and the lines given."""
    return "\n".join(
        [
            "per_listener_settings false",
            f"listener {port} {HOST}",
            f"listener {ws_port} {HOST}",
            "protocol websockets",
            "set_tcp_nodelay true",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            f"persistence_location {folder}/",
            f"pid_file {folder}/mosquitto.pid",
            *lines,
            "",
        ]
    )


@contextmanager
def running_with(conf: Path, port: int) -> Iterator[Path]:
    """Start a server by a configuration that is there; give its log."""
    log = conf.with_suffix(".log")
    process = spawn([program("mosquitto"), "-c", str(conf)], log)
    try:
        wait_listening(process, port, log)
        yield log
    finally:
        stop(process)


@contextmanager
def running(lines: Sequence[str] = OPEN_TO_ALL, *, port: int = 0) -> Iterator[Mosquitto]:
    """Start a server with these lines of configuration (beside the listeners).

    Args:
        lines: further lines of mosquitto.conf.
        port: of a server that was there before; 0 finds a free one.
    """
    binary = program("mosquitto")
    with folder("mosquitto") as home:
        port, ws_port, log = port or free_port(), free_port(), home / "mosquitto.log"
        conf = home / "mosquitto.conf"
        # As root it would drop to its own user, who may not read our folder.
        conf.write_text(config(home, port, ws_port, ["user root", *lines]))
        process = spawn([binary, "-c", str(conf)], log)
        try:
            wait_listening(process, port, log)
            yield Mosquitto(HOST, port, ws_port, log)
        finally:
            stop(process)
