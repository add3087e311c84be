"""Flower behind the site's sign-in: what it shows is passed on, what it would change is not.

Flower itself listens where nobody else can reach it, and asks for a password that only the web
process and `muster flower` can derive. Stopping and repeating is done on the page of tasks, where
it is checked and written to the audit log.
"""

import hashlib
import hmac

import urllib3
from flask import Flask, Response, request
from urllib3.exceptions import HTTPError

from muster_platform.access.permissions import Permission
from muster_platform.errors import Unavailable
from muster_platform.settings import Settings
from muster_platform.web.site import gate

PREFIX = "/admin/flower"
USER = "muster"
TIMEOUT_S = 10.0
PASSED_ON = ("Content-Type", "Location")
POLICY = "; ".join(
    (
        "default-src 'self'",
        # Flower's pages have scripts and styles of their own inside.
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def password(settings: Settings) -> str:
    """Derive what Flower asks for."""
    return hmac.new(settings.jwt_secret.encode(), b"flower", hashlib.sha256).hexdigest()


def register(app: Flask, settings: Settings) -> None:
    """Serve Flower's pages where there is a Flower."""
    if not settings.flower_url:
        return
    pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)
    headers = urllib3.make_headers(basic_auth=f"{USER}:{password(settings)}")
    base = settings.flower_url.rstrip("/")

    def flower(path: str = "") -> Response:
        gate.actor().require(Permission.TASKS_READ)
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        try:
            # Neither the person's cookies nor other headers go there.
            found = pool.request("GET", f"{base}{PREFIX}/{path}{query}", headers=headers,
                                 redirect=False)  # fmt: skip
        except HTTPError as error:
            raise Unavailable(
                f"Flower does not answer: is `muster flower` running? {error}"
            ) from error
        answer = Response(found.data, found.status)
        del answer.headers["Content-Type"]
        for name in PASSED_ON:
            if name in found.headers:
                answer.headers[name] = found.headers[name]
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    app.add_url_rule(f"{PREFIX}/", "flower", flower)
    app.add_url_rule(f"{PREFIX}/<path:path>", "flower", flower)
