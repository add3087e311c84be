"""Migrations make exactly the tables that the models describe, on both kinds of database."""

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import muster_platform.models  # noqa: F401 - fills the metadata
from muster_platform.db import migrate
from muster_platform.db.base import Base
from muster_platform.db.engine import make_engine
from muster_platform.errors import ConfigurationError

PARTITION = "telemetry_default"
"""Made by a migration on PostgreSQL alone; no model has it."""


@pytest.fixture
def engine(database_url):
    made = make_engine(database_url)
    yield made
    made.dispose()


def test_models_and_migrations_agree(engine):
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, Base.metadata)
    assert [item for item in found if PARTITION not in str(item)] == []


def test_migrations_can_be_taken_back_and_made_again(engine):
    migrate.upgrade(engine)
    migrate.downgrade(engine, "base")
    left = set(sqlalchemy.inspect(engine).get_table_names())
    assert left <= {"alembic_version"}
    migrate.upgrade(engine)
    migrate.check(engine)


def test_an_empty_database_is_refused_with_what_to_do(engine):
    with pytest.raises(ConfigurationError, match="is empty: run `muster db upgrade`"):
        migrate.check(engine)


def test_a_database_of_a_newer_version_is_refused(engine):
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer"):
        migrate.check(engine)


def test_a_database_of_an_older_version_is_refused_with_what_to_do(engine):
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ConfigurationError, match="back it up, then run `muster db upgrade`"):
        migrate.check(engine)
