"""The audit log."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.permissions import Permission
from muster_platform.unit import Unit
from muster_platform.web.api.common import Listed, Millis, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Audit")

Word = Annotated[str, Meta(min_length=1, max_length=64)]


class AuditEntryAnswer(msgspec.Struct, kw_only=True):
    """One act of a person or token.

    Attributes:
        at: ms since the epoch.
        before, after: what the act changed.
    """

    id: int
    at: int
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    subject_name: str
    before: Any
    after: Any
    reason: str | None
    request_id: str


class AuditQuery(PageQuery, kw_only=True):
    """Which entries."""

    actor_id: Word | None = None
    action: Word | None = None
    subject_kind: Word | None = None
    subject_id: Word | None = None
    since: Millis | None = None
    until: Millis | None = None


@routes.add("GET", "/audit", permission=Permission.AUDIT_READ)
def list_audit(unit: Unit, query: AuditQuery) -> Listed[AuditEntryAnswer]:
    """List entries of the audit log, newest first."""
    wanted = AuditFilter(
        actor_id=query.actor_id,
        action=query.action,
        subject_kind=query.subject_kind,
        subject_id=query.subject_id,
        since=query.since,
        until=query.until,
    )
    page = AuditService(unit).list(wanted, query.page())
    items = [msgspec.convert(row, AuditEntryAnswer, from_attributes=True) for row in page.items]
    return Listed(items=items, next_cursor=page.next_cursor)
