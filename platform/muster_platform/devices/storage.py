"""What the data takes: rows, bytes and age of the big tables, by cheap estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from muster_platform.access.permissions import Permission
from muster_platform.db.bulk import is_postgres
from muster_platform.devices.models import Profile
from muster_platform.devices.settings_models import RetentionMark
from muster_platform.settings import Settings
from muster_platform.unit import Unit


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data that grows.

    Attributes:
        table: where it is.
        time: its column of time.
        exact: that column has an index of its own; else the row stored first stands for the
            oldest one.
        setting: of its retention in days, "" for data that is kept.
        by_profile: profiles may differ from the setting.
    """

    name: str
    title: str
    table: str
    time: str
    exact: bool
    setting: str
    by_profile: bool = False


KINDS: tuple[Kind, ...] = (
    Kind("telemetry", "Telemetry", "telemetry", "ts", False, "telemetry_kept_days", True),
    Kind("logs", "Logs", "log_records", "ts", True, "logs_kept_days", True),
    Kind("events", "Timelines", "device_events", "at", False, "events_kept_days"),
    Kind("raw", "Raw messages", "raw_messages", "received_at", False, "raw_kept_days"),
    Kind("quarantine", "Quarantine", "quarantine", "received_at", True, "quarantine_kept_days"),
    Kind("executions", "Executions", "executions", "queued_at", False, ""),
    Kind("audit", "Audit trail", "audit_entries", "at", False, ""),
)


@dataclass(frozen=True, slots=True)
class StorageFact:
    """How much there is of one kind of data.

    Attributes:
        rows: about how many.
        bytes: with indexes; None where the database cannot say it per table.
        oldest_at: about the time of the oldest, ms since the epoch; None when there is none.
        kept_days: installation's retention; 0 for ever; None for data that is never deleted.
        profiles: names of profiles whose retention differs.
        deleted: rows that retention has deleted so far.
        cleaned_at: when retention last finished a round, ms since the epoch.
    """

    kind: str
    title: str
    rows: int
    bytes: int | None
    oldest_at: int | None
    kept_days: int | None
    profiles: tuple[str, ...] = ()
    deleted: int = 0
    cleaned_at: int | None = None


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """The big tables, and the whole.

    Attributes:
        database: `sqlite` or `postgresql`.
        total_bytes: of the whole database.
    """

    database: str
    total_bytes: int
    items: tuple[StorageFact, ...]


class StorageService:
    """Says what the data takes."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def facts(self) -> StorageFacts:
        """Give rows, bytes, age and retention of each kind of data.

        Costs milliseconds whatever the size: rows and bytes are the database's own estimates.

        Raises:
            PermissionDenied: without system:read everywhere.
        """
        self._unit.actor.require(Permission.SYSTEM_READ)
        connection = self._unit.session.connection()
        marks = self._unit.session.scalars(select(RetentionMark)).all()
        profiles = self._unit.session.scalars(select(Profile).order_by(Profile.name)).all()
        return StorageFacts(
            connection.dialect.name,
            _total_bytes(connection),
            tuple(_fact(connection, kind, self._unit.settings, marks, profiles) for kind in KINDS),
        )


def _fact(
    connection: Connection,
    kind: Kind,
    settings: Settings,
    marks: Sequence[RetentionMark],
    profiles: Sequence[Profile],
) -> StorageFact:
    own = [mark for mark in marks if mark.name.partition(":")[0] == kind.name]
    differing = [
        p.name for p in profiles if kind.by_profile and getattr(p, kind.setting) is not None
    ]
    return StorageFact(
        kind.name,
        kind.title,
        _rows(connection, kind.table),
        _bytes(connection, kind.table),
        _oldest(connection, kind),
        getattr(settings, kind.setting) if kind.setting else None,
        tuple(differing),
        sum(mark.deleted for mark in own),
        max((mark.done_at for mark in own if mark.done_at is not None), default=None),
    )


def leaves(connection: Connection, table: str) -> list[str]:
    """Give a table's partitions (PostgreSQL), or the table itself where it has none."""
    statement = text(
        "SELECT CAST(relid AS text) FROM pg_partition_tree(CAST(:name AS regclass)) WHERE isleaf"
    )
    return list(connection.execute(statement, {"name": table}).scalars()) or [table]


def _rows(connection: Connection, table: str) -> int:
    if is_postgres(connection):
        statement = text(
            "SELECT COALESCE(SUM(GREATEST(c.reltuples, s.n_live_tup, 0)), 0) FROM pg_class c"
            " LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
            " WHERE c.oid = ANY(CAST(:leaves AS regclass[]))"
        )
        found = connection.execute(statement, {"leaves": leaves(connection, table)})
        return int(found.scalar_one())
    # Deleted rows leave holes only at the beginning here: retention deletes the oldest.
    statement = text(
        f"SELECT COALESCE(MAX(rowid) - MIN(rowid) + 1, 0) FROM {table}"  # noqa: S608 - our names
    )
    return int(connection.execute(statement).scalar_one())


def _bytes(connection: Connection, table: str) -> int | None:
    if not is_postgres(connection):
        return None  # SQLite would read the whole file to say it
    statement = text(
        "SELECT COALESCE(SUM(pg_total_relation_size(leaf)), 0)"
        " FROM unnest(CAST(:leaves AS regclass[])) AS leaf"
    )
    return int(connection.execute(statement, {"leaves": leaves(connection, table)}).scalar_one())


def _oldest(connection: Connection, kind: Kind) -> int | None:
    """Give about the time of the oldest row."""
    if kind.exact:
        statement = f"SELECT MIN({kind.time}) FROM {kind.table}"  # noqa: S608 - our names
    elif is_postgres(connection):
        return _oldest_stored(connection, kind)
    else:
        statement = f"SELECT {kind.time} FROM {kind.table} ORDER BY rowid LIMIT 1"  # noqa: S608
    found = connection.execute(text(statement)).scalar()
    return None if found is None else int(found)


def _oldest_stored(connection: Connection, kind: Kind) -> int | None:
    """Look at the first row of each partition as it lies on disk: no index is over time alone."""
    found = []
    for leaf in leaves(connection, kind.table):
        first = connection.execute(
            text(f"SELECT {kind.time} FROM ONLY {leaf} LIMIT 1")  # noqa: S608 - the catalogue's
        ).scalar()
        if first is not None:
            found.append(int(first))
    return min(found, default=None)


def _total_bytes(connection: Connection) -> int:
    if is_postgres(connection):
        return int(
            connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
        )
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    return pages * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
