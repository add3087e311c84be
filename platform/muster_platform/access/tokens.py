"""API tokens: what programs sign in with. A token never may more than its owner at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from muster_platform.access import audit
from muster_platform.access.actor import Actor
from muster_platform.access.auth import actor_of
from muster_platform.access.granting import require_held, require_person
from muster_platform.access.groups import readable_group
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.access.roles import known, permissions_of, role_by_name
from muster_platform.access.token_auth import MARK, hashed, new_text
from muster_platform.access.token_models import ApiToken, TokenBinding
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

NAME_CHARS = 128
BINDINGS_MOST = 50
TOKENS_MOST = 100
"""Working tokens of one person."""
DAY_MS = 86_400_000

_NEWEST_FIRST: Order[ApiToken] = Order(
    "api_tokens", (Key(ApiToken.__table__.c.id, str, lambda row: row.id),), descending=True
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is to do somewhere: a role's permissions, or some by name.

    Attributes:
        role: name of a role; None where permissions are given.
        group_id: the group (and those inside), None for everywhere.
    """

    role: str | None = None
    permissions: tuple[str, ...] = ()
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens; None does not narrow.

    Attributes:
        user_id: the owner.
        working: neither revoked nor expired, its owner not disabled.
    """

    user_id: str | None = None
    text: str | None = None
    working: bool | None = None


class TokenService:
    """What people do with their own tokens, and administrators with all of them."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def create(
        self, name: str, scopes: Sequence[Scope], days: int, owner_id: str | None = None
    ) -> tuple[ApiToken, str]:
        """Make a token for the actor.

        Args:
            days: how long it works, up to settings.api_token_days.
            owner_id: the owner, where the platform itself makes it (command line).

        Returns:
            The token and its text, which is stored nowhere and shown once.

        Raises:
            PermissionDenied: a scope holds a permission that the owner lacks there;
                PersonNeeded: a token makes no tokens.
            InvalidInput: the name, days or scopes do not fit.
            NotFound: no such role, group or owner.
            Conflict: the owner has too many.
        """
        owner, owner_actor = self._owner(owner_id)
        self._check_room(owner)
        prefix, text = new_text()
        now = self._unit.now()
        token = ApiToken(
            id=uuid7(now),
            owner=owner,
            user_id=owner.id,
            name=_check_name(name),
            prefix=prefix,
            hash=hashed(text),
            created_at=now,
            created_by=self._unit.actor.name,
            expires_at=now + self._check_days(days) * DAY_MS,
            bindings=[*self._bindings(scopes, owner_actor)],
        )
        self._session.add(token)
        self._session.flush()
        self._note("api_token.create", token, after=described(token))
        return token, text

    def list(self, wanted: TokenFilter, page: PageRequest) -> Page[ApiToken]:
        """List tokens, newest first: one's own, or all that are asked for.

        Raises:
            PermissionDenied: others' without users:read everywhere.
            InvalidInput: the cursor does not fit.
        """
        if wanted.user_id != self._unit.actor.id:
            self._unit.actor.require(Permission.USERS_READ)
        statement = select(ApiToken).join(User, User.id == ApiToken.user_id)
        if wanted.user_id is not None:
            statement = statement.where(ApiToken.user_id == wanted.user_id)
        if wanted.text:
            text = clean(wanted.text).strip()
            statement = statement.where(
                or_(
                    ApiToken.name.icontains(text, autoescape=True),
                    ApiToken.prefix == text.removeprefix(MARK)[:8],
                    User.email.icontains(text, autoescape=True),
                )
            )
        if wanted.working is not None:
            works = (
                ApiToken.revoked_at.is_(None)
                & (ApiToken.expires_at > self._unit.now())
                & User.disabled_at.is_(None)
            )
            statement = statement.where(works if wanted.working else ~works)
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST_FIRST, page, most)

    def get(self, token_id: str) -> ApiToken:
        """Get one.

        Raises:
            NotFound: no such token, or somebody else's without users:read everywhere.
        """
        token = self._session.get(ApiToken, token_id)
        mine = token is not None and token.user_id == self._unit.actor.id
        if token is None or not (mine or self._unit.actor.may(Permission.USERS_READ)):
            raise NotFound("API token", token_id)
        return token

    def revoke(self, token_id: str) -> ApiToken:
        """End a token; it bites on its next request.

        Raises:
            NotFound: as `get`.
            PermissionDenied: somebody else's, without users:write everywhere.
        """
        token = self.get(token_id)
        if token.user_id != self._unit.actor.id:
            self._unit.actor.require(Permission.USERS_WRITE)
        if token.revoked_at is None:
            token.revoked_at = self._unit.now()
            self._note("api_token.revoke", token, before=described(token))
            # What it could do is in the audit log; here it would hold on to roles and groups.
            token.bindings.clear()
            self._session.flush()
        return token

    def _owner(self, owner_id: str | None) -> tuple[User, Actor]:
        actor = self._unit.actor
        require_person(actor, "make tokens")
        if owner_id is not None and actor.kind == "system":
            found = actor_of(self._session, owner_id)
            return self._session.get_one(User, owner_id), found
        user = self._session.get(User, actor.id) if owner_id in (None, actor.id) else None
        if user is None:
            raise NotFound("user", owner_id or actor.name)
        return user, actor

    def _check_room(self, owner: User) -> None:
        working = TokenFilter(user_id=owner.id, working=True)
        page = PageRequest(min(TOKENS_MOST, self._unit.settings.page_size_max))
        if len(self.list(working, page).items) >= TOKENS_MOST:
            raise Conflict(
                f"{owner.email} has {TOKENS_MOST} working tokens; revoke one first", code="too_many"
            )

    def _check_days(self, days: int) -> int:
        most = self._unit.settings.api_token_days
        if not 1 <= days <= most:
            raise InvalidInput(
                f"a token works for 1 to {most} days (setting api_token_days), not {days}",
                where="days",
            )
        return days

    def _bindings(self, scopes: Sequence[Scope], owner: Actor) -> Sequence[TokenBinding]:
        if not 1 <= len(scopes) <= BINDINGS_MOST:
            raise InvalidInput(
                f"say what the token may do: 1 to {BINDINGS_MOST} scopes", where="scopes"
            )
        return [self._binding(scope, owner) for scope in scopes]

    def _binding(self, scope: Scope, owner: Actor) -> TokenBinding:
        if (scope.role is None) == (not scope.permissions):
            raise InvalidInput("a scope has either a role or permissions", where="scopes")
        group = None if scope.group_id is None else readable_group(self._unit, scope.group_id)
        role = None if scope.role is None else role_by_name(self._session, scope.role)
        held = permissions_of(role) if role is not None else known(scope.permissions)
        place = (group.path, group.name) if group is not None else (None, "everywhere")
        require_held(owner, held, *place)
        return TokenBinding(
            id=uuid7(self._unit.now()),
            role=role,
            group=group,
            permissions=None if role is not None else sorted(map(str, held)),
        )

    def _note(
        self, action: str, token: ApiToken, before: object = None, after: object = None
    ) -> None:
        name = f"{token.name} of {token.owner.email}"
        audit.record(self._unit, action, "api_token", token.id, name, before=before, after=after)


def described(token: ApiToken) -> dict[str, object]:
    """Give what the audit log keeps of a token."""
    return {
        "name": token.name,
        "owner": token.owner.email,
        "prefix": token.prefix,
        "expires_at": token.expires_at,
        "scopes": [
            {
                "role": binding.role.name if binding.role is not None else None,
                "permissions": binding.permissions,
                "group": binding.group.name if binding.group is not None else "everywhere",
            }
            for binding in token.bindings
        ],
    }


def _check_name(name: str) -> str:
    text = clean(name).strip()
    if not text or len(text) > NAME_CHARS:
        raise InvalidInput(f"a name has 1 to {NAME_CHARS} characters", where="name")
    return text
