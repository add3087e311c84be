"""The audit trail, newest first, with the state of its chain."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from flask import Response, stream_with_context
from flask_admin import expose

from muster_platform.access import audit_words
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.audit_checks import AuditChecks
from muster_platform.access.models import AuditEntry
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.diff import changes
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views.audit_subjects import subject_url
from muster_platform.web.site.views.cells import cell

DAY_MS = 24 * 3600 * 1000


def _acts() -> list[tuple[str, str]]:
    return sorted(audit_words.ACTS.items(), key=lambda pair: pair[1])


def _kinds() -> list[tuple[str, str]]:
    return sorted(audit_words.KINDS.items(), key=lambda pair: pair[1])


class AuditList(ServiceModelView):
    """Who did what, with what was before and after."""

    list_template = "site/audit.html"
    details_template = "site/audit_entry.html"
    can_view_details = True
    column_list = ("at", "actor_name", "act", "subject", "change", "reason")
    column_labels: ClassVar[dict[str, str]] = {
        "at": "When",
        "actor_name": "Who",
        "act": "Did",
        "subject": "On",
        "change": "Change",
        "reason": "Reason",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "at": cell("audit_time"),
        "act": lambda _v, _c, row, _n: audit_words.done(row.action),
        "subject": cell("audit_subject"),
        "change": cell("audit_change"),
        "reason": lambda _v, _c, row, _n: row.reason or "",
    }
    column_details_list: ClassVar[list[str]] = ["action"]
    column_export_list = (
        *("id", "at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind"),
        *("subject_id", "subject_name", "before", "after", "reason", "request_id", "hash"),
    )
    column_searchable_list = ("text",)
    column_filters = (
        ListFilter("actor", "Who"),
        ListFilter("action", "Act", _acts),
        ListFilter("subject_kind", "Kind", _kinds),
        ListFilter("subject", "On what"),
        ListFilter("since", "Since (day)"),
        ListFilter("until", "Until (day)"),
    )
    empty_title = "Nothing was done yet"
    empty_text = "Every act of a person or token is listed here; it cannot be changed or deleted."

    def fetch(self, unit: Unit, query: ListQuery) -> Page[AuditEntry]:
        """Read one page."""
        return AuditService(unit).list(audit_filter(query), query.page)

    def one(self, unit: Unit, pk: str) -> AuditEntry:
        """Read one."""
        if not (pk.isascii() and pk.isdecimal() and len(pk) <= 18):
            raise NotFound("audit entry", pk)
        return AuditService(unit).get(int(pk))

    def row_url(self, row: AuditEntry) -> str:
        """Give the entry's page."""
        url: str = self.get_url(".details_view", id=row.id)
        return url

    def row_name(self, row: AuditEntry) -> str:
        """Name an entry."""
        return f"Entry {row.id}"

    def search_placeholder(self) -> str:
        """Say what is searched."""
        return "Search in names, reasons and changes"

    def render(self, template: str, **kwargs: Any) -> str:
        """Add the state of the chain to the list, the change to an entry's page."""
        if template == self.list_template:
            with gate.reading() as unit:
                kwargs |= {"chain": AuditChecks(unit).state(), "lines_url": self.lines_url()}
        elif template == self.details_template:
            entry: AuditEntry = kwargs["model"]
            with gate.reading() as unit:
                kwargs |= {"subject_url": subject_url(unit, entry)}
            kwargs |= {"entry": entry, "changes": changes(entry.before, entry.after)}
            kwargs |= {"done": audit_words.done(entry.action)}
            kwargs |= {"kind": audit_words.kind(entry.subject_kind)}
        return str(super().render(template, **kwargs))

    def get_export_value(self, model: AuditEntry, name: str) -> Any:
        """Give one cell of the export."""
        value = getattr(model, name)
        return json.dumps(value) if name in ("before", "after") and value is not None else value

    def lines_url(self) -> str:
        """Give the address of the export of what the list shows, a JSON document a line."""
        return gate.query(self.get_url(".export_lines"), cursor=None)

    @expose("/export.jsonl")
    def export_lines(self) -> Response:
        """Export all that the filters choose, with every field, up to the installation's limit."""
        lines = (
            msgspec.json.encode({name: getattr(row, name) for name in self.column_export_list})
            + b"\n"
            for row in self.begun_rows()
        )
        return Response(
            stream_with_context(lines),
            mimetype="application/jsonl",
            headers={"Content-Disposition": "attachment; filename=audit.jsonl"},
        )


def audit_filter(query: ListQuery) -> AuditFilter:
    """Turn what the list was asked for into the service's filter.

    Raises:
        InvalidInput: a day that is none.
    """
    wanted = query.filters
    until = _day(wanted.get("until"), "until")
    return AuditFilter(
        actor=wanted.get("actor"),
        action=wanted.get("action"),
        subject_kind=wanted.get("subject_kind"),
        subject=wanted.get("subject"),
        since=_day(wanted.get("since"), "since"),
        until=None if until is None else until + DAY_MS,
        text=query.search or None,
    )


def _day(text: str | None, where: str) -> int | None:
    """Read a day, give its beginning in UTC as ms since the epoch."""
    if not text:
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(
            f"write a day as 2026-11-24 (UTC), not {text[:40]!r}", where=where
        ) from None
    return int(day.timestamp() * 1000)
