"""The access review: who may do what where, with what an auditor asks about each person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from muster_platform.access.actor import Grant
from muster_platform.access.auth import grant_of
from muster_platform.access.granting import intersect
from muster_platform.access.groups import full_names
from muster_platform.access.models import Binding, Group, Role, RolePermission, User
from muster_platform.access.permissions import GLOBAL, Permission
from muster_platform.access.sign_in_models import SecondFactor
from muster_platform.access.token_auth import grants_of
from muster_platform.access.token_models import ApiToken
from muster_platform.db.text import clean
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

EVERYWHERE = "everywhere"
_BY_EMAIL: Order[User] = Order("review", (Key(User.__table__.c.email, str, lambda u: u.email),))


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Whom to review; None does not narrow.

    Attributes:
        permission: only who has it.
        group: only who has a role on it: there, on a group around it, or everywhere.
        text: part of the address or name.
    """

    permission: Permission | None = None
    group: Group | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Right:
    """A role of a person.

    Attributes:
        place: full name of the group, or "everywhere".
        group_id: None for everywhere.
    """

    binding_id: str
    role: str
    title: str
    place: str
    group_id: int | None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person under review.

    Attributes:
        rights: the roles that the filter asks for.
        tokens: working API tokens that may what the filter asks for.
        second_factor: set up and proved.
    """

    user: User
    rights: tuple[Right, ...]
    tokens: tuple[ApiToken, ...]
    second_factor: bool


class ReviewService:
    """Reviews access."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def page(self, wanted: ReviewFilter, page: PageRequest) -> Page[Reviewed]:
        """Give people by address, with what they may and what is known of them.

        Raises:
            PermissionDenied: without users:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require(Permission.USERS_READ)
        statement = select(User).options(
            selectinload(User.bindings).options(joinedload(Binding.role))
        )
        if wanted.permission is not None or wanted.group is not None:
            statement = statement.where(User.bindings.any(_asked(wanted)))
        if wanted.text:
            text = clean(wanted.text).strip()
            statement = statement.where(
                or_(
                    User.email.icontains(text, autoescape=True),
                    User.name.icontains(text, autoescape=True),
                )
            )
        most = self._unit.settings.page_size_max
        found = fetch_page(self._session, statement, _BY_EMAIL, page, most)
        return Page(self._reviewed(found.items, wanted), found.next_cursor)

    def all(self, wanted: ReviewFilter) -> Iterator[Reviewed]:
        """Give all of them, page by page, up to settings.export_rows_max people.

        Raises:
            PermissionDenied: as `page`.
        """
        left, cursor = self._unit.settings.export_rows_max, None
        while left > 0:
            size = min(left, self._unit.settings.page_size_max)
            found = self.page(wanted, PageRequest(size, cursor))
            yield from found.items
            left, cursor = left - len(found.items), found.next_cursor
            if cursor is None:
                return

    def _reviewed(self, users: Sequence[User], wanted: ReviewFilter) -> list[Reviewed]:
        ids = [user.id for user in users]
        names = full_names(
            self._session, {b.group for user in users for b in user.bindings if b.group is not None}
        )
        tokens = self._tokens(ids)
        proved = set(
            self._session.scalars(
                select(SecondFactor.user_id).where(
                    SecondFactor.user_id.in_(ids), SecondFactor.confirmed_at.is_not(None)
                )
            )
        )
        return [
            Reviewed(
                user,
                tuple(_right(b, names) for b in user.bindings if _matches(grant_of(b), wanted)),
                tuple(token for token in tokens[user.id] if _token_matches(token, user, wanted)),
                user.id in proved,
            )
            for user in users
        ]

    def _tokens(self, user_ids: Iterable[str]) -> dict[str, list[ApiToken]]:
        found: dict[str, list[ApiToken]] = defaultdict(list)
        statement = select(ApiToken).where(
            ApiToken.user_id.in_(user_ids),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > self._unit.now(),
        )
        for token in self._session.scalars(statement.order_by(ApiToken.id)).unique():
            found[token.user_id].append(token)
        return found


def around(group: Group) -> list[int]:
    """Give the ids of a group and of all groups around it."""
    return [int(item) for item in group.path.split("/") if item]


def _asked(wanted: ReviewFilter) -> ColumnElement[bool]:
    """Give the condition on a binding; the same as `_matches`, in SQL."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.permission is not None:
        holding = select(RolePermission.role_id).where(
            RolePermission.permission == str(wanted.permission)
        )
        conditions.append(Binding.role_id.in_(holding))
    if wanted.permission in GLOBAL:
        conditions.append(Binding.group_id.is_(None))
    elif wanted.group is not None:
        conditions.append(
            or_(Binding.group_id.is_(None), Binding.group_id.in_(around(wanted.group)))
        )
    return and_(*conditions)


def _matches(grant: Grant, wanted: ReviewFilter) -> bool:
    if wanted.permission is not None and wanted.permission not in grant.permissions:
        return False
    if wanted.permission in GLOBAL:
        return grant.group_path is None
    if wanted.group is None or grant.group_path is None:
        return True
    return wanted.group.path.startswith(grant.group_path)


def _token_matches(token: ApiToken, owner: User, wanted: ReviewFilter) -> bool:
    grants = intersect(grants_of(token), [grant_of(binding) for binding in owner.bindings])
    if wanted.permission is None and wanted.group is None:
        return True
    return any(_matches(grant, wanted) for grant in grants)


def _right(binding: Binding, names: dict[int, str]) -> Right:
    role: Role = binding.role
    place = EVERYWHERE if binding.group is None else names[binding.group.id]
    return Right(binding.id, role.name, role.title, place, binding.group_id)
