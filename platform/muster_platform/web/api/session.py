"""Signing in and out, refreshing, and who am I."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.access.restrictions import PASSWORD_CHANGE, SECOND_FACTOR
from muster_platform.access.users import UserService
from muster_platform.errors import InvalidInput, NotAuthenticated, PermissionDenied
from muster_platform.unit import Unit
from muster_platform.web import auth, signing_in
from muster_platform.web.api.common import Input, Password
from muster_platform.web.api.routing import Caller, Routes

routes = Routes("Sign-in")

SMALL_BODY_BYTES = 16 * 1024
ANY_RESTRICTION = (PASSWORD_CHANGE, SECOND_FACTOR)

Email = Annotated[str, Meta(min_length=1, max_length=254)]
Code = Annotated[
    str, Meta(min_length=1, max_length=64, description="Of the app, or a recovery code.")
]
LinkToken = Annotated[str, Meta(min_length=1, max_length=128)]


class SignIn(Input, kw_only=True):
    """E-mail address and password of a user."""

    email: Email
    password: Password


class CodeGiven(Input, kw_only=True):
    """The code that a challenge asks for."""

    challenge: Annotated[str, Meta(min_length=1, max_length=2_048)]
    code: Code


class Forgotten(Input, kw_only=True):
    """Whose password was forgotten."""

    email: Email


class LinkUsed(Input, kw_only=True):
    """What stands in a mailed link behind `/admin/link/`, and the password to set."""

    token: LinkToken
    password: Password


class Confirmed(Input, kw_only=True):
    """One's password again, and a code where there is a second factor."""

    password: Password
    code: Annotated[str, Meta(max_length=64)] = ""


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


class SignInAnswer(msgspec.Struct, kw_only=True):
    """Tokens; or, where there is a second factor, a challenge and no tokens yet.

    Attributes:
        second_factor: send the challenge with a code to /auth/second-factor.
        challenge: good for that alone, and for five minutes.
    """

    second_factor: bool = False
    challenge: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in_s: int = 0
    must_change_password: bool = False


class FreshToken(msgspec.Struct, kw_only=True):
    """An access token of the same sign-in for what asks for a fresh one."""

    access_token: str
    expires_in_s: int


class PasswordChange(Input, kw_only=True):
    """A user's old and new password."""

    old: Password
    new: Password


class Grant(msgspec.Struct, kw_only=True):
    """Permissions on a group (by its path) and those inside, or everywhere (null)."""

    group_path: str | None
    permissions: list[Permission]


class Me(msgspec.Struct, kw_only=True):
    """Who the token speaks for, and what they may do.

    Attributes:
        restriction: what must be done first: `password_change` or `second_factor`; else null.
    """

    id: str
    name: str
    grants: list[Grant]
    restriction: str | None


@routes.add(
    "POST",
    "/auth/sign-in",
    caller=Caller.ANYONE,
    errors=(NotAuthenticated, PermissionDenied),
    body_bytes=SMALL_BODY_BYTES,
)
def sign_in(body: SignIn) -> SignInAnswer:
    """Sign in with e-mail address and password."""
    return _answer(signing_in.sign_in(body.email, body.password))


@routes.add(
    "POST",
    "/auth/second-factor",
    caller=Caller.ANYONE,
    errors=(NotAuthenticated, PermissionDenied),
    body_bytes=SMALL_BODY_BYTES,
)
def give_second_factor(body: CodeGiven) -> Tokens:
    """Complete a sign-in with a code of the authenticator app, or a recovery code."""
    return _tokens(signing_in.with_code(body.challenge, body.code))


@routes.add(
    "POST",
    "/auth/forgot",
    caller=Caller.ANYONE,
    errors=(PermissionDenied,),
    body_bytes=SMALL_BODY_BYTES,
)
def forgot_password(body: Forgotten) -> None:
    """Mail a link to choose a new password; the answer is the same whoever has the address."""
    signing_in.forgot(body.email)


@routes.add(
    "POST",
    "/auth/link",
    caller=Caller.ANYONE,
    errors=(NotAuthenticated, PermissionDenied),
    body_bytes=SMALL_BODY_BYTES,
)
def use_link(body: LinkUsed) -> SignInAnswer:
    """Set the password by a link that was mailed, and sign in; each link works once."""
    return _answer(signing_in.by_link(body.token, body.password))


@routes.add(
    "POST",
    "/auth/fresh",
    errors=(PermissionDenied,),
    body_bytes=SMALL_BODY_BYTES,
    open_to=(SECOND_FACTOR,),
)
def confirm_sign_in(body: Confirmed) -> FreshToken:
    """Give one's password again; what is sensitive asks for that (`fresh_sign_in_required`)."""
    found = signing_in.confirm(body.password, body.code)
    return FreshToken(access_token=found.access, expires_in_s=found.access_token_s)


@routes.add("POST", "/auth/refresh", caller=Caller.REFRESH, errors=(NotAuthenticated,))
def refresh() -> Tokens:
    """Exchange the refresh token (sent as bearer) for new tokens; each works once."""
    token = auth.bearer()
    if token is None:
        raise NotAuthenticated("send the refresh token as Authorization: Bearer …")
    return _tokens(auth.refresh(token))


@routes.add("POST", "/auth/sign-out", errors=(PermissionDenied,), open_to=ANY_RESTRICTION)
def sign_out() -> None:
    """End the session that the token belongs to, refresh tokens included."""
    auth.sign_out()


@routes.add("GET", "/me", open_to=ANY_RESTRICTION)
def me(unit: Unit) -> Me:
    """Say who the token speaks for."""
    actor = unit.actor
    return Me(
        id=actor.id,
        name=actor.name,
        restriction=actor.restriction or None,
        grants=[
            Grant(group_path=grant.group_path, permissions=sorted(grant.permissions))
            for grant in actor.grants
        ],
    )


@routes.add(
    "POST",
    "/me/password",
    errors=(PermissionDenied,),
    body_bytes=SMALL_BODY_BYTES,
    open_to=ANY_RESTRICTION,
)
def change_password(unit: Unit, body: PasswordChange) -> None:
    """Change one's own password; all other sign-ins of the user end.

    The access token is old then: exchange the refresh token for new ones.
    """
    if unit.actor.kind != "user":
        raise InvalidInput("only a person has a password: sign in with it")
    with signing_in.counted_code(unit.actor.id):
        UserService(unit).change_own_password(body.old, body.new)


def _answer(found: auth.SignedIn | signing_in.Challenge) -> SignInAnswer:
    if isinstance(found, signing_in.Challenge):
        return SignInAnswer(second_factor=True, challenge=found.token)
    return SignInAnswer(
        access_token=found.access,
        refresh_token=found.refresh,
        expires_in_s=found.access_token_s,
        must_change_password=found.must_change_password,
    )


def _tokens(signed_in: auth.SignedIn) -> Tokens:
    return Tokens(
        access_token=signed_in.access,
        refresh_token=signed_in.refresh,
        expires_in_s=signed_in.access_token_s,
        must_change_password=signed_in.must_change_password,
    )
