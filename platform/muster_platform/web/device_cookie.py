"""A browser that signed in before is known again: others' wrong tries do not lock it out.

The cookie is no key to anything. It is bound to the account, and what it earns is a count of its
own when tries to sign in are limited.
"""

import hashlib
import hmac
import secrets

from flask import Response, request

from muster_platform.web.context import platform

COOKIE = "known_device"
LIFE_S = 180 * 24 * 3600
NONCE_BYTES = 16


def known(email: str) -> str:
    """Give what tells this browser from others, "" when it never signed in to the account."""
    nonce, _, mark = request.cookies.get(COOKIE, "").partition(".")
    right = hmac.compare_digest(mark.encode("utf-8", "replace"), _mark(nonce, email).encode())
    return nonce if nonce and right else ""


def give(response: Response, email: str) -> None:
    """Let the browser be known from now on."""
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    response.set_cookie(
        COOKIE,
        f"{nonce}.{_mark(nonce, email)}",
        max_age=LIFE_S,
        httponly=True,
        secure=platform().settings.cookie_secure,
        samesite="Lax",
    )


def _mark(nonce: str, email: str) -> str:
    key = hmac.digest(platform().settings.jwt_secret.encode(), b"known device", hashlib.sha256)
    text = f"{nonce}\x00{email.strip().lower()}".encode("utf-8", "replace")
    return hmac.new(key, text, hashlib.sha256).hexdigest()
