"""Links in mails that let a person set the password: an invitation, or a forgotten one.

The token in the link is random and stored nowhere but in the mail; the table has its hash. It
works once, until it runs out, and the next link ends the one before.
"""

import hashlib
import secrets

from sqlalchemy import delete, select, update

from muster_platform.access import audit, mails, notices
from muster_platform.access.actor import Actor
from muster_platform.access.auth import bump_epoch, revoke_all
from muster_platform.access.models import User
from muster_platform.access.passwords import hash_password
from muster_platform.access.sign_in_models import MailLink
from muster_platform.errors import NotAuthenticated
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

INVITATION = "invitation"
RESET = "reset"
TOKEN_BYTES = 32
PATH = "/admin/link/"


class LinkEnded(NotAuthenticated):
    """A link that was used, replaced, has run out, or never was one; told alike."""

    code = "link_ended"

    def __init__(self) -> None:
        super().__init__(
            "this link was used before, was replaced by a newer one or has run out; "
            "ask for a new one on the sign-in page"
        )


def send_link(unit: Unit, user: User, purpose: str, *, by: str = "") -> str:
    """Mail a person a link, and end those that were mailed before.

    Args:
        purpose: INVITATION or RESET.
        by: who invites.

    Returns:
        Id of the mail.
    """
    revoke_links(unit, user.id)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    settings = unit.settings
    life_s = settings.invitation_s if purpose == INVITATION else settings.password_reset_s
    unit.session.add(
        MailLink(
            id=uuid7(unit.now()),
            user_id=user.id,
            purpose=purpose,
            hash=_hash(token),
            created_at=unit.now(),
            expires_at=unit.now() + life_s * 1000,
        )
    )
    mail = mails.write(
        unit,
        user.email,
        purpose,
        name=user.name,
        email=user.email,
        by=by,
        link=f"{settings.public_url.rstrip('/')}{PATH}{token}",
        valid=in_words(life_s),
    )
    return mail.id if mail is not None else ""


def rehearse(unit: Unit) -> None:
    """Do the work of `send_link` for nobody, so that it takes as long; leaves nothing."""
    nobody = User(id=uuid7(unit.now()), email="nobody@invalid", name="nobody")
    revoke_links(unit, nobody.id)
    with unit.session.begin_nested() as inner:
        mails.write(
            unit,
            nobody.email,
            RESET,
            name=nobody.name,
            email=nobody.email,
            by="",
            link=f"{unit.settings.public_url}{PATH}{secrets.token_urlsafe(TOKEN_BYTES)}",
            valid=in_words(unit.settings.password_reset_s),
        )
        unit.session.flush()
        inner.rollback()


def look(unit: Unit, token: str) -> tuple[User, MailLink]:
    """Say whose link it is; changes nothing.

    Raises:
        LinkEnded: it is none, or none any more.
    """
    link = unit.session.scalar(select(MailLink).where(MailLink.hash == _hash(token)))
    ended = (
        link is None
        or link.used_at is not None
        or link.revoked_at is not None
        or link.expires_at <= unit.now()
    )
    if link is None or ended:
        raise LinkEnded
    user = unit.session.get_one(User, link.user_id)
    if user.disabled_at is not None:
        raise LinkEnded
    return user, link


def use(unit: Unit, token: str, password: str) -> User:
    """Set the password by a link; ends the link, all sign-ins and all other links.

    Raises:
        LinkEnded: it is none, or none any more.
        InvalidInput: the password does not fit; the link stays.
    """
    user, link = look(unit, token)
    user.password_hash = hash_password(password, context=(user.email, user.name))
    _spend(unit, link)
    user.must_change_password = False
    revoke_links(unit, user.id)
    revoke_all(unit, user.id)
    bump_epoch(unit, user)
    person = Actor("user", user.id, user.email, request_id=unit.actor.request_id)
    act = "user.accept_invitation" if link.purpose == INVITATION else "user.reset_password"
    audit.record(unit.as_actor(person), act, "user", user.id, user.email)
    if link.purpose == RESET:
        notices.password_changed(unit, user)
    return user


def _spend(unit: Unit, link: MailLink) -> None:
    """Use the link up; of two at the same moment one is first."""
    statement = (
        update(MailLink)
        .where(MailLink.id == link.id, MailLink.used_at.is_(None), MailLink.revoked_at.is_(None))
        .values(used_at=unit.now())
    )
    result = unit.session.execute(statement, execution_options={"synchronize_session": False})
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkEnded


def revoke_links(unit: Unit, user_id: str) -> None:
    """End the links that were mailed to a person."""
    unit.session.execute(
        update(MailLink)
        .where(
            MailLink.user_id == user_id, MailLink.used_at.is_(None), MailLink.revoked_at.is_(None)
        )
        .values(revoked_at=unit.now())
    )


def clean_links(unit: Unit, before: int, limit: int) -> int:
    """Forget a batch of links that ran out before a time; give how many."""
    old = select(MailLink.id).where(MailLink.expires_at < before).limit(limit)
    ids = list(unit.session.scalars(old))
    unit.session.execute(delete(MailLink).where(MailLink.id.in_(ids)))
    return len(ids)


def in_words(seconds: int) -> str:
    """Write a time in the largest unit that leaves no rest."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
