"""Headers of every answer: request id, security policy, caching."""

import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from muster_platform.settings import Settings
from muster_platform.web.context import REQUEST_ID_HEADER, for_machines, request_id

NONCE_BYTES = 16
HSTS_S = 365 * 24 * 3600

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")

API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def csp_nonce() -> str:
    """Give the nonce that this answer's own scripts and styles carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(NONCE_BYTES)
    return str(g.csp_nonce)


def live_origins(settings: Settings) -> tuple[str, ...]:
    """Give where this page's WebSocket may go: as configured, and beside the host in use."""
    parts = urlsplit(settings.live_url)
    found = [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
    host = _HOST.fullmatch(request.host)
    if host:
        scheme = "wss" if request.is_secure else "ws"
        found.append(f"{scheme}://{host['name']}:{settings.live_port}")
    return tuple(dict.fromkeys(found))


def page_policy(nonce: str, connect: tuple[str, ...] = ()) -> str:
    """Give the Content-Security-Policy of a page: nothing from another host.

    Args:
        connect: origins that the page's scripts may reach beside our own.
    """
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            " ".join(("connect-src 'self'", *connect)),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def register(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of the application."""
    always = ALWAYS | (
        {"Strict-Transport-Security": f"max-age={HSTS_S}"} if settings.cookie_secure else {}
    )
    machines = always | {"Content-Security-Policy": API_POLICY, "Cache-Control": "no-store"}

    def pages() -> dict[str, str]:
        policy = page_policy(csp_nonce(), live_origins(settings))
        files = request.path.startswith("/static/")
        more = {} if files else {"Cache-Control": "no-store"}
        return always | {"Content-Security-Policy": policy} | more

    def after(answer: Response) -> Response:
        chosen = (machines if for_machines() else pages()) | {REQUEST_ID_HEADER: request_id()}
        # What a view set itself stays. One look at the list: it is gone through for every answer.
        present = {name.lower() for name, _value in answer.headers}
        answer.headers.extend([item for item in chosen.items() if item[0].lower() not in present])
        return answer

    app.after_request(after)
    app.add_template_global(csp_nonce)
