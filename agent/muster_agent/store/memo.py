"""Small remembered values, by key: settings in force, children's sessions, counters."""

from typing import TypeVar

import msgspec

from muster_agent.store.database import Database

T = TypeVar("T")


class Memo:
    """Values of one owner, stored as JSON."""

    def __init__(self, db: Database, owner: str) -> None:
        self._db = db
        self._owner = owner

    def get(self, key: str, kind: type[T], default: T) -> T:
        """Read a value; the default where there is none or it is not of the kind."""
        row = self._db.connection.execute(
            "SELECT value FROM memo WHERE owner = ? AND key = ?", (self._owner, key)
        ).fetchone()
        if row is None:
            return default
        try:
            return msgspec.json.decode(row[0], type=kind)
        except (msgspec.DecodeError, ValueError):
            return default

    def put(self, key: str, value: object) -> None:
        """Store a value durably."""
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO memo (owner, key, value) VALUES (?, ?, ?)"
                " ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value",
                (self._owner, key, msgspec.json.encode(value)),
            )

    def keys(self, prefix: str) -> list[str]:
        """List the keys that begin with the prefix."""
        rows = self._db.connection.execute(
            "SELECT key FROM memo WHERE owner = ? AND substr(key, 1, ?) = ?",
            (self._owner, len(prefix), prefix),
        )
        return [key for (key,) in rows]

    def drop(self, key: str) -> None:
        """Forget a value."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM memo WHERE owner = ? AND key = ?", (self._owner, key))
