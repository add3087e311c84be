"""Sends what is in the outbox of mails, and forgets what is old about signing in."""

import logging
from collections.abc import Callable

from sqlalchemy import delete, select

from muster_platform.access import mails, sign_ins
from muster_platform.access.actor import system_actor
from muster_platform.access.mail_links import clean_links
from muster_platform.access.mail_models import Mail
from muster_platform.access.mails import Mailer, MailRefused, MailServerAway
from muster_platform.access.sign_in_models import SignInSession
from muster_platform.adapters.mail import mailer
from muster_platform.alerts.telling import still_needed, withdraw
from muster_platform.bootstrap import Platform
from muster_platform.outbox import Touched
from muster_platform.unit import Unit

PASS_MAILS = 500
PASS_BATCHES = 50
ROWS = 500
LINK_KEPT_MS = 7 * 86_400_000

_ACTOR = system_actor("worker")

log = logging.getLogger(__name__)


def send_mails(platform: Platform, carrier: Mailer | None = None) -> int:
    """Send the mails that are due; give how many were tried.

    Each is claimed alone and committed before it is sent: behind a slow server no claim runs
    out, and its end is committed before the next.
    """
    carrier = carrier or mailer(platform.settings)
    for number in range(PASS_MAILS):
        with platform.unit(_ACTOR) as unit:
            claimed = mails.claim(unit, 1)
        if not claimed:
            return number
        if not _send(platform, carrier, claimed[0]):
            return number + 1  # it would take no other mail either
    return PASS_MAILS


def _send(platform: Platform, carrier: Mailer, mail: Mail) -> bool:
    """Send one; False when the server is away."""
    with platform.unit(_ACTOR, write=False) as unit:
        over = bool(still_needed(unit, mail))
    if over:
        with platform.unit(_ACTOR) as unit:
            over = withdraw(unit, mail)
    if over:
        return True
    try:
        carrier.send(mail)
    except MailServerAway as error:
        _note_failure(platform, mail, str(error), for_good=False)
        return False
    except MailRefused as error:
        _note_failure(platform, mail, str(error), for_good=True)
    except Exception as error:  # whatever a server or disk can do: the mail must not be lost
        _note_failure(platform, mail, f"{type(error).__name__}: {error}", for_good=False)
    else:
        with platform.unit(_ACTOR) as unit:
            mails.sent(unit, mail.id)
            unit.outbox.touched.append(
                Touched("mail", mail.id, f"{mail.subject} to {mail.to_address}")
            )
    return True


def _note_failure(platform: Platform, mail: Mail, error: str, *, for_good: bool) -> None:
    log.warning("mail %s to %s was not sent: %s", mail.id, mail.to_address, error)
    with platform.unit(_ACTOR) as unit:
        mails.failed(unit, mail.id, error, for_good=for_good)
        unit.outbox.touched.append(_touched(mail))


def _touched(mail: Mail) -> Touched:
    return Touched("mail", mail.id, f"{mail.subject} to {mail.to_address}")


def clean_sign_ins(platform: Platform) -> int:
    """Forget old mails, tries to sign in, links, and sign-ins that ended long ago."""
    steps: tuple[Callable[[Unit], int], ...] = (
        lambda unit: mails.clean_old(unit, ROWS),
        lambda unit: sign_ins.clean(unit, ROWS),
        lambda unit: clean_links(unit, unit.now() - LINK_KEPT_MS, ROWS),
        _clean_sessions,
    )
    total = 0
    for step in steps:
        for _ in range(PASS_BATCHES):
            with platform.unit(_ACTOR) as unit:
                number = step(unit)
            total += number
            if number < ROWS:
                break
    return total


def _clean_sessions(unit: Unit) -> int:
    """Forget sign-ins whose last token has run out."""
    before = unit.now() - unit.settings.refresh_token_s * 1000
    old = select(SignInSession.family).where(SignInSession.used_at < before).limit(ROWS)
    families = list(unit.session.scalars(old))
    unit.session.execute(delete(SignInSession).where(SignInSession.family.in_(families)))
    return len(families)
