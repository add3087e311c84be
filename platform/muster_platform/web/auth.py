"""Signing in and out, and who the present request speaks for: API and site alike.

Flask-JWT-Extended makes the tokens and sets the cookies; `sessions` reads them.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from flask import Flask, Response, after_this_request, current_app, g, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
)

from muster_platform.access import audit
from muster_platform.access import auth as rules
from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.granting import require_person
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.restrictions import Restricted
from muster_platform.access.sign_in_sessions import Seen, touch
from muster_platform.errors import NotAuthenticated, RateLimited
from muster_platform.settings import Settings
from muster_platform.web import api_tokens, csrf
from muster_platform.web.context import client_address, for_machines, platform, request_id
from muster_platform.web.limits import Limit, Limits
from muster_platform.web.metrics import metrics
from muster_platform.web.sessions import ACCESS, ALGORITHM, REFRESH, Claims, Sessions

ACCESS_COOKIE = "access_token_cookie"
REFRESH_COOKIE = "refresh_token_cookie"
SESSIONS = "muster_sessions"
LIMITS = "muster_limits"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a completed sign-in or an exchange of the refresh token gives.

    Attributes:
        access, refresh: encoded tokens.
        access_token_s: life of the access token.
    """

    user_id: str
    access: str
    refresh: str
    access_token_s: int
    must_change_password: bool = False
    email: str = ""


def register(app: Flask) -> None:
    """Prepare the application for tokens and cookies."""
    platform_ = app.extensions["muster"]
    settings = platform_.settings
    app.config.update(_config(settings))
    JWTManager(app)
    app.extensions[SESSIONS] = Sessions(platform_)
    app.extensions[LIMITS] = Limits(platform_)


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "JWT_SECRET_KEY": settings.jwt_secret,
        "JWT_ALGORITHM": ALGORITHM,
        "JWT_TOKEN_LOCATION": ["headers", "cookies"],
        # Lax, not Strict: a link in an alert mail must find the reader signed in.
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_COOKIE_SECURE": settings.cookie_secure,
        "JWT_COOKIE_CSRF_PROTECT": True,
        "JWT_ENCODE_NBF": False,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=settings.access_token_s),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(seconds=settings.refresh_token_s),
    }


def sessions() -> Sessions:
    """Give what reads the present application's tokens."""
    return cast("Sessions", current_app.extensions[SESSIONS])


def spend(limit: Limit, *subject: str) -> None:
    """Count a request against a limit.

    Raises:
        RateLimited: it was one too many.
    """
    try:
        cast("Limits", current_app.extensions[LIMITS]).spend(limit, *subject)
    except RateLimited:
        metrics().limit_hit(limit.name)
        raise


def refund(limit: Limit, *subject: str) -> None:
    """Take a request back that was counted."""
    cast("Limits", current_app.extensions[LIMITS]).refund(limit, *subject)


def spend_request(actor: Actor) -> None:
    """Count an API request against the limit of the sign-in it comes from.

    Raises:
        RateLimited: it was one too many.
    """
    claims: Claims = g.claims
    per_minute = platform().settings.requests_per_minute
    spend(Limit("api", per_minute, "requests with this sign-in"), actor.id, claims.family)


def refresh(token: str) -> SignedIn:
    """Exchange a refresh token for new tokens.

    Raises:
        NotAuthenticated: not one of ours, expired, or used before (then its sign-in is ended).
    """
    claims = sessions().claims(token, REFRESH)
    issued = rules.rotate_refresh(platform().units, claims.jti)
    with platform().unit(part()) as unit:
        authenticated_at = touch(unit, issued.family, seen())
        return tokens(unit.session.get_one(User, issued.user_id), issued, authenticated_at)


def sign_out() -> None:
    """End the session of the present request's token; it bites on the next request."""
    actor = current_actor()
    require_person(actor, "sign out: it is revoked instead")
    claims: Claims = g.claims
    with platform().unit(actor) as unit:
        rules.revoke_family(unit, claims.family)
        audit.record(unit, "user.sign_out", "user", actor.id, actor.name)


def set_cookies(response: Response, signed_in: SignedIn) -> None:
    """Give a browser its session, in cookies that scripts cannot read."""
    life_s = platform().settings.refresh_token_s
    set_access_cookies(response, signed_in.access, max_age=life_s)
    set_refresh_cookies(response, signed_in.refresh, max_age=life_s)


def set_access_cookie(response: Response, signed_in: SignedIn) -> None:
    """Give a browser another access token for the session that it has."""
    set_access_cookies(response, signed_in.access, max_age=platform().settings.refresh_token_s)


def clear_cookies(response: Response) -> None:
    """Take a browser's session away."""
    unset_jwt_cookies(response)


def current_actor(open_to: tuple[str, ...] = ()) -> Actor:
    """Give the actor of the present request, from the header or the cookies.

    A browser whose access token has run out gets new cookies on this very answer.

    Args:
        open_to: restrictions under which this request is possible all the same, from here on.

    Raises:
        NotAuthenticated: no token, or one that no longer holds.
        CrossSite: a cookie without the CSRF token on a changing request.
        Restricted: there is something the person must do first.
    """
    if "actor" not in g:
        g.actor = _from_header() or _from_cookies()
    actor = cast("Actor", g.actor)
    g.open_to = (*g.get("open_to", ()), *open_to)
    if actor.restriction and actor.restriction not in g.open_to:
        raise Restricted(actor.restriction)
    return actor


def maybe_actor() -> Actor | None:
    """Give the actor of the present request, or None when nobody is signed in."""
    try:
        return current_actor()
    except NotAuthenticated:
        return None


def bearer() -> str | None:
    """Give the token in the header Authorization, None where there is none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def _from_header() -> Actor | None:
    token = bearer()
    if token is None:
        return None
    found = api_tokens.signed_in(platform(), token, client_address(), request_id())
    if found is not None and for_machines():
        g.claims, actor = found
        return actor
    g.claims = sessions().claims(token)
    return sessions().actor_for(g.claims, request_id())


def _from_cookies() -> Actor:
    token = request.cookies.get(ACCESS_COOKIE)
    if not token:
        raise NotAuthenticated("sign in first: POST /api/v1/auth/sign-in gives a token")
    # Expired or not: it was ours, and its CSRF token is what the page on screen knows.
    claims = sessions().claims(token, ACCESS, allow_expired=True)
    csrf.check(claims)
    try:
        g.claims = sessions().claims(token)
        return sessions().actor_for(g.claims, request_id())
    except NotAuthenticated:
        return _renewed(claims)


def _renewed(old: Claims) -> Actor:
    """Exchange the browser's refresh token within this request.

    Args:
        old: of the access token, whose CSRF token was checked. Both must be of one sign-in: a
            page of a neighbouring host could set an old cookie of its own before ours.
    """
    token = request.cookies.get(REFRESH_COOKIE, "")
    if sessions().claims(token, REFRESH).family != old.family:
        raise NotAuthenticated("these cookies are of two sign-ins; sign in again")
    signed_in = refresh(token)

    def give(response: Response) -> Response:
        set_cookies(response, signed_in)
        return response

    after_this_request(give)
    g.claims = sessions().claims(signed_in.access)
    return sessions().actor_for(g.claims, request_id())


def part() -> Actor:
    """Give the actor in whose name people sign in: the platform's own."""
    return replace(system_actor("sign-in"), request_id=request_id())


def seen() -> Seen:
    """Give where the present request comes from."""
    return Seen(client_address(), request.headers.get("User-Agent", ""))


def tokens(user: User, issued: RefreshToken, authenticated_at: int) -> SignedIn:
    """Make both tokens; their times are the platform's clock's.

    Args:
        authenticated_at: when the person last gave the password, ms since the epoch.
    """
    refresh_ = create_refresh_token(
        user.id,
        additional_claims={
            "epoch": user.epoch,
            "family": issued.family,
            "jti": issued.jti,
            "exp": issued.expires_at // 1000,
        },
    )
    life_s = platform().settings.access_token_s
    access = access_token(user, issued.family, authenticated_at)
    return SignedIn(user.id, access, refresh_, life_s, user.must_change_password, user.email)


def access_token(user: User, family: str, authenticated_at: int) -> str:
    """Make an access token of a sign-in; arguments as `tokens`."""
    now_s = platform().clock.now_ms() // 1000
    claims = {
        "epoch": user.epoch,
        "family": family,
        "auth_time": authenticated_at // 1000,
        "exp": now_s + platform().settings.access_token_s,
    }
    return cast("str", create_access_token(user.id, additional_claims=claims))
