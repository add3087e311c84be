"""The audit log: one entry per act, with what was before and after."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from muster_platform.access.models import AuditEntry
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean, clean_json
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

NAME_CHARS = 254


def record(
    unit: Unit,
    action: str,
    subject_kind: str,
    subject_id: object,
    subject_name: str,
    *,
    before: Any = None,
    after: Any = None,
    reason: str | None = None,
    device_key: int | None = None,
) -> None:
    """Write one entry into the unit's transaction: no act without its entry.

    Args:
        action: `subject.verb`, such as `device.delete`.
        subject_id: stable id of what was acted on.
        before: JSON value; of a change only the fields that changed.
        after: JSON value likewise; never a secret.
        device_key: puts the entry on that device's timeline.
    """
    unit.session.add(
        AuditEntry(
            at=unit.now(),
            actor_kind=unit.actor.kind,
            actor_id=unit.actor.id,
            actor_name=unit.actor.name[:NAME_CHARS],
            action=action,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            subject_name=clean(subject_name)[:NAME_CHARS],
            device_key=device_key,
            before=clean_json(before),
            after=clean_json(after),
            reason=clean(reason) if reason else None,
            request_id=unit.actor.request_id,
        )
    )


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None does not narrow. Times are ms since the epoch, since included."""

    actor_id: str | None = None
    action: str | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    since: int | None = None
    until: int | None = None


_NEWEST_FIRST: Order[AuditEntry] = Order(
    "audit", (Key(AuditEntry.__table__.c.id, int, lambda row: row.id),), descending=True
)


class AuditService:
    """Reads the audit log."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def list(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """List entries, newest first.

        Raises:
            PermissionDenied: without audit:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require(Permission.AUDIT_READ)
        statement = select(AuditEntry)
        for name in ("actor_id", "action", "subject_kind", "subject_id"):
            value = getattr(wanted, name)
            if value is not None:
                statement = statement.where(getattr(AuditEntry, name) == value)
        if wanted.since is not None:
            statement = statement.where(AuditEntry.at >= wanted.since)
        if wanted.until is not None:
            statement = statement.where(AuditEntry.at < wanted.until)
        most = self._unit.settings.page_size_max
        return fetch_page(self._unit.session, statement, _NEWEST_FIRST, page, most)
