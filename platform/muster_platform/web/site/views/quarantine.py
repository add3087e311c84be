"""Messages that could not be taken, whole, for people to look at."""

from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.registry_parts import payload_text

SHOWN_BYTES = 16 * 1024


class QuarantineList(ServiceModelView):
    """The quarantine."""

    can_view_details = True
    list_template = "site/registry/quarantine_list.html"
    details_template = "site/quarantined.html"
    column_list = ("topic", "reason", "detail", "state", "received_at")
    column_labels: ClassVar[dict[str, str]] = {
        "topic": "Topic",
        "reason": "Reason",
        "detail": "What was wrong",
        "state": "State",
        "received_at": "Received",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "topic": cell("quarantine_topic"),
        "reason": cell("tag", "reason"),
        "state": cell("quarantine_state"),
        "received_at": cell("time", "received_at"),
    }
    column_details_list: ClassVar[list[str]] = ["topic"]
    column_export_list = ("id", "received_at", "topic", "device_id", "reason", "detail")
    column_filters = (ListFilter("device_id", "Device id"), ListFilter("reason", "Reason"))
    empty_title = "Nothing is in quarantine"
    empty_text = (
        "A message that cannot be read is kept here whole, with its topic and what was wrong, "
        "and is acknowledged: bad input never stops what is good beside it."
    )

    @expose("/<int:message_id>/replay", methods=("POST",))
    def replay_one(self, message_id: int) -> Response:
        """Have a message read again."""
        return gate.act(
            lambda unit: QuarantineService(unit).replay(message_id),
            "It is read again within seconds: it is stored and goes from here, or says why not.",
            self.get_url(".index_view"),
        )

    @expose("/<int:message_id>/delete", methods=("POST",))
    def delete_one(self, message_id: int) -> Response:
        """Delete a message."""
        return gate.act(
            lambda unit: QuarantineService(unit).delete(message_id),
            "The message was deleted.",
            self.get_url(".index_view"),
        )

    @expose("/all", methods=("POST",))
    def all_of(self) -> Response:
        """Have all messages of the filter read again, or delete them."""
        form = request.form
        wanted = QuarantineFilter(form.get("device_id") or None, form.get("reason") or None)
        counts: list[int] = []
        replays = form.get("act") == "replay"

        def do(unit: Unit) -> None:
            service = QuarantineService(unit)
            act = service.replay_all if replays else service.delete_all
            counts.append(act(wanted))

        try:
            with gate.writing() as unit:
                do(unit)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
        else:
            done = "read again within seconds" if replays else "deleted"
            flash(f"{counts[0]:,} messages are {done}.", "success")
        return redirect(self.get_url(".index_view"), 303)

    def wanted(self) -> dict[str, str]:
        """Give the filters of the list as they are, for the forms above it."""
        values = {item.key: "" for item in self._filters or ()}
        for index, _name, value in self._get_list_extra_args().filters or ():
            values[self._filters[index].key] = value
        return values

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Quarantined]:
        """Read one page."""
        wanted = QuarantineFilter(
            device_id=query.filters.get("device_id"), reason=query.filters.get("reason")
        )
        return QuarantineService(unit).list(wanted, query.page)

    def one(self, unit: Unit, pk: str) -> Quarantined:
        """Read one."""
        if not (pk.isascii() and pk.isdecimal()):
            raise NotFound("message in quarantine", pk)
        return QuarantineService(unit).get(int(pk))

    def row_url(self, row: Quarantined) -> str:
        """Give the message's page."""
        url: str = self.get_url(".details_view", id=row.id)
        return url

    def render(self, template: str, **kwargs: Any) -> str:
        """Show a message's bytes as text where they are text, else in hexadecimal."""
        if template == self.details_template:
            kwargs |= shown_payload(kwargs["model"])
        return str(super().render(template, **kwargs))


def shown_payload(message: Quarantined) -> dict[str, Any]:
    """Give what the page shows of a message."""
    text, is_hex = payload_text(bytes(message.payload), SHOWN_BYTES)
    return {
        "message": message,
        "payload": text,
        "is_hex": is_hex,
        "is_cut": len(message.payload) > SHOWN_BYTES,
        "size": len(message.payload),
    }
