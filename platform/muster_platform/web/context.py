"""What every part of a request may ask for: the platform and the request's id."""

import re
from typing import cast

from flask import current_app, g, request

from muster_platform.bootstrap import Platform
from muster_protocol.ids import uuid7

EXTENSION = "muster"
REQUEST_ID_HEADER = "X-Request-ID"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def platform() -> Platform:
    """Give the platform that the present application was made for."""
    return cast("Platform", current_app.extensions[EXTENSION])


def request_id() -> str:
    """Give the present request's id: the caller's own where it is fit for a log, else ours."""
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid7()
    return cast("str", g.request_id)


def client_address() -> str:
    """Give the caller's address, for rate limits and the log."""
    return request.remote_addr or "unknown"


def for_machines() -> bool:
    """Say whether the present address is one that programs call: answered without pages."""
    return is_for_machines(request.path)


def is_for_machines(path: str) -> bool:
    """Say it of any address."""
    return path.startswith(("/api/", "/internal/", "/health/")) or path == "/metrics"
