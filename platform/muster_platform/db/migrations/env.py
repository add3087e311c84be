"""Alembic's environment: the engine is handed in by muster_platform.db.migrate."""

from alembic import context

import muster_platform.models  # noqa: F401 - fills the metadata
from muster_platform.db.base import Base

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
