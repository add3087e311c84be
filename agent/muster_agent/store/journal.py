"""The journal: which executions this device has begun and ended. It makes an id run once."""

from enum import StrEnum
from typing import NamedTuple

from muster_agent.store.database import Database

_COLUMNS = (
    "execution, channel, child, name, args, attempt, phase, resumable, received_at, "
    "expires_at, deadline_at, report, report_row, finished_at"
)


class Phase(StrEnum):
    """How far an execution has come on this device."""

    RECEIVED = "RECEIVED"
    """Stored and answered DELIVERED; its handler has not begun."""
    RUNNING = "RUNNING"
    """The handler may have begun."""
    DONE = "DONE"
    """Ended; the report is kept."""


class Entry(NamedTuple):
    """One execution. Times in ms by the server's clock; args and report are JSON."""

    execution: str
    channel: str
    child: str
    name: str
    args: bytes
    attempt: int
    phase: str
    resumable: int
    received_at: int
    expires_at: int | None
    deadline_at: int | None
    report: bytes | None = None
    report_row: int | None = None
    finished_at: int | None = None


class Journal:
    """The executions of one owner."""

    def __init__(self, db: Database, owner: str) -> None:
        self._db = db
        self._owner = owner

    def find(self, execution: str) -> Entry | None:
        """Read an execution."""
        row = self._db.connection.execute(
            f"SELECT {_COLUMNS} FROM journal WHERE owner = ? AND execution = ?",  # noqa: S608
            (self._owner, execution),
        ).fetchone()
        return Entry(*row) if row else None

    def add(self, entry: Entry) -> None:
        """Store a new execution."""
        with self._db.transaction() as connection:
            marks = ", ".join("?" * (len(entry) + 1))
            connection.execute(
                f"INSERT INTO journal (owner, {_COLUMNS}) VALUES ({marks})",  # noqa: S608
                (self._owner, *entry),
            )

    def set_phase(self, execution: str, phase: Phase) -> None:
        """Move an execution on."""
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE journal SET phase = ? WHERE owner = ? AND execution = ?",
                (phase, self._owner, execution),
            )

    def finish(self, execution: str, report: bytes, report_row: int, now_ms: int) -> None:
        """Store the end of an execution with the report that says so."""
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE journal SET phase = ?, report = ?, report_row = ?, finished_at = ?"
                " WHERE owner = ? AND execution = ?",
                (Phase.DONE, report, report_row, now_ms, self._owner, execution),
            )

    def in_phase(self, phase: Phase) -> list[Entry]:
        """List the executions of a phase, oldest first."""
        rows = self._db.connection.execute(
            f"SELECT {_COLUMNS} FROM journal WHERE owner = ? AND phase = ?"  # noqa: S608
            " ORDER BY received_at, execution",
            (self._owner, phase),
        )
        return [Entry(*row) for row in rows]

    def prune(self, finished_before_ms: int, expired_before_ms: int) -> int:
        """Forget executions that ended long ago, can no longer be sent, and are confirmed.

        Args:
            finished_before_ms: only those that ended before this.
            expired_before_ms: only those without `expires_at` or with one before this.

        Returns:
            How many were forgotten.
        """
        with self._db.transaction() as connection:
            return connection.execute(
                "DELETE FROM journal WHERE owner = ? AND phase = ? AND finished_at < ?"
                " AND (expires_at IS NULL OR expires_at < ?)"
                " AND NOT EXISTS (SELECT 1 FROM spool WHERE spool.id = journal.report_row)",
                (self._owner, Phase.DONE, finished_before_ms, expired_before_ms),
            ).rowcount
