"""Signing in: the password check, the actor of a user, and the rules of refresh tokens."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, selectinload

from muster_platform.access import audit
from muster_platform.access.actor import Actor, Grant, system_actor
from muster_platform.access.models import Binding, RefreshToken, User
from muster_platform.access.passwords import needs_rehash, rehash, verify_password
from muster_platform.access.permissions import Permission
from muster_platform.access.restrictions import PASSWORD_CHANGE, SECOND_FACTOR
from muster_platform.access.sign_in_models import SecondFactor, SignInSession
from muster_platform.errors import NotAuthenticated
from muster_platform.outbox import EpochChanged, SessionEnded
from muster_platform.unit import Unit, Units
from muster_protocol.ids import uuid7

_KNOWN = {str(permission): permission for permission in Permission}


class WrongCredentials(NotAuthenticated):
    """An e-mail address or password that is wrong, or an account that is disabled.

    Attributes:
        user: whose account it was, None where there is none; told to nobody.
        disabled: whether the password was right.
    """

    code = "bad_credentials"

    def __init__(self, user: User | None = None, *, disabled: bool = False) -> None:
        super().__init__("e-mail address or password is wrong")
        self.user, self.disabled = user, disabled


def check_password(unit: Unit, email: str, password: str) -> User:
    """Check a password; reads only, so that the slow hash holds no lock.

    Raises:
        WrongCredentials: unknown, wrong or disabled, told alike.
    """
    user = unit.session.scalar(select(User).where(User.email == email.strip().lower()))
    right = verify_password(password, user.password_hash if user else None)
    if user is None or not right or user.disabled_at is not None:
        raise WrongCredentials(user, disabled=right)
    return user


def note_sign_in(unit: Unit, checked: User, password: str | None) -> User:
    """Note a sign-in whose password was checked, and renew a hash made with old parameters.

    Args:
        checked: as `check_password` gave it, in a unit before this one.
        password: None where it is not at hand any more (a code came after it).

    Raises:
        NotAuthenticated: the account was disabled or its password changed since the check.
    """
    # Held: a password that is changed at this moment is changed before or after, not meanwhile.
    checked_hash = checked.password_hash
    user = held_user(unit, checked.id)
    if user is None or user.disabled_at is not None or user.password_hash != checked_hash:
        raise WrongCredentials(user)
    if password is not None and needs_rehash(user.password_hash):
        user.password_hash = rehash(password)
    user.last_sign_in_at = unit.now()
    person = replace(unit.actor, kind="user", id=user.id, name=user.email)
    audit.record(unit.as_actor(person), "user.sign_in", "user", user.id, user.email)
    return user


def held_user(unit: Unit, user_id: str) -> User | None:
    """Load a user as it is now; nobody changes it until the unit ends."""
    return unit.session.get(
        User, user_id, with_for_update={"key_share": True}, populate_existing=True
    )


def actor_of(session: Session, user_id: str, request_id: str = "") -> Actor:
    """Build the actor of a user, with the rights of this moment.

    Raises:
        NotAuthenticated: no such user, or disabled.
    """
    user = session.scalar(
        select(User)
        .where(User.id == user_id)
        .options(selectinload(User.bindings).joinedload(Binding.role))
        .execution_options(populate_existing=True)
    )
    if user is None or user.disabled_at is not None:
        raise NotAuthenticated("this user may not sign in any more")
    grants = tuple(grant_of(binding) for binding in user.bindings)
    return Actor(
        "user",
        user.id,
        user.email,
        grants,
        user.epoch,
        request_id,
        restriction=restriction_of(session, user),
    )


def restriction_of(session: Session, user: User) -> str:
    """Give what the user must do before anything else; "" when nothing."""
    if user.must_change_password:
        return PASSWORD_CHANGE
    demanded = any(binding.role.require_second_factor for binding in user.bindings)
    return SECOND_FACTOR if demanded and not has_second_factor(session, user.id) else ""


def has_second_factor(session: Session, user_id: str) -> bool:
    """Say whether the user has set up a second factor and proved it."""
    row = session.get(SecondFactor, user_id)
    return row is not None and row.confirmed_at is not None


def grant_of(binding: Binding) -> Grant:
    """Give what a binding grants; permissions of an unknown name grant nothing."""
    names = (row.permission for row in binding.role.permissions)
    known = frozenset(_KNOWN[name] for name in names if name in _KNOWN)
    return Grant(known, binding.group.path if binding.group else None)


def bump_epoch(unit: Unit, user: User) -> None:
    """Make every token and cached right of the user old.

    Counted by the database: of two changes at the same moment each gets a number of its own, or
    the second would end nothing that was begun after the first.
    """
    user.epoch = User.epoch + 1
    unit.session.flush()
    unit.session.refresh(user, ["epoch"])
    unit.outbox.add(EpochChanged(user.id, user.epoch))


def issue_refresh(unit: Unit, user_id: str, family: str | None = None) -> RefreshToken:
    """Issue a refresh token; a new family is a new sign-in."""
    now = unit.now()
    token = RefreshToken(
        jti=uuid7(now),
        family=family or uuid7(now),
        user_id=user_id,
        issued_at=now,
        expires_at=now + unit.settings.refresh_token_s * 1000,
    )
    unit.session.add(token)
    unit.session.flush()
    return token


def rotate_refresh(units: Units, jti: str) -> RefreshToken:
    """Exchange a refresh token for the next one of its family.

    Within the grace (two tabs) a used one may be exchanged again; later its second use is a
    theft: the family ends and the user's access tokens with it. Opens a unit of its own, since
    that must be stored although the caller gets an error.

    Raises:
        NotAuthenticated: unknown, expired, revoked, stolen, or the user is disabled.
    """
    with units.open(system_actor("auth")) as unit:
        row = unit.session.get(RefreshToken, jti, with_for_update=True)
        if row is None or row.revoked_at is not None or row.expires_at <= unit.now():
            raise NotAuthenticated("the session has ended; sign in again")
        user = unit.session.get_one(User, row.user_id)
        if user.disabled_at is not None:
            raise NotAuthenticated("this user may not sign in any more")
        grace_ms = unit.settings.refresh_grace_s * 1000
        if row.used_at is None or unit.now() - row.used_at <= grace_ms:
            token = issue_refresh(unit, row.user_id, row.family)
            if row.used_at is None:
                row.used_at, row.replaced_by = unit.now(), token.jti
            return token
        revoke_family(unit, row.family)
        bump_epoch(unit, user)
        audit.record(unit, "user.refresh_token_reused", "user", user.id, user.email)
    raise NotAuthenticated(
        "this session was used from two places and has been ended; sign in again",
        code="refresh_token_reused",
    )


def revoke_family(unit: Unit, family: str) -> None:
    """End one sign-in: none of its refresh tokens works any more."""
    now = unit.now()
    # Held first: an exchange that is under way ends before, and what it gave is revoked, too.
    held = (
        select(RefreshToken.user_id)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .order_by(RefreshToken.jti)
        .with_for_update()
    )
    user_id = next(iter(unit.session.scalars(held)), None)
    unit.session.execute(
        update(RefreshToken)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    unit.session.execute(
        update(SignInSession).where(SignInSession.family == family).values(ended_at=now)
    )
    if user_id is not None:
        unit.outbox.add(SessionEnded(user_id, family))


def live_families(user_id: str, now: int) -> Select[Any]:
    """Select the families of a user's sign-ins that hold: a token is left to be exchanged."""
    return (
        select(RefreshToken.family)
        .where(
            RefreshToken.user_id == user_id,
            RefreshToken.revoked_at.is_(None),
            RefreshToken.expires_at > now,
        )
        .distinct()
    )


def revoke_all(unit: Unit, user_id: str, *, keep: str = "") -> None:
    """End all sign-ins of a user, but for the one of the family `keep`."""
    for family in list(unit.session.scalars(live_families(user_id, unit.now()))):
        if family != keep:
            revoke_family(unit, family)
