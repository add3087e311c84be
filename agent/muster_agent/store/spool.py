"""The spool: every message accepted for the platform, until the ledger confirms it.

A message gets its boot and seq when it is accepted, in the same commit. Over the byte budget
the oldest telemetry goes first, then the oldest logs; other channels are never dropped. When
nothing else is left, new telemetry, logs and events are refused; control messages (few, and as
many as the platform caused) are still taken.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from muster_agent.errors import SpoolFullError
from muster_agent.store.database import Database
from muster_agent.store.memo import Memo
from muster_protocol.channels import Direction
from muster_protocol.channels import channel as channel_row
from muster_protocol.limits import LEDGER_BOOTS

DROP_ORDER = ("telemetry", "logs")
ROW_OVERHEAD_BYTES = 200
"""What a row costs besides its payload (columns, two indices, page slack), estimated."""
_DROP_STEP = 100
_COLUMNS = "id, child, channel, boot, seq, payload"
_PUBLISHED = "published:"


class Row(NamedTuple):
    """One stored message; `payload` is JSON without boot and seq."""

    id: int
    child: str
    channel: str
    boot: str
    seq: int
    payload: bytes

    def wire(self) -> bytes:
        """Give the payload as it is published, with boot and seq in front."""
        return identified(self.payload, self.boot, self.seq)


def identified(payload: bytes, boot: str, seq: int) -> bytes:
    """Put boot and seq into a JSON object."""
    head = f'{{"boot":"{boot}","seq":{seq}'.encode()
    return head + (b"," + payload[1:] if payload != b"{}" else b"}")


class Spool:
    """The messages of one owner and its children.

    Args:
        boot: id of this start of the agent.
        budget_bytes: how much may be kept, payloads and overhead together.

    Attributes:
        doubtful_id: rows up to this id were stored by an earlier start, which may have
            published them.
    """

    def __init__(self, db: Database, owner: str, boot: str, budget_bytes: int) -> None:
        self._db = db
        self._owner = owner
        self._memo = Memo(db, owner)
        self.boot = boot
        self.budget_bytes = budget_bytes
        self._next: dict[tuple[str, str], int] = {}
        self._marked = False
        self._adopt_unpublished()
        self.doubtful_id = self._last_doubtful()
        self.used_bytes: int = self._one(
            "SELECT COALESCE(SUM(bytes), 0) FROM spool WHERE owner = ?", owner
        )

    def _one(self, sql: str, *args: object) -> int:
        return int(self._db.connection.execute(sql, args).fetchone()[0])

    def _last_doubtful(self) -> int:
        return self._one(
            "SELECT COALESCE(MAX(id), 0) FROM spool WHERE owner = ? AND boot <> ?",
            self._owner,
            self.boot,
        )

    def _adopt_unpublished(self) -> None:
        """Renumber what earlier starts stored but, never connected, cannot have published.

        So a device that restarts a thousand times without network comes back with one boot to
        account for, not a thousand.
        """
        connected = {key.removeprefix(_PUBLISHED) for key in self._memo.keys(_PUBLISHED)}
        with self._db.transaction() as connection:
            rows = connection.execute(
                "SELECT id, child, channel, boot FROM spool WHERE owner = ? ORDER BY id",
                (self._owner,),
            ).fetchall()
            for row_id, child, channel, boot in rows:
                if boot in connected:
                    continue
                connection.execute(
                    "UPDATE spool SET boot = ?, seq = ? WHERE id = ?",
                    (self.boot, self._take(child, channel), row_id),
                )
            for boot in connected - {boot for *_, boot in rows}:
                self._memo.drop(_PUBLISHED + boot)

    def _take(self, child: str, channel: str) -> int:
        seq = self._next.get((child, channel), 1)
        self._next[child, channel] = seq + 1
        return seq

    def mark_published(self) -> None:
        """Note durably that messages of this boot may have reached a broker."""
        if not self._marked:
            self._memo.put(_PUBLISHED + self.boot, True)
            self._marked = True

    def append(self, channel: str, payload: bytes, child: str = "") -> Row:
        """Store a message; when this returns, it is accepted.

        Raises:
            SpoolFullError: the budget is spent and nothing may be dropped for it.
            StoreError: the disk refused.
        """
        size = len(payload) + ROW_OVERHEAD_BYTES
        control = channel_row(Direction.UP, channel).control
        with self._db.transaction() as connection:
            self._db.on_rollback(self._restore_point((child, channel)))
            self._make_room(size, refuse=not control)
            seq = self._take(child, channel)
            cursor = connection.execute(
                "INSERT INTO spool (owner, child, channel, boot, seq, control, bytes, payload)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self._owner, child, channel, self.boot, seq, control, size, payload),
            )
            self.used_bytes += size
        return Row(int(cursor.lastrowid or 0), child, channel, self.boot, seq, payload)

    def _restore_point(self, key: tuple[str, str]) -> Callable[[], None]:
        """Remember what a transaction changes in memory: a seq once given must be stored."""
        seq, used = self._next.get(key, 1), self.used_bytes

        def restore() -> None:
            self._next[key], self.used_bytes = seq, used

        return restore

    def _make_room(self, size: int, *, refuse: bool) -> None:
        for channel in DROP_ORDER:
            while self.used_bytes + size > self.budget_bytes and self._drop_oldest(channel):
                pass
        if refuse and self.used_bytes + size > self.budget_bytes:
            raise SpoolFullError(
                f"the spool holds {self.used_bytes} bytes of at most {self.budget_bytes} and "
                "nothing in it may be dropped: connect the device, or raise spool_bytes"
            )

    def _drop_oldest(self, channel: str) -> int:
        connection = self._db.connection
        rows = connection.execute(
            "SELECT id, bytes FROM spool WHERE owner = ? AND control = 0 AND channel = ?"
            " ORDER BY id LIMIT ?",
            (self._owner, channel, _DROP_STEP),
        ).fetchall()
        gone = 0
        for row_id, size in rows:
            connection.execute("DELETE FROM spool WHERE id = ?", (row_id,))
            self.used_bytes -= size
            gone += 1
            if self.used_bytes <= self.budget_bytes * 0.98:
                break
        if gone:
            key = f"dropped:{channel}"
            self._memo.put(key, self._memo.get(key, int, 0) + gone)
        return gone

    def take_dropped(self) -> dict[str, int]:
        """Give, and set back to zero, how many messages were dropped per channel."""
        counts = {}
        for key in self._memo.keys("dropped:"):
            counts[key.removeprefix("dropped:")] = self._memo.get(key, int, 0)
            self._memo.drop(key)
        return counts

    def fetch(self, control: bool, after: int, upto: int, limit: int) -> list[Row]:
        """Read rows of a lane with after < id <= upto, oldest first; hello is in no lane."""
        rows = self._db.connection.execute(
            f"SELECT {_COLUMNS} FROM spool WHERE owner = ? AND control = ?"  # noqa: S608
            " AND id > ? AND id <= ? AND channel <> 'hello' ORDER BY id LIMIT ?",
            (self._owner, control, after, upto, limit),
        )
        return [Row(*row) for row in rows]

    def get(self, row_id: int) -> Row | None:
        """Read one row; None once it was confirmed or dropped."""
        row = self._db.connection.execute(
            f"SELECT {_COLUMNS} FROM spool WHERE id = ?",  # noqa: S608
            (row_id,),
        ).fetchone()
        return Row(*row) if row else None

    def confirm(self, child: str, boot: str, channel: str, upto: int) -> int:
        """Drop what the platform has stored; returns how many rows went."""
        with self._db.transaction() as connection:
            where = "owner = ? AND child = ? AND boot = ? AND channel = ? AND seq <= ?"
            key = (self._owner, child, boot, channel, upto)
            freed = self._one(f"SELECT COALESCE(SUM(bytes), 0) FROM spool WHERE {where}", *key)  # noqa: S608
            gone = connection.execute(f"DELETE FROM spool WHERE {where}", key).rowcount  # noqa: S608
        self.used_bytes -= freed
        return gone

    def find(
        self, child: str, boot: str, channel: str, first: int, last: int
    ) -> list[tuple[int, int]]:
        """List (seq, row id) of a range, both ends included, in order."""
        return self._db.connection.execute(
            "SELECT seq, id FROM spool WHERE owner = ? AND child = ? AND boot = ?"
            " AND channel = ? AND seq BETWEEN ? AND ? ORDER BY seq",
            (self._owner, child, boot, channel, first, last),
        ).fetchall()

    def next_seq(self, child: str, boot: str, channel: str) -> int:
        """Give the seq after the last one that the boot is known to have given out."""
        if boot == self.boot:
            return self._next.get((child, channel), 1)
        return self._one(
            "SELECT COALESCE(MAX(seq), 0) + 1 FROM spool"
            " WHERE owner = ? AND child = ? AND boot = ? AND channel = ?",
            self._owner,
            child,
            boot,
            channel,
        )

    def unsent(
        self, child: str, published: Iterable[tuple[bool, int]]
    ) -> dict[str, dict[str, int]]:
        """Give {boot: {channel: next seq never yet published}} for a hello.

        Of an earlier boot everything stored counts as published: what of it the platform does
        not have it will ask for.

        Args:
            published: (lane, row id): how far each lane has been published by this start.
        """
        result: dict[str, dict[str, int]] = {self.boot: {}}
        for (owner, channel), seq in self._next.items():
            if owner == child:
                result[self.boot][channel] = seq
        for control, row_id in published:
            rows = self._db.connection.execute(
                "SELECT channel, MIN(seq) FROM spool WHERE owner = ? AND control = ?"
                " AND id > ? AND child = ? AND boot = ? AND channel <> 'hello' GROUP BY channel",
                (self._owner, control, row_id, child, self.boot),
            )
            for channel, seq in rows:
                result[self.boot][channel] = seq
        rows = self._db.connection.execute(
            "SELECT boot, channel, MAX(seq) + 1 FROM spool WHERE owner = ? AND child = ?"
            " AND boot <> ? GROUP BY boot, channel ORDER BY MIN(id)",
            (self._owner, child, self.boot),
        )
        for boot, channel, seq in rows:
            if boot in result or len(result) < LEDGER_BOOTS:
                result.setdefault(boot, {})[channel] = seq
        return result

    def count(self) -> int:
        """Count the rows that wait for confirmation."""
        return self._one("SELECT COUNT(*) FROM spool WHERE owner = ?", self._owner)
