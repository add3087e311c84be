"""What there was of tries to sign in: each success, and failures bounded by account and minute.

Kept beside the audit log, which is for acts of people: a try is nobody's act yet, and a flood of
them must not fill what can never be deleted.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_models import SignInTry
from muster_platform.access.sign_in_sessions import Seen, is_self
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

SIGNED_IN = "signed_in"
WRONG_PASSWORD = "wrong_password"  # noqa: S105 - no password
WRONG_CODE = "wrong_code"
DISABLED = "disabled"
UNKNOWN = "unknown_account"
ASKED_RESET = "asked_reset"
"""No try: somebody asked for a link to a new password."""
FAILED = (WRONG_PASSWORD, WRONG_CODE, DISABLED, UNKNOWN)

RECENT_MAX = 200
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tries there were, by how they ended, and how many accounts were tried in vain."""

    signed_in: int
    failed: int
    accounts_failed: int


def note_success(unit: Unit, user: User, seen: Seen, *, second_factor: bool) -> None:
    """Note one that succeeded."""
    unit.session.add(
        SignInTry(
            id=uuid7(unit.now()),
            at=unit.now(),
            user_id=user.id,
            email=user.email,
            outcome=SIGNED_IN,
            second_factor=second_factor,
            tries=1,
            **seen.fields(),
        )
    )


def note_failure(unit: Unit, user: User | None, seen: Seen, outcome: str) -> None:
    """Count one that failed; the same work whether the account exists or not."""
    now = unit.now()
    bucket = f"{now // _MINUTE_MS}:{outcome}:{user.id if user else ''}"
    if _count(unit, bucket, seen):
        return
    row = SignInTry(
        id=uuid7(now),
        at=now,
        user_id=user.id if user else None,
        email=user.email if user else "",
        outcome=outcome,
        tries=1,
        bucket=bucket,
        **seen.fields(),
    )
    try:
        with unit.session.begin_nested():
            unit.session.add(row)
    except IntegrityError:  # another process was first
        _count(unit, bucket, seen)


def _count(unit: Unit, bucket: str, seen: Seen) -> bool:
    values = {"tries": SignInTry.tries + 1, "at": unit.now(), **seen.fields()}
    statement = update(SignInTry).where(SignInTry.bucket == bucket).values(**values)
    result = unit.session.execute(statement, execution_options={"synchronize_session": False})
    return bool(result.rowcount)  # type: ignore[attr-defined]


def clean(unit: Unit, limit: int) -> int:
    """Forget a batch of tries older than `sign_ins_kept_days`; give how many."""
    before = unit.now() - unit.settings.sign_ins_kept_days * 86_400_000
    old = select(SignInTry.id).where(SignInTry.at < before).limit(limit)
    ids = list(unit.session.scalars(old))
    unit.session.execute(delete(SignInTry).where(SignInTry.id.in_(ids)))
    return len(ids)


class SignInService:
    """Reads the tries: all with users:read everywhere, one's own always."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def recent(self, limit: int, user_id: str | None = None) -> list[SignInTry]:
        """List the last ones, newest first.

        Args:
            limit: at most; bounded by RECENT_MAX.
            user_id: of this account only.

        Raises:
            PermissionDenied: without users:read everywhere, unless they are one's own.
        """
        actor = self._unit.actor
        if user_id is None or not is_self(actor, user_id):
            actor.require(Permission.USERS_READ)
        statement = select(SignInTry).order_by(SignInTry.at.desc(), SignInTry.id.desc())
        if user_id is not None:
            statement = statement.where(SignInTry.user_id == user_id)
        return list(self._unit.session.scalars(statement.limit(min(limit, RECENT_MAX))))

    def counts(self, since: int) -> Counts:
        """Count since a time, ms since the epoch.

        Raises:
            PermissionDenied: without users:read everywhere.
        """
        self._unit.actor.require(Permission.USERS_READ)
        rows = self._unit.session.execute(
            select(
                SignInTry.outcome == SIGNED_IN,
                func.sum(SignInTry.tries),
                func.count(SignInTry.user_id.distinct()),
            )
            .where(SignInTry.at >= since, SignInTry.outcome != ASKED_RESET)
            .group_by(SignInTry.outcome == SIGNED_IN)
        ).all()
        by = {bool(row[0]): (int(row[1]), int(row[2])) for row in rows}
        failed, accounts = by.get(False, (0, 0))
        return Counts(by.get(True, (0, 0))[0], failed, accounts)
