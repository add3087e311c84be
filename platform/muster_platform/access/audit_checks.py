"""What the worker knows of the chain: how far it has checked it, and what it found."""

from collections.abc import Iterable
from dataclasses import dataclass

from muster_platform.access.audit_chain import HEAD_ID, START
from muster_platform.access.audit_verify import AuditVerifier, Mark, Verified
from muster_platform.access.models import AuditCheck
from muster_platform.access.permissions import Permission
from muster_platform.unit import Unit

ROUND_MS = 24 * 3600 * 1000
"""A round from the first entry begins this often; between two only what is new is checked."""
PASS_ENTRIES = 200_000
"""Entries of one pass: a long chain takes several."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """How the chain stands, for people.

    Attributes:
        checked_at: ms since the epoch; 0 while the worker never looked.
        fault: in words; None where nothing was found.
    """

    head: Mark
    intact: Mark
    checked_at: int
    fault: str | None


class AuditChecks:
    """Reads and moves the one row that says how far the chain is checked."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def state(self) -> CheckState:
        """Give how the chain stands.

        Raises:
            PermissionDenied: without audit:read everywhere.
        """
        self._unit.actor.require(Permission.AUDIT_READ)
        row, head = self._row(), AuditVerifier(self._unit).head()
        return CheckState(head, Mark(row.number, row.hash), row.checked_at, row.fault)

    def look(self, limit: int = PASS_ENTRIES) -> Verified:
        """Check what is new, or go on with the day's round. Reads only: it takes a while."""
        row = self._row()
        start = Mark() if self._begins_round(row) else Mark(row.number, row.hash)
        return AuditVerifier(self._unit).verify(start, limit)

    def keep(self, found: Verified) -> None:
        """Keep what a look found.

        Raises:
            PermissionDenied: without system:write everywhere.
        """
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        row, now = self._row(), self._unit.now()
        if self._begins_round(row):
            row.round_at = now
        row.number, row.hash, row.checked_at = found.intact.number, found.intact.hash, now
        row.fault = found.finding.detail if found.finding else None

    def head_to_log(self) -> Iterable[Mark]:
        """Give the head where it is time to print it to the log, once a day."""
        row, now = self._row(), self._unit.now()
        if now - row.logged_at >= ROUND_MS:
            row.logged_at = now
            yield AuditVerifier(self._unit).head()

    def _begins_round(self, row: AuditCheck) -> bool:
        return self._unit.now() - row.round_at >= ROUND_MS

    def _row(self) -> AuditCheck:
        row = self._unit.session.get(AuditCheck, HEAD_ID)
        if row is None:  # only a mark of the worker's: made anew, it costs a whole round
            row = AuditCheck(
                id=HEAD_ID, number=0, hash=START, checked_at=0, round_at=0, fault=None, logged_at=0
            )
            self._unit.session.add(row)
        return row
