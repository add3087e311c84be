"""Alembic's environment: the engine is handed in by muster_platform.db.migrate."""

from alembic import context
from sqlalchemy import Connection

import muster_platform.models  # noqa: F401 - fills the metadata
from muster_platform.db.base import Base


def check_foreign_keys(connection: Connection, word: str) -> None:
    """Switch SQLite's check of foreign keys, which it takes only outside a transaction.

    Changing a table means making it anew there: with the check on, a table that others refer to
    could not be dropped for it.
    """
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={word}")
        cursor.close()


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    check_foreign_keys(connection, "OFF")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    check_foreign_keys(connection, "ON")
