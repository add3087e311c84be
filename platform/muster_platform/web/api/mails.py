"""Mails that this installation sent, or could not."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.mail_models import Mail
from muster_platform.access.mails import MailFilter, MailService
from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Listed, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Mails")


class MailAnswer(msgspec.Struct, kw_only=True):
    """A mail. Times are ms since the epoch.

    Attributes:
        state: queued, sent, failed, or withdrawn (nobody needed it any more).
        next_at: when a queued one is tried next.
        error: of the last attempt.
    """

    id: str
    kind: str
    to: str
    subject: str
    created_at: int
    state: str
    attempts: int
    next_at: int
    sent_at: int | None
    error: str


class MailText(MailAnswer, kw_only=True):
    """A mail and its text; links that sign somebody in are masked."""

    text: str


class MailsQuery(PageQuery, kw_only=True):
    """Which mails."""

    state: Annotated[str, Meta(pattern="^(queued|sent|failed|withdrawn)$")] | None = None
    kind: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    to: Annotated[str, Meta(min_length=1, max_length=254)] | None = None


@routes.add("GET", "/mails", permission=Permission.SYSTEM_READ)
def list_mails(unit: Unit, query: MailsQuery) -> Listed[MailAnswer]:
    """List mails, newest first."""
    wanted = MailFilter(query.state, query.kind, query.to)
    found = MailService(unit).page(wanted, query.page())
    items = [_answer(mail) for mail in found.items]
    return Listed(items=items, next_cursor=found.next_cursor)


@routes.add("GET", "/mails/{mail_id}", permission=Permission.SYSTEM_READ)
def get_mail(unit: Unit, mail_id: str) -> MailText:
    """Get a mail with its text."""
    service = MailService(unit)
    mail = service.get(mail_id)
    return MailText(**_fields(mail), text=service.text_of(mail))


@routes.add("POST", "/mails/{mail_id}/send", permission=Permission.SYSTEM_WRITE, errors=(Conflict,))
def send_mail_again(unit: Unit, mail_id: str) -> MailAnswer:
    """Queue a mail again that was given up."""
    return _answer(MailService(unit).send_again(mail_id))


def _answer(mail: Mail) -> MailAnswer:
    return MailAnswer(**_fields(mail))


def _fields(mail: Mail) -> dict[str, Any]:
    names = [name for name in MailAnswer.__struct_fields__ if name != "to"]
    return {"to": mail.to_address, **{name: getattr(mail, name) for name in names}}
