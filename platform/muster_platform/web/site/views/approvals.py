"""Devices that wait for approval, and what was decided."""

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.devices.approval import STATES, ApprovalService
from muster_platform.errors import InvalidInput
from muster_platform.paging import PageRequest
from muster_platform.web.site import gate
from muster_platform.web.site.views import choices
from muster_platform.web.site.words import Look

LOOKS: dict[str, Look] = {
    "PENDING": Look("Waiting", "hourglass", "warn"),
    "APPROVED": Look("Approved", "circle-check", "ok"),
    "REJECTED": Look("Rejected", "ban", "bad"),
    "EXPIRED": Look("Expired", "clock", "mute"),
}


class Approvals(gate.SiteView):
    """The list, and the two answers."""

    @expose("/")
    def index(self) -> str:
        """Show requests of one state."""
        state = request.args.get("state", "PENDING")
        cursor = request.args.get("cursor") or None
        with gate.reading() as unit:
            page = ApprovalService(unit).list(state, PageRequest(50, cursor))
            return self.render(
                "site/registry/approvals.html",
                requests=page.items,
                state=state,
                states=[(name, LOOKS[name]) for name in STATES],
                looks=LOOKS,
                groups=choices.groups(Permission.DEVICES_ENROL),
                older_url=gate.older(page.next_cursor),
            )

    @expose("/decide", methods=("POST",))
    def decide(self) -> Response:
        """Approve or reject those that are ticked."""
        form = request.form
        ids = form.getlist("request")
        group = form.get("group_id", "")
        group_id = int(group) if group.isascii() and group.isdecimal() else None
        reason, name = form.get("reason", ""), form.get("display_name", "").strip()
        approves = form.get("decision") == "approve"

        def do(unit: object) -> None:
            if not ids:
                raise InvalidInput("tick the devices first")
            service = ApprovalService(unit)  # type: ignore[arg-type]
            if approves:
                service.approve(ids, group_id=group_id, display_name=name, reason=reason)
            else:
                service.reject(ids, reason)

        many = "1 device" if len(ids) == 1 else f"{len(ids)} devices"
        done = (
            f"{many} approved; each gets its secret when it asks again."
            if approves
            else f"{many} rejected."
        )
        return gate.act(do, done, url_for(".index"))
