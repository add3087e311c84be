"""Cross-site requests: what a browser sends by itself is not enough to change anything.

A cookie alone never is: the header X-CSRF-TOKEN or the form field csrf_token must repeat what
stands inside the token (Flask-JWT-Extended's double submit, bound to the signed token).
"""

import hmac
from urllib.parse import urlsplit

from flask import Flask, g, request

from muster_platform.errors import PermissionDenied
from muster_platform.web.sessions import Claims

HEADER = "X-CSRF-TOKEN"
FIELD = "csrf_token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSite(PermissionDenied):
    """A request with our cookie that did not come from our pages."""

    code = "cross_site"

    def __init__(self, detail: str) -> None:
        super().__init__("a request from this site")
        self.detail = detail
        self.extra = {}


def token() -> str:
    """Give what a form on this page must send as `csrf_token`; "" when nobody is signed in."""
    claims: Claims | None = g.get("claims")
    return claims.csrf if claims is not None else ""


def check(claims: Claims) -> None:
    """Refuse a changing request that came with a cookie and lacks the token's own word.

    Raises:
        CrossSite: header or field is missing or another's.
    """
    if request.method in SAFE:
        return
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not claims.csrf or not hmac.compare_digest(
        claims.csrf.encode(), given.encode("utf-8", "replace")
    ):
        raise CrossSite(
            f"send the CSRF token of this session as header {HEADER} or field {FIELD}; "
            "loading the page again gives a fresh one"
        )


def check_origin() -> None:
    """Refuse a sign-in that a page of another site sends: there is no session to bind it to.

    Raises:
        CrossSite: the browser names another origin than the one it reached.
    """
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        raise CrossSite("this sign-in was sent by a page of another site; open our own page")


def register(app: Flask) -> None:
    """Let templates write `{{ csrf_token() }}`."""
    app.add_template_global(token, "csrf_token")
