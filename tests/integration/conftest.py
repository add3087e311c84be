"""A platform on a migrated database of the test's own, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.database import MigratedPostgres, MigratedSqlite, TestPlatform


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> MigratedSqlite:
    """Give copies of a migrated SQLite file."""
    return MigratedSqlite(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def migrated_postgres(request: pytest.FixtureRequest) -> MigratedPostgres:
    """Give the migrated PostgreSQL database."""
    return MigratedPostgres(request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a migrated database; the test runs once on each kind."""
    if request.param == "sqlite":
        copies: MigratedSqlite = request.getfixturevalue("migrated_sqlite")
        yield copies.copy()
        return
    databases: MigratedPostgres = request.getfixturevalue("migrated_postgres")
    yield databases.empty()


@pytest.fixture
def platform(migrated_url: str, tmp_path: Path) -> Iterator[TestPlatform]:
    """Give a platform with a manual clock and recorded signals."""
    built = TestPlatform(migrated_url, tmp_path / "state")
    yield built
    built.close()
