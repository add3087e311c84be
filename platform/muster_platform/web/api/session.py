"""Signing in, refreshing, signing out, and who am I."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserService
from muster_platform.errors import NotAuthenticated
from muster_platform.unit import Unit
from muster_platform.web import auth
from muster_platform.web.api.common import Input, Password
from muster_platform.web.api.routing import Caller, Routes

routes = Routes("Sign-in")

SMALL_BODY_BYTES = 16 * 1024


class SignIn(Input, kw_only=True):
    """E-mail address and password of a user."""

    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Password


class Tokens(msgspec.Struct, kw_only=True):
    """Tokens to send as `Authorization: Bearer …`.

    Attributes:
        expires_in_s: life of the access token; then exchange the refresh token.
        must_change_password: the password was given by an administrator.
    """

    access_token: str
    refresh_token: str
    expires_in_s: int
    must_change_password: bool


class PasswordChange(Input, kw_only=True):
    """A user's old and new password."""

    old: Password
    new: Password


class Grant(msgspec.Struct, kw_only=True):
    """Permissions on a group (by its path) and those inside, or everywhere (null)."""

    group_path: str | None
    permissions: list[Permission]


class Me(msgspec.Struct, kw_only=True):
    """Who the token speaks for, and what they may do."""

    id: str
    name: str
    grants: list[Grant]


@routes.add(
    "POST",
    "/auth/sign-in",
    caller=Caller.ANYONE,
    errors=(NotAuthenticated,),
    body_bytes=SMALL_BODY_BYTES,
)
def sign_in(body: SignIn) -> Tokens:
    """Sign in with e-mail address and password."""
    return _tokens(auth.sign_in(body.email, body.password))


@routes.add("POST", "/auth/refresh", caller=Caller.REFRESH, errors=(NotAuthenticated,))
def refresh() -> Tokens:
    """Exchange the refresh token (sent as bearer) for new tokens; each works once."""
    token = auth.bearer()
    if token is None:
        raise NotAuthenticated("send the refresh token as Authorization: Bearer …")
    return _tokens(auth.refresh(token))


@routes.add("POST", "/auth/sign-out")
def sign_out() -> None:
    """End the session that the token belongs to, refresh tokens included."""
    auth.sign_out()


@routes.add("GET", "/me")
def me(unit: Unit) -> Me:
    """Say who the token speaks for."""
    actor = unit.actor
    return Me(
        id=actor.id,
        name=actor.name,
        grants=[
            Grant(group_path=grant.group_path, permissions=sorted(grant.permissions))
            for grant in actor.grants
        ],
    )


@routes.add("POST", "/me/password")
def change_password(unit: Unit, body: PasswordChange) -> None:
    """Change one's own password; every session of the user has to sign in or refresh again."""
    UserService(unit).change_own_password(body.old, body.new)


def _tokens(signed_in: auth.SignedIn) -> Tokens:
    return Tokens(
        access_token=signed_in.access,
        refresh_token=signed_in.refresh,
        expires_in_s=signed_in.access_token_s,
        must_change_password=signed_in.must_change_password,
    )
