"""Bulk changes: choose, look at the plan, begin, watch, take back."""

from collections import defaultdict
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.devices.bulk import models
from muster_platform.devices.bulk.acts import ACTS
from muster_platform.devices.bulk.models import BulkChange
from muster_platform.devices.bulk.service import BulkService, why_text
from muster_platform.devices.selection import Selection, filter_document
from muster_platform.errors import Conflict
from muster_platform.jobs.service import JobService
from muster_platform.jobs.targets import Target
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import exports, gate
from muster_platform.web.site.views import bulk_form as form
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.meant import filter_text, group_name
from muster_protocol.states import REACHABLE

PAGE = 50
NAMED = 50
"""Devices that a plan names on the page; its counts are of all."""


class Bulk(gate.SiteView):
    """Changes of many devices."""

    @expose("/")
    def index(self) -> str:
        """List changes."""
        with gate.reading() as unit:
            page = BulkService(unit).list(_page())
            changes = [_shown(unit, change) for change in page.items]
        return self.render(
            "site/bulk/list.html", changes=changes, older_url=gate.older(page.next_cursor)
        )

    @expose("/new")
    def new(self) -> str | Response:
        """Ask for what the act needs, and show the plan; nothing is changed."""
        try:
            return self._plan(form.read(request.args))
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return self._again()

    @expose("/start", methods=("POST",))
    def start(self) -> str | Response:
        """Begin what was planned."""
        asked = form.read(request.form)
        reason = request.form.get("reason", "").strip()
        try:
            with gate.writing() as unit:
                if asked.act == form.COMMAND:
                    job = _send(unit, asked, reason)
                    return redirect(url_for("jobs.page", job_id=job), 303)
                service = BulkService(unit)
                change = service.start(
                    asked.selection,
                    asked.act,
                    asked.args or {},
                    digest=request.form.get("digest", ""),
                    reason=reason,
                )
                return redirect(url_for(".page", bulk_id=change.id), 303)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return self._plan(asked, reason)

    @expose("/<bulk_id>/")
    def page(self, bulk_id: str) -> str:
        """Show one change; a fetch by the page itself gets the part that moves."""
        state = request.args.get("state", "")
        with gate.reading() as unit:
            service = BulkService(unit)
            change = _shown(unit, service.get(bulk_id))
            items = service.items(bulk_id, _page(), state)
            undone_by = service.undone_by(bulk_id)
        rows = [
            SimpleNamespace(device_id=item.device_id, state=item.state, why=why_text(item))
            for item in items.items
        ]
        template = "site/bulk/body.html" if gate.is_fetch() else "site/bulk/page.html"
        return self.render(
            template,
            change=change,
            items=rows,
            state=state,
            undone_by=undone_by,
            older_url=gate.older(items.next_cursor),
        )

    @expose("/<bulk_id>/devices.csv")
    def export(self, bulk_id: str) -> Response:
        """Export the devices of a change and what became of each."""
        state = request.args.get("state", "")
        items = exports.rows(lambda unit, page: BulkService(unit).items(bulk_id, page, state))
        cells = ((item.device_id, item.state, item.why, why_text(item)) for item in items)
        return exports.csv(f"bulk-{bulk_id}", ("Device", "Outcome", "Code", "Why"), cells)

    @expose("/<bulk_id>/cancel", methods=("POST",))
    def cancel(self, bulk_id: str) -> Response:
        """Stop a change where it stands."""
        return gate.act(
            lambda unit: BulkService(unit).cancel(bulk_id),
            "Stopped. What was changed stays changed.",
            url_for(".page", bulk_id=bulk_id),
        )

    @expose("/<bulk_id>/undo", methods=("POST",))
    def undo(self, bulk_id: str) -> Response:
        """Take a change back."""
        try:
            with gate.writing() as unit:
                taken = BulkService(unit).undo(bulk_id).id
        except Conflict as error:
            flash(gate.sentence(error), "error")
            taken = bulk_id
        return redirect(url_for(".page", bulk_id=taken), 303)

    def _plan(self, asked: form.Asked, reason: str = "") -> str:
        plan, fault = None, ""
        with gate.reading() as unit:
            unit.actor.require_somewhere(form.permission_of(asked.act))
            if asked.args is not None:
                try:
                    plan = _planned(unit, asked)
                except gate.TELLABLE as error:
                    fault = gate.sentence(error)
            meant = _meant(unit, asked.selection)
        groups = choices.groups(Permission.DEVICES_WRITE) if asked.act == "move" else []
        return self.render(
            "site/bulk/new.html",
            asked=asked,
            hidden=form.hidden(asked),
            plan=plan,
            fault=fault,
            meant=meant,
            groups=groups,
            reason=reason,
            undoable=asked.act != form.COMMAND and bool(ACTS[asked.act].undone_by),
        )

    def _again(self) -> str | Response:
        """Show the form once more, or the list where nobody was chosen."""
        kept = request.args.copy()
        for name in form.FIELDS.get(kept.get("act", ""), ()):
            kept.poplist(name)
        try:
            asked = form.read(kept)
        except gate.TELLABLE:
            return redirect(url_for("device.index_view"))
        typed = {name: request.args.get(name, "") for name in asked.typed}
        return self._plan(form.Asked(asked.act, asked.selection, None, typed))


def _planned(unit: Unit, asked: form.Asked) -> Any:
    """Give the plan as the page shows it: counts of all, names of the first."""
    args = asked.args or {}
    plan: Any
    if asked.act == form.COMMAND:
        plan = JobService(unit).plan(_target(asked.selection), args["name"])
        digest, waiting = "", sum(item.presence not in REACHABLE for item in plan.included)
    else:
        plan = BulkService(unit).plan(asked.selection, asked.act, args)
        digest, waiting = plan.digest, 0
    return SimpleNamespace(
        included=plan.included[:NAMED],
        included_count=len(plan.included),
        excluded=_by_reason(plan.excluded),
        excluded_count=len(plan.excluded),
        digest=digest,
        waiting=waiting,
    )


def _by_reason(excluded: Iterable[Any]) -> list[tuple[str, int, list[str]]]:
    """Gather who is out: reason, how many, the first of them."""
    names: dict[str, list[str]] = defaultdict(list)
    for item in excluded:
        names[item.why].append(item.device_id)
    return [(why, len(devices), devices[:NAMED]) for why, devices in names.items()]


def _send(unit: Unit, asked: form.Asked, reason: str) -> str:
    args, target = asked.args or {}, _target(asked.selection)
    if target.devices:
        # What was named one by one and does not fit is on the plan; the rest are sent the command.
        plan = JobService(unit).plan(target, args["name"])
        if not plan.included:
            raise Conflict("nobody would get it; the plan says why", code="nobody_included")
        target = Target(devices=tuple(item.device_id for item in plan.included))
    service = JobService(unit)
    return service.create_command(args["name"], args["args"], target=target, reason=reason).id


def _target(selection: Selection) -> Target:
    return Target(devices=selection.devices, filter=selection.filter)


def _meant(unit: Unit, selection: Selection) -> str:
    """Say in words who was chosen."""
    if selection.filter is None:
        number = len(selection.devices)
        return f"{number:,} chosen device{'s' if number != 1 else ''}"
    narrowed = filter_text(unit, filter_document(selection.filter))
    return f"All devices with {narrowed}" if narrowed else "All devices that you may see"


def _shown(unit: Unit, change: BulkChange) -> Any:
    """Prepare a change for its page."""
    act = ACTS[change.act]
    done = change.changed + change.skipped
    detail = "taking back an earlier change" if change.undoes else ""
    if change.act == "move" and "group" in change.args:
        detail = group_name(unit, change.args["group"])
    elif change.act == "tag" and change.args:
        added = [f"{k}={v}" if v else k for k, v in change.args.get("add", {}).items()]
        detail = ", ".join([*added, *(f"without {name}" for name in change.args.get("remove", ()))])
    names = ("id", "act", "state", "total", "changed", "skipped", "author_name", "reason")
    more = ("created_at", "ended_at", "undoes")
    return SimpleNamespace(
        **{name: getattr(change, name) for name in (*names, *more)},
        title=f"{act.text}{f': {detail}' if detail else ''}",
        past=act.past,
        permission=str(act.permission),
        progress=done / change.total if change.total else 1.0,
        bar=[("ok", change.changed, "changed"), ("warn", change.skipped, "left as they were")],
        group_path=change.group_path,
        is_running=change.state == models.RUNNING,
        can_undo=change.state != models.RUNNING and bool(act.undone_by) and change.changed > 0,
    )


def _page() -> PageRequest:
    return PageRequest(PAGE, request.args.get("cursor") or None)
