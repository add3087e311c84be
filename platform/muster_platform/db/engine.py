"""Engines: SQLite made safe for several processes, PostgreSQL as it is."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

READ_ONLY = "muster_read_only"
"""Execution option: the transaction only reads (SQLite then takes no write lock)."""

BUSY_TIMEOUT_MS = 10_000


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """Build the engine for a database URL (sqlite:///path or postgresql+psycopg2://…).

    On SQLite: WAL, foreign keys, busy time-out, and BEGIN IMMEDIATE for transactions that write,
    so that two writers wait for each other instead of failing half way.

    Errors do not show the values of a statement: they end in logs, and hold hashes of secrets and
    what devices say.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    return create_engine(
        url, pool_size=pool_size, max_overflow=8, pool_pre_ping=True, hide_parameters=True
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we write BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "cache_size=-32000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
