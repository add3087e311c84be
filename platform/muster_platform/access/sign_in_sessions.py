"""Sign-ins that last: where each came from, and ending them one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from muster_platform.access import audit
from muster_platform.access.actor import Actor
from muster_platform.access.auth import issue_refresh, live_families, revoke_family
from muster_platform.access.granting import require_person
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_models import SignInSession
from muster_platform.db.text import clean
from muster_platform.errors import NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

ADDRESS_CHARS = 64
USER_AGENT_CHARS = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a request came from, as far as anyone can tell.

    Attributes:
        user_agent: the caller's own word.
    """

    address: str
    user_agent: str = ""

    def fields(self) -> dict[str, str]:
        """Give both as the tables keep them."""
        return {
            "address": clean(self.address)[:ADDRESS_CHARS],
            "user_agent": clean(self.user_agent)[:USER_AGENT_CHARS],
        }


def begin(unit: Unit, user: User, seen: Seen, *, second_factor: bool) -> RefreshToken:
    """Begin a sign-in that lasts; give its first refresh token."""
    now = unit.now()
    row = SignInSession(
        family=uuid7(now),
        user_id=user.id,
        started_at=now,
        authenticated_at=now,
        used_at=now,
        second_factor=second_factor,
        **seen.fields(),
    )
    unit.session.add(row)
    return issue_refresh(unit, user.id, row.family)


def touch(unit: Unit, family: str, seen: Seen) -> int:
    """Note that a sign-in was used; give when its person last gave the password (ms, or 0)."""
    row = unit.session.get(SignInSession, family)
    if row is None:
        return 0
    row.used_at = unit.now()
    for name, value in seen.fields().items():
        setattr(row, name, value)
    return row.authenticated_at


def authenticated(unit: Unit, family: str) -> None:
    """Note that the person of a sign-in gave the password (and code) again."""
    unit.session.execute(
        update(SignInSession)
        .where(SignInSession.family == family)
        .values(authenticated_at=unit.now(), used_at=unit.now())
    )


class SessionService:
    """The sign-ins of a person: their own, or another's with users:read and users:write."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, user_id: str) -> list[SignInSession]:
        """List those that hold, the last used first.

        Raises:
            PermissionDenied: another's, without users:read everywhere.
            NotFound: no such user.
        """
        self._user(user_id, Permission.USERS_READ)
        statement = (
            select(SignInSession)
            .where(SignInSession.family.in_(live_families(user_id, self._unit.now())))
            .order_by(SignInSession.used_at.desc(), SignInSession.family.desc())
        )
        return list(self._session.scalars(statement))

    def end(self, user_id: str, family: str) -> None:
        """End one: it bites on the next request, and live streams close.

        Raises:
            PermissionDenied: another's, without users:write everywhere.
            NotFound: no such user, or no such sign-in of theirs that holds.
        """
        user = self._user(user_id, Permission.USERS_WRITE)
        if family not in {row.family for row in self._held(user_id)}:
            raise NotFound("sign-in", family)
        revoke_family(self._unit, family)
        self._note("user.end_session", user, 1)

    def end_others(self, user_id: str) -> int:
        """End all but the one the actor came by; give how many.

        Raises:
            PermissionDenied, NotFound: as `end`.
        """
        user = self._user(user_id, Permission.USERS_WRITE)
        families = [f for f in self._families(user_id) if f != self._unit.actor.session]
        for family in families:
            revoke_family(self._unit, family)
        if families:
            self._note("user.end_session", user, len(families))
        return len(families)

    def _held(self, user_id: str) -> Sequence[SignInSession]:
        families = live_families(user_id, self._unit.now())
        statement = select(SignInSession).where(SignInSession.family.in_(families))
        return self._session.scalars(statement).all()

    def _families(self, user_id: str) -> Sequence[str]:
        return self._session.scalars(live_families(user_id, self._unit.now())).all()

    def _user(self, user_id: str, permission: Permission) -> User:
        require_person(self._unit.actor, "look after sign-ins")
        if not is_self(self._unit.actor, user_id):
            self._unit.actor.require(permission)
        user = self._session.get(User, user_id)
        if user is None:
            raise NotFound("user", user_id)
        return user

    def _note(self, action: str, user: User, number: int) -> None:
        audit.record(self._unit, action, "user", user.id, user.email, after={"sessions": number})


def is_self(actor: Actor, user_id: str) -> bool:
    """Say whether a person acts on themselves; a token that they made is not them."""
    return actor.kind == "user" and actor.id == user_id
