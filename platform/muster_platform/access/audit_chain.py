"""The chain of the audit log: each entry's hash covers the entry and the hash before it.

An entry's id is its number in the chain: 1, 2, 3, … without a gap. The head (one row) says how far
the chain goes, and is locked only while a unit of work writes its entries, right before it commits.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, event, select
from sqlalchemy.orm import Session, SessionTransaction

from muster_platform.access.models import AuditEntry, AuditHead
from muster_platform.errors import ConfigurationError

HEAD_ID = 1
START = ""
"""What stands before the first entry."""

FIELDS = (
    *("at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind", "subject_id"),
    *("subject_name", "device_key", "before", "after", "reason", "request_id"),
)
"""What the hash covers beside the number; a new column needs another version of `entry_hash`."""

Entry = AuditEntry | Row[Any]


def entry_hash(previous: str, number: int, fields: Mapping[str, Any]) -> str:
    """Give an entry's hash: SHA-256 over canonical JSON, in hexadecimal.

    Args:
        previous: hash of the entry before, START for the first.
        fields: FIELDS by name.
    """
    covered = [1, previous, number, *(canonical(fields[name]) for name in FIELDS)]
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(previous: str, number: int, entry: Entry) -> str:
    """Give the hash that an entry must have as that number behind that hash."""
    return entry_hash(previous, number, {name: getattr(entry, name) for name in FIELDS})


def canonical(value: Any) -> Any:
    """Bring numbers to the one form that survives every store.

    JSONB keeps numbers as decimals: what was written as 1e22 is read as an integer.
    """
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return int(exact) if exact == exact.to_integral_value() else value
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


class Sealing:
    """The entries of one unit of work, chained as the last thing before its commit."""

    def __init__(self) -> None:
        self._waiting: list[tuple[frozenset[SessionTransaction], AuditEntry]] = []
        self._listens = False

    def add(self, session: Session, entry: AuditEntry) -> None:
        """Take an entry; one inside a savepoint goes with it if that is rolled back."""
        inside: set[SessionTransaction] = set()
        nested = session.get_nested_transaction()
        while nested is not None and nested.nested:
            inside.add(nested)
            nested = nested.parent
        if inside and not self._listens:
            event.listen(session, "after_soft_rollback", self._forget)
            self._listens = True
        self._waiting.append((frozenset(inside), entry))

    def run(self, session: Session) -> None:
        """Write the entries behind the head, which stays locked until the commit.

        Raises:
            ConfigurationError: somebody removed the head.
        """
        if not self._waiting:
            return
        session.flush()  # whatever else waits for locks does so before the head is held
        head = session.get(AuditHead, HEAD_ID, with_for_update=True, populate_existing=True)
        if head is None:
            raise ConfigurationError(
                "the head of the audit chain is missing (table audit_head): nothing can be done "
                "without an entry; restore the database from a backup"
            )
        for _, entry in self._waiting:
            head.number += 1
            head.hash = hash_of(head.hash, head.number, entry)
            entry.id, entry.hash, head.at = head.number, head.hash, entry.at
            session.add(entry)
        self._waiting.clear()
        session.flush()

    def _forget(self, _session: Session, rolled_back: SessionTransaction) -> None:
        self._waiting = [item for item in self._waiting if rolled_back not in item[0]]


def read_head(session: Session) -> AuditHead | None:
    """Give the head as it is stored, None where somebody removed it."""
    return session.scalar(select(AuditHead).where(AuditHead.id == HEAD_ID))
