"""The spool: messages kept on this machine's disk while the store is away.

One SQLite file, synchronous FULL: what `append` returned for survives a power cut, at the cost of
one fsync per batch. Oldest first out; a byte budget that is kept, since a full disk would stop
the neighbours too.
"""

import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from muster_broker.receiver import Received
from muster_platform.errors import ConfigurationError
from muster_protocol.ids import uuid7

log = logging.getLogger(__name__)

ROW_BYTES = 96
"""What a row costs beside topic and payload, as counted against the budget."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    qos INTEGER NOT NULL,
    retain INTEGER NOT NULL,
    received_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS spool (name TEXT NOT NULL);
"""


class SpoolFull(Exception):
    """No room within the budget, or on the disk; nothing of the call was kept."""


class Spooled:
    """A message looked at in the spool.

    Attributes:
        id: position in the spool, ascending.
        device: as given to `append`.
        origin: names it, in this installation, for ever.
    """

    __slots__ = ("device", "id", "origin", "raw")

    def __init__(self, row_id: int, device: str, origin: str, raw: Received) -> None:
        self.id = row_id
        self.device = device
        self.origin = origin
        self.raw = raw


class Spool:
    """A bounded queue on disk, for one process at a time."""

    def __init__(self, path: Path | str, budget_bytes: int) -> None:
        """Open or make the file; what it holds is counted.

        Args:
            path: the file; ":memory:" for tests of the rules around it.
            budget_bytes: how much it may hold.

        Raises:
            ConfigurationError: another process has it, or it cannot be read.
        """
        self.path = path
        self.budget_bytes = budget_bytes
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"spool {path}: {error}. Is another ingest running in the same state_dir? If the "
                "file is damaged, move it away and keep it: it holds messages not stored yet"
            ) from error

    def _open(self) -> sqlite3.Connection:
        # One thread at a time uses it, not always the one that opened it.
        db = sqlite3.connect(self.path, isolation_level=None, timeout=0.5, check_same_thread=False)
        for pragma in (
            "auto_vacuum=INCREMENTAL",
            "locking_mode=EXCLUSIVE",
            "journal_mode=WAL",
            "synchronous=FULL",
        ):
            db.execute(f"PRAGMA {pragma}")
        db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        if isinstance(self.path, Path):
            _sync_folder(self.path.parent)
        if db.execute("SELECT name FROM spool").fetchone() is None:
            db.execute("INSERT INTO spool VALUES (?)", (uuid7(),))
        self.name = str(db.execute("SELECT name FROM spool").fetchone()[0])
        size = f"SUM(length(payload) + length(CAST(topic AS BLOB)) + {ROW_BYTES})"
        rows = db.execute(f"SELECT device, COUNT(*), {size} FROM messages GROUP BY device")  # noqa: S608
        self.devices: Counter[str] = Counter()
        self.bytes = 0
        for device, count, held in rows:
            self.devices[device] = count
            self.bytes += held
        return db

    def __len__(self) -> int:
        return self.devices.total()

    def append(self, messages: Sequence[tuple[str, Received]]) -> None:
        """Keep messages, all or none, safe against a power cut when this returns.

        Args:
            messages: (device id, message), in order.

        Raises:
            SpoolFull: beyond the budget, or the disk takes no more.
        """
        size = sum(map(_size, messages))
        if self.bytes + size > self.budget_bytes:
            raise SpoolFull(
                f"spool {self.path} holds {self.bytes} of {self.budget_bytes} bytes; "
                f"{size} more do not fit"
            )
        rows = (
            (device, m.topic, m.payload, m.qos, m.retain, m.received_at) for device, m in messages
        )
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO messages (device, topic, payload, qos, retain, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise SpoolFull(f"spool {self.path}: {error}") from error
        self.bytes += size
        self.devices.update(device for device, _ in messages)

    def oldest(self, count: int) -> list[Spooled]:
        """Look at the oldest messages without taking them."""
        rows = self._db.execute(
            "SELECT id, device, topic, payload, qos, retain, received_at FROM messages"
            " ORDER BY id LIMIT ?",
            (count,),
        )
        return [
            Spooled(
                row_id,
                device,
                f"{self.name}.{row_id}",
                Received(topic, payload, qos, 0, False, bool(retain), received_at, 0),
            )
            for row_id, device, topic, payload, qos, retain, received_at in rows
        ]

    def remove(self, messages: Sequence[Spooled]) -> None:
        """Forget messages that are stored elsewhere now: what `oldest` gave, or its beginning."""
        if not messages:
            return
        self._db.execute("DELETE FROM messages WHERE id <= ?", (messages[-1].id,))
        for message in messages:
            self.bytes -= _size((message.device, message.raw))
            self.devices[message.device] -= 1
            if self.devices[message.device] <= 0:
                del self.devices[message.device]
        if not self.devices:
            self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def close(self) -> None:
        """Close the file; what it holds stays."""
        self._db.close()

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _size(entry: tuple[str, Received]) -> int:
    message = entry[1]
    return len(message.payload) + len(message.topic.encode()) + ROW_BYTES


def _sync_folder(folder: Path) -> None:
    """Make the file's name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
