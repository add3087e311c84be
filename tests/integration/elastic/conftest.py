"""The platform of these tests searches its logs in Elasticsearch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.database import MigratedSqlite
from tests.services.elastic_platform import ElasticPlatform
from tests.services.elasticsearch import Elasticsearch


@pytest.fixture
def platform(
    migrated_sqlite: MigratedSqlite, tmp_path: Path, elasticsearch: Elasticsearch
) -> Iterator[ElasticPlatform]:
    """Give it, on SQLite."""
    built = ElasticPlatform(migrated_sqlite.copy(), tmp_path / "state", elasticsearch)
    yield built
    built.close()
