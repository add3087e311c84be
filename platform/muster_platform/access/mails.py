"""Mails: written in the transaction of the act that causes them, sent after the commit.

`write` puts one into the outbox. The worker claims what is due (`claim`), hands it to the mailer
of this installation, and says how it went (`sent`, `failed`). A claim moves `next_at` on, so no
two senders have the same mail; only a crash between the server's yes and `sent` sends one again.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.exc import IntegrityError

from muster_platform.access import audit
from muster_platform.access.mail_models import FAILED, QUEUED, SENT, WITHDRAWN, Mail
from muster_platform.access.mail_texts import render
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, NotFound
from muster_platform.outbox import WAKE_MAILS, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.settings import Settings
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

ATTEMPTS = 10
LEASE_MS = 5 * 60_000
FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 2 * 3600_000
URGENT_WAIT_MS = 2 * 60_000
URGENT_KEPT_MS = 24 * 3600_000
"""Urgent mails are tried so often at least, and given up by their age, not by their attempts."""
SUBJECT_CHARS = 200
ERROR_CHARS = 500

_NEWEST_FIRST: Order[Mail] = Order(
    "mails", (Key(Mail.__table__.c.id, str, lambda row: row.id),), descending=True
)
_LINK = re.compile(r"(/admin/(?:alarm-)?link/)[A-Za-z0-9_-]{20,}")


class Mailer(Protocol):
    """Carries mails to where people read them (adapters.mail)."""

    def send(self, mail: Mail) -> None:
        """Send one.

        Raises:
            MailRefused: it will never be taken.
            OSError: not now; try again.
        """
        ...


class MailRefused(Exception):
    """The server said for good that it does not take this mail."""


class MailServerAway(OSError):
    """The server cannot be reached: it would take no other mail either."""


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails; None does not narrow."""

    state: str | None = None
    kind: str | None = None
    to: str | None = None


def write(
    unit: Unit,
    to: str,
    kind: str,
    *,
    dedup: str | None = None,
    urgent: bool = False,
    mail_id: str | None = None,
    **values: Any,
) -> Mail | None:
    """Put a mail into the outbox, in the unit's transaction.

    Args:
        to: address of one person.
        kind: names the templates of subject, text and HTML (`access/mail_templates`).
        dedup: a key; a mail of the same key that was written before is enough.
        urgent: somebody is to act on it now: it goes before others.
        mail_id: where the text needs to know it.
        values: what the templates show; escaped in the HTML.

    Returns:
        The mail; None where one of that key is there.
    """
    subject, text, html = render(kind, public_url=unit.settings.public_url, **values)
    mail = Mail(
        id=mail_id or uuid7(unit.now()),
        kind=kind,
        to_address=one_line(to),
        subject=one_line(subject)[:SUBJECT_CHARS],
        text=clean(text),
        html=clean(html),
        created_at=unit.now(),
        state=QUEUED,
        attempts=0,
        next_at=unit.now(),
        error="",
        dedup=dedup,
        urgent=urgent,
    )
    if dedup is not None:
        try:
            with unit.session.begin_nested():
                unit.session.add(mail)
        except IntegrityError:
            return None
    else:
        unit.session.add(mail)
    unit.outbox.add(Wake(WAKE_MAILS))
    return mail


def one_line(text: str) -> str:
    """Make one line of a text: what stands in a header never begins another."""
    return " ".join(clean(text).split())


def claim(unit: Unit, limit: int) -> list[Mail]:
    """Take mails that are due; they are nobody else's for LEASE_MS."""
    statement = (
        select(Mail)
        .where(Mail.state == QUEUED, Mail.next_at <= unit.now())
        .order_by(Mail.urgent.desc(), Mail.next_at, Mail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(unit.session.scalars(statement))
    for mail in found:
        mail.attempts += 1
        mail.next_at = unit.now() + LEASE_MS
    return found


def sent(unit: Unit, mail_id: str) -> None:
    """Note that a claimed mail was taken by the server."""
    mail = unit.session.get_one(Mail, mail_id)
    mail.state, mail.sent_at, mail.error = SENT, unit.now(), ""


def failed(unit: Unit, mail_id: str, error: str, *, for_good: bool) -> None:
    """Note that a claimed mail was not taken: later again, or given up."""
    mail = unit.session.get_one(Mail, mail_id)
    if mail.state != QUEUED:
        return
    mail.error = one_line(error)[:ERROR_CHARS]
    old = unit.now() >= mail.created_at + URGENT_KEPT_MS
    if for_good or (old if mail.urgent else mail.attempts >= ATTEMPTS):
        mail.state = FAILED
    else:
        mail.next_at = unit.now() + wait_ms(mail.attempts, urgent=mail.urgent)


def withdrawn(unit: Unit, mail_id: str, why: str) -> None:
    """Note that a claimed mail is needed by nobody any more: it is not sent."""
    mail = unit.session.get_one(Mail, mail_id)
    if mail.state == QUEUED:
        mail.state, mail.error = WITHDRAWN, one_line(why)[:ERROR_CHARS]


def wait_ms(attempts: int, *, urgent: bool = False) -> int:
    """Give how long to wait after so many attempts: twice as long each time, up to two hours."""
    longest = URGENT_WAIT_MS if urgent else LONGEST_WAIT_MS
    return int(min(longest, FIRST_WAIT_MS * 2 ** min(attempts - 1, 20)))


def clean_old(unit: Unit, limit: int) -> int:
    """Forget a batch of mails older than `mails_kept_days`; give how many."""
    before = unit.now() - unit.settings.mails_kept_days * 86_400_000
    done = or_(Mail.state != QUEUED, Mail.attempts >= ATTEMPTS)
    old = select(Mail.id).where(and_(Mail.created_at < before, done)).limit(limit)
    ids = list(unit.session.scalars(old))
    unit.session.execute(delete(Mail).where(Mail.id.in_(ids)))
    return len(ids)


def masked(text: str) -> str:
    """Take the secret out of links that sign somebody in."""
    return _LINK.sub(r"\1********", text)


def shows_links(settings: Settings, unit: Unit) -> bool:
    """Say whether the actor may read links in mails: there is no server that delivers them.

    Then somebody must hand the link over. Whoever reads it could be anybody, an administrator
    too, so it takes every permission that there is.
    """
    everything = all(unit.actor.may(permission) for permission in Permission)
    return not settings.smtp_host and unit.actor.kind == "user" and everything


class MailService:
    """Reads the outbox, and sends again what was given up."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def page(self, wanted: MailFilter, page: PageRequest) -> Page[Mail]:
        """List mails, newest first.

        Raises:
            PermissionDenied: without system:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require(Permission.SYSTEM_READ)
        statement = select(Mail)
        if wanted.state is not None:
            statement = statement.where(Mail.state == wanted.state)
        if wanted.kind is not None:
            statement = statement.where(Mail.kind == wanted.kind)
        if wanted.to is not None:
            statement = statement.where(Mail.to_address.icontains(wanted.to, autoescape=True))
        most = self._unit.settings.page_size_max
        return fetch_page(self._unit.session, statement, _NEWEST_FIRST, page, most)

    def get(self, mail_id: str) -> Mail:
        """Get one.

        Raises:
            PermissionDenied: without system:read everywhere.
            NotFound: no such mail.
        """
        self._unit.actor.require(Permission.SYSTEM_READ)
        mail = self._unit.session.get(Mail, mail_id)
        if mail is None:
            raise NotFound("mail", mail_id)
        return mail

    def text_of(self, mail: Mail) -> str:
        """Give the text of a mail as the actor may read it; see `shows_links`."""
        if shows_links(self._unit.settings, self._unit):
            return mail.text
        return masked(mail.text)

    def send_again(self, mail_id: str) -> Mail:
        """Queue a mail that was given up.

        Raises:
            PermissionDenied: without system:write everywhere.
            NotFound: no such mail.
            Conflict: it is sent, or still queued.
        """
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        mail = self.get(mail_id)
        if mail.state != FAILED:
            raise Conflict(f"this mail is {mail.state}; only one that was given up is sent again")
        mail.state, mail.attempts, mail.next_at = QUEUED, 0, self._unit.now()
        self._unit.outbox.add(Wake(WAKE_MAILS))
        audit.record(self._unit, "mail.send_again", "mail", mail.id, mail.to_address)
        return mail
