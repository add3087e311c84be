"""Signed links in mails about alarms: whoever holds one acknowledges in the recipient's name.

The token says what mail it was written into, for whom, with which rights (the person's epoch)
and until when. It is good for one thing, and for nothing that the mail did not tell of.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.auth import actor_of
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.oncall_models import AlarmNotice
from muster_platform.alerts.states import UNACKNOWLEDGED
from muster_platform.errors import Conflict, NotAuthenticated, PermissionDenied
from muster_platform.unit import Unit

PATH = "/admin/alarm-link/"
LIFE_MS = 7 * 86_400_000
PURPOSE = b"muster: acknowledge alarms of a mail"
_FORM = struct.Struct(">16s16sQQ")
_MAC = 32
TOKEN_CHARS = 200
SHOWN = 20


class LinkEnded(NotAuthenticated):
    """A link that is none of ours, has run out, or is from before the person's account changed."""

    code = "link_ended"


@dataclass(frozen=True, slots=True)
class Token:
    """What a link says; see the module."""

    mail_id: str
    user_id: str
    epoch: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link leads to, as far as its person may read it now.

    Attributes:
        open: alarms that nobody has acknowledged.
        others: those that somebody has, or that are closed.
    """

    user: User
    actor: Actor
    open: list[Alarm]
    others: list[Alarm]


def sign(unit: Unit, mail_id: str, user: User) -> str:
    """Make the address of a link for one mail and its recipient."""
    body = _FORM.pack(UUID(mail_id).bytes, UUID(user.id).bytes, user.epoch, unit.now() + LIFE_MS)
    token = base64.urlsafe_b64encode(body + _mac(unit, body)).decode().rstrip("=")
    return f"{unit.settings.public_url.rstrip('/')}{PATH}{token}"


def look(unit: Unit, text: str) -> Linked:
    """Say what a link is about; changes nothing.

    Raises:
        LinkEnded: it does not work (any more); says why only to whom it was signed for.
        PermissionDenied: the person has lost the right to acknowledge every one of these alarms.
    """
    token = _read(unit, text)
    if token.expires_at <= unit.now():
        raise LinkEnded("this link is too old; sign in to see how the alarm stands")
    try:
        actor = actor_of(unit.session, token.user_id)
    except NotAuthenticated as error:
        raise LinkEnded("the account that this link was for may not sign in any more") from error
    if actor.epoch != token.epoch or actor.restriction:
        raise LinkEnded("the account was changed since this mail; sign in to acknowledge")
    told = select(AlarmNotice.alarm_id).where(
        AlarmNotice.mail_id == token.mail_id, AlarmNotice.user_id == token.user_id
    )
    right = Permission.ALARMS_ACKNOWLEDGE
    # As the site shows them now: since the mail a device may have been moved, or deleted.
    mine = AlarmQuery(unit.as_actor(actor)).mine(told, right)
    if not mine:
        raise PermissionDenied(right, "the group of this alarm")
    waiting = [alarm for alarm in mine if alarm.state in UNACKNOWLEDGED]
    rest = [alarm for alarm in mine if alarm.state not in UNACKNOWLEDGED]
    user = unit.session.get_one(User, token.user_id)
    return Linked(user, actor, waiting, rest)


def acknowledge(unit: Unit, text: str) -> int:
    """Acknowledge what a link is about, in its recipient's name; give how many.

    Raises:
        LinkEnded, PermissionDenied: as `look`.
    """
    found = look(unit, text)
    service, number = AlarmService(unit.as_actor(found.actor)), 0
    for alarm in found.open:
        try:
            service.acknowledge(alarm.id, "by the link in a mail")
            number += 1
        except Conflict:
            continue  # somebody else was faster
    return number


def _read(unit: Unit, text: str) -> Token:
    wrong = LinkEnded("this link is not complete; open it from the mail again")
    if len(text) > TOKEN_CHARS:
        raise wrong
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise wrong from error
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if len(body) != _FORM.size or not hmac.compare_digest(mac, _mac(unit, body)):
        raise wrong
    mail, user, epoch, expires_at = _FORM.unpack(body)
    return Token(str(UUID(bytes=mail)), str(UUID(bytes=user)), epoch, expires_at)


def _mac(unit: Unit, body: bytes) -> bytes:
    key = hmac.digest(unit.settings.jwt_secret.encode(), PURPOSE, "sha256")
    return hmac.new(key, body, hashlib.sha256).digest()
