"""Import of a list of devices: upload, look at the plan, apply; the secrets are shown once."""

from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response as AnyResponse

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.import_plan import Options, PlannedRow
from muster_platform.devices.import_rules import BYTES, COLUMNS, decode
from muster_platform.devices.importing import REPORT_HEADER, ImportReport, ImportService
from muster_platform.errors import InvalidInput
from muster_platform.web.context import platform
from muster_platform.web.site import csv_safe, gate
from muster_platform.web.site.views import choices
from muster_platform.web.site.words import Look

FORM_BYTES = BYTES + 64 * 1024
SHOWN = 200
"""Most lines of a status on the page; the report has all."""
LOOKS: dict[str, Look] = {
    "invalid": Look("Invalid", "circle-x", "bad"),
    "new": Look("New", "plus", "ok"),
    "change": Look("Changed", "pencil", "busy"),
    "exists": Look("Differs, left as it is", "alert-triangle", "warn"),
    "same": Look("Nothing to do", "check", "mute"),
}


class Imports(gate.SiteView):
    """Upload -> plan -> apply."""

    @expose("/", methods=("GET", "POST"))
    def index(self) -> str | AnyResponse:
        """Take a list and plan it."""
        if request.method == "POST":
            request.max_content_length = request.max_form_memory_size = FORM_BYTES
            try:
                return redirect(url_for(".plan", import_id=self._upload()), 303)
            except gate.TELLABLE as error:
                flash(gate.sentence(error), "error")
        gate.actor().require_somewhere(Permission.DEVICES_ENROL)
        return self.render(
            "site/registry/import.html",
            columns=COLUMNS,
            groups=choices.groups(Permission.DEVICES_ENROL),
            rows_max=platform().settings.import_rows_max,
        )

    def _upload(self) -> str:
        file, form = request.files.get("file"), request.form
        data = file.read() if file is not None else b""
        text = decode(data) if data else form.get("csv", "")
        if not text.strip():
            raise InvalidInput("choose a file, or paste the list", where="file")
        group = form.get("group_id", "")
        options = Options(
            update_existing=bool(form.get("update_existing")),
            make_secrets=bool(form.get("make_secrets")),
            group_id=int(group) if group.isascii() and group.isdecimal() else None,
        )
        with gate.writing() as unit:
            service = ImportService(unit, DEVICE_HOOKS)
            service.plan(text, options)
            name = (file.filename or "") if file is not None else ""
            return service.keep(text, options, name or "pasted list").id

    @expose("/<import_id>/")
    def plan(self, import_id: str) -> str:
        """Show what would be done."""
        with gate.reading() as unit:
            service = ImportService(unit, DEVICE_HOOKS)
            row, options = service.kept(import_id)
            report = service.plan(row.content, options)
            return self._draw(report, id=import_id, name=row.filename, options=options)

    @expose("/<import_id>/report.csv")
    def report(self, import_id: str) -> Response:
        """Give the plan as a file, all lines."""
        with gate.reading() as unit:
            service = ImportService(unit, DEVICE_HOOKS)
            row, options = service.kept(import_id)
            rows = service.plan(row.content, options).rows
        return _csv(REPORT_HEADER, map(_cells, rows), "import-report.csv")

    @expose("/<import_id>/apply", methods=("POST",))
    def apply(self, import_id: str) -> str | AnyResponse:
        """Do it, whole or not at all."""
        try:
            with gate.writing() as unit:
                service = ImportService(unit, DEVICE_HOOKS)
                row, options = service.kept(import_id)
                report = service.apply(row.content, options, row.filename)
                name = row.filename
                if report.applied:
                    service.forget(row)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return redirect(url_for(".plan", import_id=import_id), 303)
        if not report.applied:
            flash("Nothing was done: some lines are invalid by now.", "error")
        return self._draw(report, id=import_id, name=name, options=options)

    def _draw(self, report: ImportReport, **more: Any) -> str:
        shown = [
            (LOOKS[status], status, [row for row in report.rows if row.status == status][:SHOWN])
            for status in LOOKS
            if report.counts[status]
        ]
        secrets = "".join(csv_safe.lines(("device_id", "secret"), report.secrets.items()))
        return self.render(
            "site/registry/import_plan.html",
            report=report,
            shown=shown,
            secrets=secrets,
            said=said,
            **more,
        )


def said(before: Any, after: Any) -> str:
    """Write one change of a line; what was not there before is not named."""
    return _plain(after) if before is None else f"{_plain(before)} -> {_plain(after)}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items()) or "none"
    return str(value)


def _cells(row: PlannedRow) -> tuple[object, ...]:
    changes = "; ".join(f"{name}: {said(*change)}" for name, change in row.changes.items())
    return (row.line, row.device_id, row.status, row.column, row.why, changes)


def _csv(header: Any, rows: Any, filename: str) -> Response:
    return Response(
        "".join(csv_safe.lines(header, rows)),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={filename}"},
    )
