"""Messages that could not be taken, whole, for people to look at."""

from typing import Any, ClassVar

from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views.cells import cell

SHOWN_BYTES = 16 * 1024


class QuarantineList(ServiceModelView):
    """The quarantine."""

    can_view_details = True
    details_template = "site/quarantined.html"
    column_list = ("topic", "reason", "detail", "received_at")
    column_labels: ClassVar[dict[str, str]] = {
        "topic": "Topic",
        "reason": "Reason",
        "detail": "What was wrong",
        "received_at": "Received",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "topic": cell("quarantine_topic"),
        "reason": cell("tag", "reason"),
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
    head = message.payload[:SHOWN_BYTES]
    try:
        text, is_hex = head.decode("utf-8"), False
    except UnicodeDecodeError:
        text, is_hex = head.hex(" "), True
    return {
        "message": message,
        "payload": text,
        "is_hex": is_hex,
        "is_cut": len(message.payload) > SHOWN_BYTES,
        "size": len(message.payload),
    }
