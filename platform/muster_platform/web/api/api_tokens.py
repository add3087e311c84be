"""API tokens: what programs sign in with."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.access.token_models import ApiToken
from muster_platform.access.tokens import BINDINGS_MOST, Scope, TokenFilter, TokenService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key, Listed, Name, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("API tokens")

UserId = Annotated[str, Meta(min_length=1, max_length=64)]


class TokenScope(msgspec.Struct, kw_only=True):
    """What a token may do on a group and those inside it, or everywhere (null)."""

    role: str | None
    permissions: list[str] | None
    group_id: int | None
    group_name: str | None


class ApiTokenAnswer(msgspec.Struct, kw_only=True):
    """An API token. Times are ms since the epoch.

    Attributes:
        prefix: its text begins with `mst_` and this.
        last_used_at: at most a minute old.
        scopes: empty once it is revoked.
    """

    id: str
    name: str
    prefix: str
    owner_id: str
    owner_email: str
    scopes: list[TokenScope]
    created_at: int
    created_by: str
    expires_at: int
    last_used_at: int | None
    last_used_address: str | None
    revoked_at: int | None


class ApiTokenMade(ApiTokenAnswer, kw_only=True):
    """A new token; its text is shown now and never again."""

    token: str | None


class NewScope(Input, kw_only=True):
    """Either a role or permissions, on a group and those inside it, or everywhere (null)."""

    role: Name | None = None
    permissions: Annotated[list[Permission], Meta(max_length=len(Permission))] = []
    group_id: Key | None = None


class NewApiToken(Input, kw_only=True):
    """A token of your own to be made.

    Attributes:
        days: how long it works.
        scopes: what it may do: never more than you may yourself, now or later.
        user_id: only for the command line on the machine itself, which has no user of its own:
            whose token it is to be.
    """

    name: Name
    scopes: Annotated[list[NewScope], Meta(min_length=1, max_length=BINDINGS_MOST)]
    days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    user_id: UserId | None = None


class ApiTokensQuery(PageQuery, kw_only=True):
    """Which tokens: one's own, or all (`all=true`), or a user's."""

    all: bool = False
    user_id: UserId | None = None
    working: bool | None = None


@routes.add("GET", "/api-tokens")
def list_api_tokens(unit: Unit, query: ApiTokensQuery) -> Listed[ApiTokenAnswer]:
    """List your own API tokens, newest first; those of others need users:read."""
    owner = query.user_id or (None if query.all else unit.actor.id)
    wanted = TokenFilter(user_id=owner, working=query.working)
    page = TokenService(unit).list(wanted, query.page())
    return Listed(items=[token_answer(row) for row in page.items], next_cursor=page.next_cursor)


@routes.add(
    "POST",
    "/api-tokens",
    status=201,
    errors=(Conflict,),
    idempotent=True,
    secrets=("token",),
    fresh=True,
)
def create_api_token(unit: Unit, body: NewApiToken) -> ApiTokenMade:
    """Make an API token of your own; send it as `Authorization: Bearer mst_…`."""
    scopes = [
        Scope(scope.role, tuple(map(str, scope.permissions)), scope.group_id)
        for scope in body.scopes
    ]
    token, text = TokenService(unit).create(body.name, scopes, body.days, body.user_id)
    return ApiTokenMade(**msgspec.structs.asdict(token_answer(token)), token=text)


@routes.add("GET", "/api-tokens/{api_token_id}")
def get_api_token(unit: Unit, api_token_id: str) -> ApiTokenAnswer:
    """Get an API token; those of others need users:read."""
    return token_answer(TokenService(unit).get(api_token_id))


@routes.add("DELETE", "/api-tokens/{api_token_id}")
def revoke_api_token(unit: Unit, api_token_id: str) -> None:
    """End an API token at once; those of others need users:write."""
    TokenService(unit).revoke(api_token_id)


def token_answer(token: ApiToken) -> ApiTokenAnswer:
    """Show a token."""
    return ApiTokenAnswer(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        owner_id=token.user_id,
        owner_email=token.owner.email,
        scopes=[
            TokenScope(
                role=row.role.name if row.role is not None else None,
                permissions=row.permissions,
                group_id=row.group_id,
                group_name=row.group.name if row.group is not None else None,
            )
            for row in token.bindings
        ],
        created_at=token.created_at,
        created_by=token.created_by,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        last_used_address=token.last_used_address,
        revoked_at=token.revoked_at,
    )
