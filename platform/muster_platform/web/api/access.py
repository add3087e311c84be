"""Who may what, and why: explanations and the access review."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.explain import Decision, Held
from muster_platform.access.groups import readable_group
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.access.review import Reviewed, ReviewFilter, ReviewService
from muster_platform.access.why import WhyService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Input, Key, Listed, PageQuery
from muster_platform.web.api.routing import Csv, Routes
from muster_platform.web.site.csv_safe import lines

routes = Routes("Access")

Id = Annotated[str, Meta(min_length=1, max_length=64)]
CSV_HEADER = (
    *("email", "name", "role", "where", "disabled_at", "last_sign_in_at", "second_factor"),
    "tokens",
)


class WhyQuery(Input, kw_only=True):
    """Who (a user or a token; you, when neither is named), what, and on which group or device."""

    permission: Permission
    user: Id | None = None
    token: Id | None = None
    group: Key | None = None
    device: DeviceId | None = None


class Giver(msgspec.Struct, kw_only=True):
    """A role (or, of a token, permissions by name: null) given on a place."""

    role: str | None
    where: str


class WhyNot(msgspec.Struct, kw_only=True):
    """One reason why not."""

    code: str
    text: str


class WhyAnswer(msgspec.Struct, kw_only=True):
    """Whether somebody may do something, and why.

    Attributes:
        where: the group or device that was decided on, or `everywhere`.
        given_by: what gives the permission there; for a token its scopes.
        owner_given_by: of a token: what gives it to the owner.
        why_not: reasons; empty when allowed.
        elsewhere: what gives the permission, but not there.
        roles_that_would_do: any of them, given there.
    """

    allowed: bool
    subject_kind: str
    subject_id: str
    subject_name: str
    permission: Permission
    where: str
    given_by: list[Giver]
    owner_given_by: list[Giver]
    why_not: list[WhyNot]
    elsewhere: list[Giver]
    roles_that_would_do: list[str]


class ReviewSelection(Input, kw_only=True):
    """Whom: who has a permission, on a group (there, around it or everywhere); or all."""

    permission: Permission | None = None
    group: Key | None = None
    search: Annotated[str, Meta(max_length=128)] | None = None


class ReviewQuery(PageQuery, kw_only=True):
    """The same, in pages."""

    permission: Permission | None = None
    group: Key | None = None
    search: Annotated[str, Meta(max_length=128)] | None = None


class ReviewRight(msgspec.Struct, kw_only=True):
    """A role of a person, on a group and those inside it, or everywhere."""

    binding_id: str
    role: str
    where: str
    group_id: int | None


class ReviewToken(msgspec.Struct, kw_only=True):
    """A working API token of a person."""

    id: str
    name: str
    expires_at: int
    last_used_at: int | None


class ReviewAnswer(msgspec.Struct, kw_only=True):
    """A person under review. Times are ms since the epoch.

    Attributes:
        rights: the roles that the filter asks for.
        tokens: working API tokens that may what the filter asks for.
    """

    user_id: str
    email: str
    name: str
    disabled_at: int | None
    last_sign_in_at: int | None
    second_factor: bool
    rights: list[ReviewRight]
    tokens: list[ReviewToken]


@routes.add("GET", "/access/why", errors=(NotFound, PermissionDenied))
def why_access(unit: Unit, query: WhyQuery) -> WhyAnswer:
    """Say why somebody may or may not do something; about others it needs users:read."""
    group, thing = _place(unit, query)
    decision = WhyService(unit).why(
        query.permission, group, user_id=query.user, token_id=query.token, thing=thing
    )
    return _why_answer(decision)


@routes.add("GET", "/access/review", permission=Permission.USERS_READ)
def review_access(unit: Unit, query: ReviewQuery) -> Listed[ReviewAnswer]:
    """List people with their roles, sign-ins, second factor and tokens."""
    wanted = _review_filter(unit, query.permission, query.group, query.search)
    page = ReviewService(unit).page(wanted, query.page())
    return Listed(items=[_review_answer(row) for row in page.items], next_cursor=page.next_cursor)


@routes.add("GET", "/access/review.csv", permission=Permission.USERS_READ)
def export_access_review(unit: Unit, query: ReviewSelection) -> Csv:
    """Export the access review: one line for each role of each person."""
    wanted = _review_filter(unit, query.permission, query.group, query.search)
    return Csv("".join(lines(CSV_HEADER, review_lines(ReviewService(unit).all(wanted)))))


def review_lines(rows: Iterator[Reviewed]) -> Iterator[tuple[Any, ...]]:
    """Give the lines of the export; a person without a role has one without a role."""
    for row in rows:
        user = row.user
        rest = (
            user.disabled_at,
            user.last_sign_in_at,
            "yes" if row.second_factor else "no",
            len(row.tokens),
        )
        for role, where in [(right.role, right.place) for right in row.rights] or [("", "")]:
            yield (user.email, user.name, role, where, *rest)


def _place(unit: Unit, query: WhyQuery) -> tuple[Group | None, str]:
    if query.group is not None and query.device is not None:
        raise InvalidInput("name a group or a device, not both", where="device")
    if query.device is not None:
        device = DeviceService(unit).get(query.device)
        return device.group, f"device {device.device_id}"
    return (None if query.group is None else readable_group(unit, query.group)), ""


def _review_filter(
    unit: Unit, permission: Permission | None, group: int | None, text: str | None
) -> ReviewFilter:
    # Before the group is looked for: what is not there and what one may not ask are told apart.
    if not unit.actor.may(Permission.USERS_READ):
        raise PermissionDenied(Permission.USERS_READ)
    found = None if group is None else readable_group(unit, group)
    return ReviewFilter(permission, found, text)


def _why_answer(decision: Decision) -> WhyAnswer:
    return WhyAnswer(
        allowed=decision.allowed,
        subject_kind=decision.subject.kind,
        subject_id=decision.subject.id,
        subject_name=decision.subject.name,
        permission=decision.permission,
        where=decision.place.name,
        given_by=_givers(decision.given_by),
        owner_given_by=_givers(decision.owner_given_by),
        why_not=[WhyNot(code=item.code, text=item.text) for item in decision.obstacles],
        elsewhere=_givers(decision.elsewhere),
        roles_that_would_do=list(decision.helping),
    )


def _givers(rows: tuple[Held, ...]) -> list[Giver]:
    return [Giver(role=row.role or None, where=row.place) for row in rows]


def _review_answer(row: Reviewed) -> ReviewAnswer:
    user = row.user
    return ReviewAnswer(
        user_id=user.id,
        email=user.email,
        name=user.name,
        disabled_at=user.disabled_at,
        last_sign_in_at=user.last_sign_in_at,
        second_factor=row.second_factor,
        rights=[
            ReviewRight(
                binding_id=right.binding_id,
                role=right.role,
                where=right.place,
                group_id=right.group_id,
            )
            for right in row.rights
        ],
        tokens=[
            ReviewToken(
                id=token.id,
                name=token.name,
                expires_at=token.expires_at,
                last_used_at=token.last_used_at,
            )
            for token in row.tokens
        ],
    )
