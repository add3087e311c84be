"""Mails that this installation sent, or could not."""

from typing import Any, ClassVar

from flask import url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.mail_models import FAILED, QUEUED, SENT, WITHDRAWN, Mail
from muster_platform.access.mails import MailFilter, MailService, shows_links
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.site import gate, reach
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import ListQuery, ServiceModelView
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.words import Look

LOOKS: dict[str, Look] = {
    QUEUED: Look("Queued", "hourglass", "busy"),
    SENT: Look("Sent", "circle-check", "ok"),
    FAILED: Look("Given up", "alert-circle", "bad"),
    WITHDRAWN: Look("Not needed any more", "circle-dashed", "mute"),
}
RETRYING = Look("Tried, will be again", "alert-triangle", "warn")


def look(mail: Mail) -> Look:
    """Give how a mail stands."""
    if mail.state == QUEUED and mail.error:
        return RETRYING
    return LOOKS[mail.state]


class MailList(ServiceModelView):
    """The outbox of mails."""

    can_view_details = True
    details_template = "site/mail.html"
    list_template = "site/mails.html"
    column_list = ("subject", "to_address", "state", "created_at", "error")
    details_only = ("error",)
    column_labels: ClassVar[dict[str, str]] = {
        "subject": "Mail",
        "to_address": "To",
        "state": "State",
        "created_at": "Written",
        "error": "Last error",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "subject": cell("mail_subject"),
        "state": lambda view, context, row, name: cell("look")(view, context, look(row), name),
        "created_at": cell("time", "created_at"),
    }
    column_details_list: ClassVar[list[str]] = ["subject"]
    column_export_list = (
        *("id", "created_at", "sent_at", "kind", "to_address", "subject", "state", "attempts"),
        "error",
    )
    column_filters = (
        ListFilter("to", "To"),
        ListFilter("state", "State", lambda: [(state, LOOKS[state].label) for state in LOOKS]),
    )
    empty_title = "No mails yet"
    empty_text = (
        "Invitations, links to a new password and notices about accounts are listed here. "
        "Without a mail server (smtp_host) they are written to files in the state folder."
    )

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Mail]:
        """Read one page."""
        wanted = MailFilter(state=query.filters.get("state"), to=query.filters.get("to"))
        return MailService(unit).page(wanted, query.page)

    def one(self, unit: Unit, pk: str) -> Mail:
        """Read one."""
        return MailService(unit).get(pk)

    def row_name(self, row: Mail) -> str:
        """Name a mail."""
        return row.subject

    def row_url(self, row: Mail) -> str:
        """Give the mail's page."""
        url: str = self.get_url(".details_view", id=row.id)
        return url

    def render(self, template: str, **kwargs: Any) -> str:
        """Show a mail as far as the reader may read it."""
        settings = platform().settings
        if template == self.details_template:
            with gate.reading() as unit:
                mail = kwargs["model"]
                kwargs["mail"], kwargs["look"] = mail, look(mail)
                kwargs["text"] = MailService(unit).text_of(mail)
                kwargs["shows_links"] = shows_links(settings, unit)
        kwargs["server"] = settings.smtp_host
        kwargs["folder"] = settings.mails_dir
        kwargs["warning"] = reach.warning(settings)
        return str(super().render(template, **kwargs))

    @expose("/again/<mail_id>", methods=("POST",))
    def again(self, mail_id: str) -> Response:
        """Queue a mail again that was given up."""
        return gate.act(
            lambda unit: MailService(unit).send_again(mail_id),
            "The mail is queued again.",
            url_for(".details_view", id=mail_id),
        )
