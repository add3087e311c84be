"""How many people there are, and which of them an administrator or auditor should look at."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from muster_platform.access.models import Binding, User
from muster_platform.access.permissions import Permission
from muster_platform.access.sign_in_models import SecondFactor
from muster_platform.access.token_models import ApiToken
from muster_platform.unit import Unit

DORMANT_MS = 90 * 24 * 3600 * 1000
"""Who has not signed in for this long is dormant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """Numbers of people; all but `disabled` are of those who are not.

    Attributes:
        without_role: may do nothing.
        without_second_factor: sign in by password alone.
        dormant: have not signed in for DORMANT_MS, counted from when they were made.
        waiting: have not chosen a password of their own yet.
        tokens: API tokens that work.
        unused_tokens: of these, those that nothing ever signed in with.
    """

    people: int
    disabled: int
    without_role: int
    without_second_factor: int
    dormant: int
    waiting: int
    tokens: int
    unused_tokens: int


class PeopleService:
    """Counts people."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def counts(self) -> PeopleCounts:
        """Count.

        Raises:
            PermissionDenied: without users:read everywhere.
        """
        self._unit.actor.require(Permission.USERS_READ)
        working = self._working_token()
        return PeopleCounts(
            people=self._people(),
            disabled=self._number(User, User.disabled_at.is_not(None)),
            without_role=self._people(~User.id.in_(select(Binding.user_id))),
            without_second_factor=self._people(~User.id.in_(_confirmed())),
            dormant=self._people(self._dormant()),
            waiting=self._people(User.must_change_password.is_(True)),
            tokens=self._number(ApiToken, working),
            unused_tokens=self._number(ApiToken, and_(working, ApiToken.last_used_at.is_(None))),
        )

    def dormant(self, size: int) -> list[User]:
        """Give who has not signed in for long, the longest first.

        Raises:
            PermissionDenied: without users:read everywhere.
        """
        self._unit.actor.require(Permission.USERS_READ)
        last = func.coalesce(User.last_sign_in_at, User.created_at)
        statement = select(User).where(User.disabled_at.is_(None), self._dormant())
        return list(self._unit.session.scalars(statement.order_by(last, User.email).limit(size)))

    def _people(self, *conditions: ColumnElement[bool]) -> int:
        return self._number(User, User.disabled_at.is_(None), *conditions)

    def _number(self, entity: type[Any], *conditions: ColumnElement[bool]) -> int:
        statement = select(func.count()).select_from(entity).where(*conditions)
        return int(self._unit.session.scalar(statement) or 0)

    def _dormant(self) -> ColumnElement[bool]:
        last = func.coalesce(User.last_sign_in_at, User.created_at)
        return last < self._unit.now() - DORMANT_MS

    def _working_token(self) -> ColumnElement[bool]:
        return and_(
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > self._unit.now(),
        )


def _confirmed() -> Any:
    return select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))
