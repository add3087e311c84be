"""PostgreSQL (Debian), run as nobody, since it refuses root."""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from tests.services.base import (
    HOST,
    POLL_S,
    UNPRIVILEGED,
    StartError,
    folder,
    free_port,
    program,
    spawn,
    stop,
    tail,
    wait_listening,
)

USER = "postgres"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that pull no plug: nothing is forced to disk."""
OPTIONS = (
    f"listen_addresses={HOST}",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=64MB",
    "timezone=UTC",
)
VERSIONS = range(30, 14, -1)


@dataclass(frozen=True)
class Postgres:
    """A running server with one superuser and no password."""

    port: int
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str = "postgres") -> str:
        """Give SQLAlchemy's address of a database."""
        return f"postgresql+psycopg2://{USER}@{HOST}:{self.port}/{database}"

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of another one, and give its name."""
        name = f"test_{os.getpid()}_{next(self.names)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        return name

    def drop(self, name: str) -> None:
        """Remove a database and end whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside a transaction."""
        connection = psycopg2.connect(host=HOST, port=self.port, user=USER, dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a server on a new cluster.

    Args:
        durable: force every commit to disk, as in production; slower.
    """
    folders = [f"/usr/lib/postgresql/{version}/bin" for version in VERSIONS]
    server, initdb = program("postgres", *folders), program("initdb", *folders)
    with folder("postgresql", UNPRIVILEGED if os.geteuid() == 0 else None) as home:
        data, log = home / "data", home / "postgresql.log"
        _init(initdb, data, log)
        port = free_port()
        settings = (*OPTIONS, *(() if durable else FAST))
        options = [word for setting in settings for word in ("-c", setting)]
        command = [server, "-D", str(data), "-p", str(port), *options]
        process = spawn(command, log, unprivileged=True, cwd=home)
        try:
            wait_listening(process, port, log)
            _wait_ready(Postgres(port))
            yield Postgres(port)
        finally:
            stop(process, signal.SIGINT)


def _init(initdb: str, data: Path, log: Path) -> None:
    # --no-sync: these clusters never outlive the run, however durable their commits are.
    command = [initdb, "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8"]
    command += ["--locale=C.UTF-8", "--no-sync"]
    process = spawn(command, log, unprivileged=True, cwd=data.parent)
    if process.wait(120) != 0:
        raise StartError(f"initdb failed\n{tail(log)}")


def _wait_ready(server: Postgres) -> None:
    """It listens a moment before it answers ("the database system is starting up")."""
    for attempt in itertools.count(1):
        try:
            server.execute("SELECT 1")
        except psycopg2.OperationalError:
            if attempt == 500:
                raise
            time.sleep(POLL_S)
        else:
            return
