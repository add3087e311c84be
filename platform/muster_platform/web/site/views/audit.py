"""The audit trail, newest first."""

import json
from typing import Any, ClassVar

from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.models import AuditEntry
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views.cells import cell


class AuditList(ServiceModelView):
    """Who did what, with what was before and after."""

    column_list = ("at", "actor_name", "action", "subject", "change", "reason")
    column_labels: ClassVar[dict[str, str]] = {
        "at": "When",
        "actor_name": "Who",
        "action": "Act",
        "subject": "On",
        "change": "Change",
        "reason": "Reason",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "at": cell("time", "at"),
        "action": cell("code", "action"),
        "subject": lambda _v, _c, row, _n: f"{row.subject_kind} {row.subject_name}",
        "change": cell("change"),
        "reason": lambda _v, _c, row, _n: row.reason or "",
    }
    column_export_list = (
        *("id", "at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind"),
        *("subject_id", "subject_name", "before", "after", "reason", "request_id"),
    )
    column_filters = (
        ListFilter("action", "Act"),
        ListFilter("subject_kind", "Kind"),
        ListFilter("subject_id", "Subject's id"),
        ListFilter("actor_id", "Actor's id"),
    )
    empty_title = "Nothing was done yet"
    empty_text = "Every act of a person or token is listed here; it cannot be changed or deleted."

    def fetch(self, unit: Unit, query: ListQuery) -> Page[AuditEntry]:
        """Read one page."""
        return AuditService(unit).list(audit_filter(query), query.page)

    def get_export_value(self, model: AuditEntry, name: str) -> Any:
        """Give one cell of the export."""
        value = getattr(model, name)
        return json.dumps(value) if name in ("before", "after") and value is not None else value


def audit_filter(query: ListQuery) -> AuditFilter:
    """Turn what the list was asked for into the service's filter."""
    wanted = query.filters
    return AuditFilter(
        actor_id=wanted.get("actor_id"),
        action=wanted.get("action"),
        subject_kind=wanted.get("subject_kind"),
        subject_id=wanted.get("subject_id"),
    )
