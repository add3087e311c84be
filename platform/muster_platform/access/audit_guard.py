"""The database's own refusal to change or delete audit entries.

Defence in depth: whoever owns the database can drop it, and the chain would tell. Migrations that
must touch the table take it down and put it up again; on SQLite also those that recreate the table.
"""

from sqlalchemy import Connection, text

TABLE = "audit_entries"
MESSAGE = "audit entries are never changed or deleted"

_UP = {
    "postgresql": (
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
        f"CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
        f"CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    ),
    "sqlite": tuple(
        f"CREATE TRIGGER audit_entries_no_{act} BEFORE {act} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for act in ("update", "delete")
    ),
}
_DOWN = {
    "postgresql": (
        f"DROP TRIGGER IF EXISTS audit_entries_no_change ON {TABLE}",
        f"DROP TRIGGER IF EXISTS audit_entries_no_truncate ON {TABLE}",
        "DROP FUNCTION IF EXISTS refuse_audit_change()",
    ),
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS audit_entries_no_{a}" for a in ("update", "delete")),
}


def put_up(connection: Connection) -> None:
    """Make the triggers."""
    _run(connection, _UP)


def take_down(connection: Connection) -> None:
    """Remove the triggers, for a migration."""
    _run(connection, _DOWN)


def _run(connection: Connection, statements: dict[str, tuple[str, ...]]) -> None:
    for statement in statements[connection.dialect.name]:
        connection.execute(text(statement))
