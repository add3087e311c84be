"""One SQLite file for spool, journal and remembered values, so that they commit together.

Every table has an `owner` (a device id): a real agent uses one, the simulator keeps a whole
fleet in one file.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from muster_agent.errors import StateError, StoreError

SCHEMA_VERSION = 1
MEMORY = ":memory:"

_SCHEMA = """
CREATE TABLE spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    child TEXT NOT NULL,
    channel TEXT NOT NULL,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    control INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE UNIQUE INDEX spool_identity ON spool (owner, child, boot, channel, seq);
CREATE INDEX spool_lane ON spool (owner, control, id);
CREATE TABLE journal (
    owner TEXT NOT NULL,
    execution TEXT NOT NULL,
    channel TEXT NOT NULL,
    child TEXT NOT NULL,
    name TEXT NOT NULL,
    args BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    phase TEXT NOT NULL,
    resumable INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    expires_at INTEGER,
    deadline_at INTEGER,
    report BLOB,
    report_row INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (owner, execution)
) WITHOUT ROWID;
CREATE INDEX journal_phase ON journal (owner, phase, received_at);
CREATE TABLE memo (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
"""


class Database:
    """A connection with short, nested-safe transactions.

    It is used under the agent's lock, from any thread.

    Args:
        path: the file, or None for one that lives in memory.
        durable: True makes each commit wait until the disk has it (synchronous FULL). False
            survives a killed process, but not a power cut.

    Raises:
        StateError: the file cannot be opened, is damaged or of another version.
    """

    def __init__(self, path: Path | None, *, durable: bool = True) -> None:
        self._open = False
        self._undo: list[Callable[[], None]] = []
        name = str(path) if path else MEMORY
        self._name = name
        try:
            self.connection = sqlite3.connect(
                name, isolation_level=None, check_same_thread=False, timeout=10
            )
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
            self._prepare()
        except sqlite3.Error as error:
            raise StateError(
                f"cannot use {name}: {error}; if the file is damaged, move it away (what it "
                "held and the platform had not confirmed is lost then)"
            ) from error

    def _prepare(self) -> None:
        found = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self.connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif found != SCHEMA_VERSION:
            self.connection.close()
            raise StateError(
                f"{self._name} is of version {found}, this agent reads version "
                f"{SCHEMA_VERSION}: start the agent that wrote it, or move the file away"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction, or take part in the one that is open.

        Raises:
            StoreError: it could not be written; nothing of it is.
        """
        if self._open:
            yield self.connection
            return
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            self._open = True
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._open = False
                self._undo.clear()
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {self._name}: {error}") from error

    def on_rollback(self, undo: Callable[[], None]) -> None:
        """Have something in memory put back if the open transaction comes to nothing."""
        self._undo.append(undo)

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        for undo in reversed(self._undo):
            undo()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.connection.close()
