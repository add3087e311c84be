"""Fixtures for all tests: the real parts of tests/services, databases, our own processes.

A part starts at its first use and serves the whole run. What a test gets is fresh (its own
database, an emptied Valkey) or to be shared with care (Mosquitto: use client ids and topics of
your own).
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis

from tests.services import base, chromium, elasticsearch, kafka, mosquitto, postgresql, valkey
from tests.services.muster import MusterProcess

# Deadlines measure the machine, not the code. Under CI the examples are the same every time.
hypothesis.settings.register_profile("local", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Give a function that finds another free port of 127.0.0.1 at each call."""
    return base.free_port


@pytest.fixture(scope="session", name="mosquitto")
def _mosquitto() -> Iterator[mosquitto.Mosquitto]:
    """Give Mosquitto, open to all. For another configuration: mosquitto.running(lines)."""
    with mosquitto.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Postgres]:
    """Give a PostgreSQL server whose commits do not wait for the disk."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[postgresql.Postgres]:
    """Give a PostgreSQL server that forces commits to disk, as in production."""
    with postgresql.running(durable=True) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: postgresql.Postgres) -> Iterator[str]:
    """Give the address of an empty PostgreSQL database of the test's own."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the address of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'muster.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database; the test runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="session", name="_valkey_server")
def _valkey_server() -> Iterator[valkey.Valkey]:
    with valkey.running() as server:
        yield server


@pytest.fixture(name="valkey")
def _valkey(_valkey_server: valkey.Valkey) -> valkey.Valkey:
    """Give an empty Valkey (`.url` is its address)."""
    with redis.Redis(port=_valkey_server.port) as client:
        client.flushall()
    return _valkey_server


@pytest.fixture(scope="session", name="_elasticsearch_server")
def _elasticsearch_server() -> Iterator[elasticsearch.Elasticsearch]:
    with elasticsearch.running() as server:
        yield server


@pytest.fixture(name="elasticsearch")
def _elasticsearch(
    _elasticsearch_server: elasticsearch.Elasticsearch,
) -> elasticsearch.Elasticsearch:
    """Give Elasticsearch without any index (`.url`); it may be killed and started again."""
    _elasticsearch_server.clear()
    return _elasticsearch_server


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    """Give headless Chromium; open a context of your own in it.

    Not for the whole run: Playwright keeps an event loop running in this thread, and as long as
    it does no other test can run one.
    """
    with chromium.running() as started:
        yield started


@pytest.fixture(scope="session", name="kafka")
def _kafka() -> Iterator[kafka.Kafka]:
    """Give Kafka, shared: use topics or a prefix of your own; one to kill: kafka.running()."""
    with kafka.running() as server:
        yield server


@pytest.fixture
def muster_process(tmp_path: Path) -> Iterator[Callable[..., MusterProcess]]:
    """Give a function that starts `muster ARGUMENT…` (env=, cwd=); all is reaped at the end."""
    started: list[MusterProcess] = []

    def start(
        *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> MusterProcess:
        log = tmp_path / f"muster-{len(started)}.log"
        started.append(MusterProcess(arguments, log, env, cwd))
        return started[-1]

    yield start
    for process in started:
        process.reap()
