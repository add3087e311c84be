"""The audit log: one entry per act, with what was before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, String, func, or_, select
from sqlalchemy import cast as as_type

from muster_platform.access.audit_chain import Sealing
from muster_platform.access.audit_masking import mask_change, mask_text
from muster_platform.access.models import AuditEntry
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.errors import NotFound
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

NAME_CHARS = 254
_SEALING = "audit"


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
    """Add one entry to the unit of work: no act without its entry.

    It is chained and written at the end of the unit, right before the commit. Secrets are masked
    by name and look (`audit_masking`), but the caller should not pass any.

    Args:
        action: `subject.verb`, such as `device.delete`; in words in `audit_words`.
        subject_id: stable id of what was acted on.
        before: JSON value; of a change only the fields that changed.
        after: JSON value likewise.
        device_key: puts the entry on that device's timeline.
    """
    masked_before, masked_after = mask_change(before, after)
    entry = AuditEntry(
        at=unit.now(),
        actor_kind=unit.actor.kind,
        actor_id=unit.actor.id,
        actor_name=clean(unit.actor.name)[:NAME_CHARS],
        action=action,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        subject_name=clean(subject_name)[:NAME_CHARS],
        device_key=device_key,
        before=masked_before,
        after=masked_after,
        reason=mask_text(clean(reason)) if reason else None,
        request_id=unit.actor.request_id,
    )
    sealing = cast("Sealing", unit.last_steps.setdefault(_SEALING, Sealing()))
    sealing.add(unit.session, entry)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None does not narrow. Times are ms since the epoch, since included.

    Attributes:
        actor: part of the actor's name, or its id.
        action: one action, or all of a kind by its beginning up to the dot (`device.`).
        subject: part of the subject's name, or its id.
        text: stands somewhere in names, action, reason, request id, before or after.
    """

    actor_id: str | None = None
    actor: str | None = None
    action: str | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    subject: str | None = None
    since: int | None = None
    until: int | None = None
    text: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Give it as conditions on AuditEntry."""
        for name in ("actor_id", "subject_kind", "subject_id"):
            value = getattr(self, name)
            if value is not None:
                yield getattr(AuditEntry, name) == value
        if self.action is not None:
            yield (
                AuditEntry.action.startswith(self.action, autoescape=True)
                if self.action.endswith(".")
                else AuditEntry.action == self.action
            )
        for named, name_column, id_column in (
            (self.actor, AuditEntry.actor_name, AuditEntry.actor_id),
            (self.subject, AuditEntry.subject_name, AuditEntry.subject_id),
        ):
            if named is not None:
                yield or_(name_column.icontains(named, autoescape=True), id_column == named)
        if self.since is not None:
            yield AuditEntry.at >= self.since
        if self.until is not None:
            yield AuditEntry.at < self.until
        if self.text is not None:
            yield or_(*(column.icontains(self.text, autoescape=True) for column in _SEARCHED))


_SEARCHED: tuple[Any, ...] = (
    AuditEntry.actor_name,
    AuditEntry.action,
    AuditEntry.subject_name,
    func.coalesce(AuditEntry.reason, ""),
    AuditEntry.request_id,
    as_type(AuditEntry.before, String),
    as_type(AuditEntry.after, String),
)

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
        statement = select(AuditEntry).where(*wanted.conditions())
        most = self._unit.settings.page_size_max
        return fetch_page(self._unit.session, statement, _NEWEST_FIRST, page, most)

    def get(self, number: int) -> AuditEntry:
        """Get one by its number in the chain.

        Raises:
            PermissionDenied: without audit:read everywhere.
            NotFound: no such entry.
        """
        self._unit.actor.require(Permission.AUDIT_READ)
        found = self._unit.session.get(AuditEntry, number)
        if found is None:
            raise NotFound("audit entry", number)
        return found

    def export(self, wanted: AuditFilter) -> Iterator[AuditEntry]:
        """Give entries one after the other, newest first, up to `export_rows_max`.

        Raises:
            PermissionDenied: as `list`, at the first one.
        """
        left, cursor = self._unit.settings.export_rows_max, None
        while left > 0:
            size = min(left, self._unit.settings.page_size_max)
            page = self.list(wanted, PageRequest(size, cursor))
            yield from page.items
            self._unit.session.expunge_all()
            left, cursor = left - len(page.items), page.next_cursor
            if cursor is None:
                return
