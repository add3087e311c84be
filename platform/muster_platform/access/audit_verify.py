"""Walks the chain of the audit log and names the first entry that is not as it was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from muster_platform.access.audit_chain import FIELDS, HEAD_ID, START, hash_of
from muster_platform.access.models import AuditEntry, AuditHead
from muster_platform.access.permissions import Permission
from muster_platform.unit import Unit

BATCH = 2_000
"""Entries in memory at once."""


class Fault(StrEnum):
    """What can be wrong with a chain."""

    CHANGED = "changed"
    """An entry, or its hash, is not what was written."""
    MISSING = "missing"
    """An entry in the middle is gone."""
    REORDERED = "reordered"
    """Entries have changed places."""
    CUT = "cut"
    """Entries at the end are gone."""
    BEYOND = "beyond"
    """Entries stand behind the head: not written by Muster."""
    HEAD = "head"
    """The head is gone or is not that of the newest entry."""
    REWRITTEN = "rewritten"
    """The chain is one in itself but not the one that was remembered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong.

    Attributes:
        number: of the entry.
        detail: in words.
    """

    fault: Fault
    number: int
    detail: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the chain: the entry of that number has (or had) that hash."""

    number: int = 0
    hash: str = START


@dataclass(frozen=True, slots=True)
class Verified:
    """What one walk found.

    Attributes:
        intact: how far all is well.
        head: as it is stored now.
        finding: the first fault, None where there is none as far as it went.
        is_whole: it went up to the head.
    """

    intact: Mark
    head: Mark
    finding: Finding | None
    is_whole: bool


@dataclass(slots=True)
class _Walk:
    """Where a walk is, and what it must meet on its way."""

    at: Mark
    remembered: Mapping[int, str] = field(default_factory=dict)

    def step(self, rows: Sequence[Row[Any]], index: int) -> Finding | None:
        """Go one entry on, or say what is wrong with it."""
        row, number = rows[index], self.at.number + 1
        if row.id != number:
            last = f" to {row.id - 1}" if row.id - 1 > number else ""
            return Finding(
                Fault.MISSING, number, f"entry {number}{last} is missing before entry {row.id}"
            )
        if hash_of(self.at.hash, number, row) != row.hash:
            return self._why(rows[index + 1 :], number)
        if self.remembered.get(number, row.hash) != row.hash:
            return _rewritten(number)
        self.at = Mark(number, row.hash)
        return None

    def _why(self, following: Sequence[Row[Any]], number: int) -> Finding:
        for other in following:
            if hash_of(self.at.hash, number, other) == other.hash:
                text = f"entry {number} was put elsewhere: it stands as entry {other.id} now"
                return Finding(Fault.REORDERED, number, text)
        text = f"entry {number} was changed, or entry {number - 1} with its hash"
        return Finding(Fault.CHANGED, number, text if number > 1 else "entry 1 was changed")


class AuditVerifier:
    """Verifies the chain, a part at a time."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session: Session = unit.session

    def head(self) -> Mark:
        """Give the head as it is stored.

        Raises:
            PermissionDenied: without audit:read everywhere.
        """
        self._unit.actor.require(Permission.AUDIT_READ)
        return self._ends()[0] or Mark()

    def verify(
        self, start: Mark, limit: int, remembered: Mapping[int, str] | None = None
    ) -> Verified:
        """Walk at most `limit` entries behind a place.

        Args:
            start: must still be in the chain.
            remembered: heads noted elsewhere, {number: hash}; each must be met.

        Raises:
            PermissionDenied: without audit:read everywhere.
        """
        self._unit.actor.require(Permission.AUDIT_READ)
        head, newest = self._ends()
        if head is None:
            gone = Finding(Fault.HEAD, newest, "the head of the chain is gone")
            return Verified(start, Mark(), gone, is_whole=False)
        known = dict(remembered or {})
        walk = _Walk(start, known)
        finding = self._still_there(start, known, head) or self._go(walk, head, limit)
        is_whole = finding is None and walk.at.number >= head.number
        if is_whole:
            finding = _end(walk.at, head, newest, known)
        return Verified(walk.at, head, finding, is_whole)

    def _ends(self) -> tuple[Mark | None, int]:
        """Give head and newest number of one moment: entries are added meanwhile."""
        newest = select(func.coalesce(func.max(AuditEntry.id), 0)).scalar_subquery()
        columns = (AuditHead.number, AuditHead.hash, newest.label("newest"))
        row = self._session.execute(select(*columns).where(AuditHead.id == HEAD_ID)).first()
        if row is None:
            return None, self._session.scalar(select(newest)) or 0
        return Mark(row.number, row.hash), row.newest

    def _still_there(self, start: Mark, known: dict[int, str], head: Mark) -> Finding | None:
        behind = {number: digest for number, digest in known.items() if number <= start.number}
        if start.number:
            behind[start.number] = start.hash
        for number, digest in sorted(behind.items()):
            if number == 0:
                continue
            found = self._session.scalar(select(AuditEntry.hash).where(AuditEntry.id == number))
            if number > head.number or found is None:
                return _cut(number, head)
            if found != digest:
                return _rewritten(number)
        return None

    def _go(self, walk: _Walk, head: Mark, limit: int) -> Finding | None:
        columns = [getattr(AuditEntry, name) for name in ("id", "hash", *FIELDS)]
        left = limit
        while left > 0 and walk.at.number < head.number:
            rows = self._session.execute(
                select(*columns)
                .where(AuditEntry.id > walk.at.number, AuditEntry.id <= head.number)
                .order_by(AuditEntry.id)
                .limit(min(left, BATCH))
            ).all()
            if not rows:
                return _cut(head.number, head, walk.at.number)
            for index in range(len(rows)):
                finding = walk.step(rows, index)
                if finding is not None:
                    return finding
            left -= len(rows)
        return None


def _end(at: Mark, head: Mark, newest: int, known: Mapping[int, str]) -> Finding | None:
    """Compare the last entry with the head, and the head with what was remembered."""
    if at != head:
        text = f"the head is not that of entry {head.number}, the newest"
        return Finding(Fault.HEAD, head.number, text)
    if newest > head.number:
        text = f"entries up to {newest} stand behind the head {head.number}: nobody chained them"
        return Finding(Fault.BEYOND, head.number + 1, text)
    ahead = [number for number in known if number > head.number]
    return _cut(max(ahead), head) if ahead else None


def _cut(number: int, head: Mark, last: int | None = None) -> Finding:
    last = head.number if last is None else min(last, head.number)
    if number <= last:
        return Finding(Fault.MISSING, number, f"entry {number} is missing")
    text = f"the chain was cut before entry {last + 1}: once it went up to {number}"
    return Finding(Fault.CUT, last + 1, text)


def _rewritten(number: int) -> Finding:
    return Finding(
        Fault.REWRITTEN, number, f"entry {number} has not the hash that was remembered of it"
    )
