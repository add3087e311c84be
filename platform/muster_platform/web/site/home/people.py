"""Panels over people: counts, sign-ins, whose access should be looked at."""

from dataclasses import dataclass

from muster_platform.access.models import Role, User
from muster_platform.access.people import PeopleCounts, PeopleService
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import RoleService
from muster_platform.access.sign_in_models import SignInTry
from muster_platform.access.sign_ins import Counts, SignInService
from muster_platform.unit import Unit
from muster_platform.web.site.home.panel import DAY_MS, ROWS, Panel


@dataclass(frozen=True, slots=True)
class Access:
    """Who has what, in short.

    Attributes:
        roles: with the number of people who have each.
        dormant: people who have not signed in for long.
    """

    counts: PeopleCounts
    roles: list[tuple[Role, int]]
    dormant: list[User]


def people(unit: Unit) -> PeopleCounts:
    """Count people."""
    return PeopleService(unit).counts()


@dataclass(frozen=True, slots=True)
class SignIns:
    """Tries to sign in: how many in the last day, and the newest."""

    counts: Counts
    latest: list[SignInTry]


def sign_ins(unit: Unit) -> SignIns:
    """Give the tries to sign in."""
    service = SignInService(unit)
    return SignIns(service.counts(unit.now() - DAY_MS), service.recent(ROWS))


def access(unit: Unit) -> Access:
    """Give who has what, in short."""
    service = RoleService(unit)
    holders = service.counts()
    roles = [(role, holders.get(role.id, 0)) for role in service.list()]
    return Access(
        PeopleService(unit).counts(),
        [(role, number) for role, number in roles if number],
        PeopleService(unit).dormant(ROWS),
    )


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    return [
        Panel(
            name="people", title="", permissions=(Permission.USERS_READ,), read=people, every_s=30
        ),
        Panel(
            name="sign_ins",
            title="Sign-ins",
            permissions=(Permission.USERS_READ,),
            read=sign_ins,
            every_s=15,
        ),
        Panel(
            name="access",
            title="Access review",
            permissions=(Permission.USERS_READ, Permission.ROLES_READ),
            read=access,
            every_s=60,
            more=("Everybody", "review.index"),
        ),
    ]
