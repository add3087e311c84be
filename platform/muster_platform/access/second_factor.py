"""A person's second factor: set up, proved at each sign-in, taken away."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update

from muster_platform.access import audit, notices
from muster_platform.access import second_factor_rules as rules
from muster_platform.access.auth import bump_epoch, has_second_factor, revoke_all
from muster_platform.access.granting import require_person
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_models import RecoveryCode, SecondFactor
from muster_platform.access.users import require_rights_of
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7


@dataclass(frozen=True, slots=True)
class Offer:
    """What an authenticator app is given, once.

    Attributes:
        secret: base32, to be typed where no camera is.
        address: the same as otpauth:// address, for a QR code.
    """

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands.

    Attributes:
        since: when it was set up, ms since the epoch; None without one.
        recovery_codes_left: how many were not used.
        required: whether a role of theirs asks for one.
    """

    since: int | None
    recovery_codes_left: int
    required: bool


def take(unit: Unit, user_id: str, code: str) -> str | None:
    """Take a code at a sign-in: "app" or "recovery" when it is right, else None.

    Either is right once only; the row is locked, so that two at the same moment are one.
    """
    row = unit.session.get(SecondFactor, user_id, with_for_update=True, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return None
    step = rules.matching_step(row.secret, code, unit.now(), row.last_step)
    if step is not None:
        row.last_step = step
        return "app"
    return "recovery" if _take_recovery(unit, user_id, code) else None


def _take_recovery(unit: Unit, user_id: str, code: str) -> bool:
    hashed = rules.recovery_hash(code)
    if hashed is None:
        return False
    statement = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.hash == hashed,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=unit.now())
    )
    result = unit.session.execute(statement, execution_options={"synchronize_session": False})
    return result.rowcount == 1  # type: ignore[attr-defined,no-any-return]


class SecondFactorService:
    """What people do with their own second factor, and an administrator with another's."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def standing(self, user_id: str | None = None) -> Standing:
        """Say how a person stands (None: the actor).

        Raises:
            PermissionDenied: another's, without users:read everywhere.
            NotFound: no such user.
        """
        if user_id is not None and user_id != self._unit.actor.id:
            self._unit.actor.require(Permission.USERS_READ)
        user = self._load(user_id or self._unit.actor.id)
        row = self._session.get(SecondFactor, user.id)
        left = self._session.scalar(
            select(func.count(RecoveryCode.id)).where(
                RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)
            )
        )
        required = any(binding.role.require_second_factor for binding in user.bindings)
        return Standing(row.confirmed_at if row else None, left or 0, required)

    def begin(self) -> Offer:
        """Offer the actor a new secret; it counts from `confirm` on.

        Raises:
            PersonNeeded: a token asks.
            Conflict: there is a second factor already.
        """
        user = self._own()
        if has_second_factor(self._session, user.id):
            raise Conflict(
                "there is a second factor already; remove it first, then set up another",
                code="exists",
            )
        row = self._session.get(SecondFactor, user.id)
        if row is None:
            row = SecondFactor(user_id=user.id)
            self._session.add(row)
        row.secret, row.created_at, row.last_step = rules.new_secret(), self._unit.now(), 0
        return self._offer(user, row)

    def offered(self) -> Offer | None:
        """Give again what `begin` gave and `confirm` has not seen; None where nothing is open.

        Raises:
            PersonNeeded: a token asks.
        """
        user = self._own()
        row = self._session.get(SecondFactor, user.id)
        return self._offer(user, row) if row is not None and row.confirmed_at is None else None

    def confirm(self, code: str) -> list[str]:
        """Set it up by a first right code; give the recovery codes, shown now and never again.

        Raises:
            PersonNeeded: a token asks.
            Conflict: nothing was begun, or it is set up already.
            InvalidInput: the code is wrong.
        """
        user = self._own()
        row = self._session.get(SecondFactor, user.id, with_for_update=True)
        if row is None or row.confirmed_at is not None:
            raise Conflict("begin to set up a second factor first", code="not_begun")
        step = rules.matching_step(row.secret, code, self._unit.now(), row.last_step)
        if step is None:
            raise InvalidInput(
                "the code is wrong; look whether the phone's clock is right and take the next one",
                where="code",
            )
        row.confirmed_at, row.last_step = self._unit.now(), step
        codes = self._new_codes(user)
        bump_epoch(self._unit, user)
        self._note("user.second_factor_set_up", user)
        notices.second_factor_set_up(self._unit, user)
        return codes

    def renew_recovery_codes(self) -> list[str]:
        """Make new recovery codes; the old ones end.

        Raises:
            PersonNeeded: a token asks.
            Conflict: there is no second factor.
        """
        user = self._own()
        self._require_set_up(user)
        codes = self._new_codes(user)
        self._note("user.recovery_codes_renewed", user)
        return codes

    def remove(self) -> None:
        """Take the actor's own away; the person is told by mail.

        Raises:
            PersonNeeded: a token asks.
            Conflict: there is none.
        """
        user = self._own()
        self._require_set_up(user)
        self._forget(user)
        self._note("user.second_factor_removed", user)
        notices.second_factor_removed(self._unit, user, by=None)

    def reset(self, user_id: str, reason: str | None = None) -> None:
        """Take another's away, who lost phone and codes; ends their sign-ins, tells them by mail.

        Raises:
            PermissionDenied: without users:write everywhere, or the user has rights that the
                actor lacks, or a token asks.
            NotFound: no such user.
            Conflict: there is none.
        """
        require_person(self._unit.actor, "reset second factors")
        self._unit.actor.require(Permission.USERS_WRITE)
        user = self._load(user_id)
        require_rights_of(self._unit.actor, user)
        self._require_set_up(user)
        self._forget(user)
        revoke_all(self._unit, user.id)
        self._note("user.second_factor_reset", user, reason)
        notices.second_factor_removed(self._unit, user, by=self._unit.actor.name)

    def _forget(self, user: User) -> None:
        for table in (SecondFactor, RecoveryCode):
            self._session.execute(delete(table).where(table.user_id == user.id))
        bump_epoch(self._unit, user)

    def _new_codes(self, user: User) -> list[str]:
        self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        codes = rules.new_recovery_codes()
        for code in codes:
            hashed = rules.recovery_hash(code)
            self._session.add(
                RecoveryCode(id=uuid7(self._unit.now()), user_id=user.id, hash=hashed)
            )
        return codes

    def _offer(self, user: User, row: SecondFactor) -> Offer:
        url = self._unit.settings.public_url
        return Offer(row.secret, rules.address(row.secret, user.email, url))

    def _require_set_up(self, user: User) -> None:
        if not has_second_factor(self._session, user.id):
            raise Conflict(f"{user.email} has no second factor", code="no_second_factor")

    def _own(self) -> User:
        require_person(self._unit.actor, "change second factors")
        return self._load(self._unit.actor.id)

    def _load(self, user_id: str) -> User:
        user = self._session.get(User, user_id)
        if user is None:
            raise NotFound("user", user_id)
        return user

    def _note(self, action: str, user: User, reason: str | None = None) -> None:
        audit.record(self._unit, action, "user", user.id, user.email, reason=reason)
