"""Inviting people, and sending a link to those who forgot their password."""

from sqlalchemy import select

from muster_platform.access import audit
from muster_platform.access.granting import require_person
from muster_platform.access.mail_links import INVITATION, RESET, rehearse, send_link
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_sessions import Seen
from muster_platform.access.sign_ins import ASKED_RESET, note_failure
from muster_platform.access.users import UserService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit


class InvitationService:
    """Accounts whose owner chooses the password by a link that was mailed."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def invite(self, email: str, name: str = "") -> User:
        """Make a user without a password, and mail the link to choose one.

        Raises:
            PermissionDenied: without users:write everywhere, or a token asks.
            InvalidInput: address or name do not fit.
            Conflict: the address is taken.
        """
        service = UserService(self._unit)
        user, _ = service.create(email, name or email.partition("@")[0])
        user.password_hash, user.must_change_password = "", False
        send_link(self._unit, user, INVITATION, by=self._unit.actor.name)
        self._note("user.invite", user)
        return user

    def send_again(self, user_id: str) -> User:
        """Mail the link again, a new one: an invitation, or a reset to whoever has a password.

        Raises:
            PermissionDenied: without users:write everywhere, or a token asks.
            NotFound: no such user.
            Conflict: the user is disabled.
        """
        require_person(self._unit.actor, "send links to a password")
        self._unit.actor.require(Permission.USERS_WRITE)
        user = UserService(self._unit).get(user_id)
        if user.disabled_at is not None:
            raise Conflict(f"{user.email} is disabled; enable the account first", code="disabled")
        if user.password_hash:
            send_link(self._unit, user, RESET)
            self._note("user.send_reset", user)
        else:
            send_link(self._unit, user, INVITATION, by=self._unit.actor.name)
            self._note("user.invite", user)
        return user

    def _note(self, action: str, user: User) -> None:
        audit.record(self._unit, action, "user", user.id, user.email)


def forgot(unit: Unit, email: str, seen: Seen) -> None:
    """Mail a link to whoever has the address; the same work and silence where nobody has it."""
    user = unit.session.scalar(select(User).where(User.email == email.strip().lower()))
    note_failure(unit, user, seen, ASKED_RESET)
    if user is None or user.disabled_at is not None:
        rehearse(unit)
    else:
        send_link(unit, user, RESET if user.password_hash else INVITATION, by="Muster")
