"""Every error becomes one problem document (RFC 9457), in one place."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import msgspec
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from muster_platform.errors import (
    InvalidInput,
    MusterError,
    NotAuthenticated,
    RateLimited,
    Unavailable,
    http_status,
)
from muster_platform.web.context import for_machines, request_id

CONTENT_TYPE = "application/problem+json"
URN = "urn:muster:problem:"
SITE_PAGE = "muster_site_errors"
"""Extension of the application: draws a page for an error outside the API, if the site gave one."""

RETRY_UNAVAILABLE_S = 5

log = logging.getLogger(__name__)

SitePage = Callable[[MusterError, int], Response]


class BadBody(InvalidInput):
    """The body is no JSON at all, so there is no field to name."""

    code = "bad_body"


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document; an error's own members (`permission`, `group`, …) stand beside these.

    Attributes:
        type: `urn:muster:problem:` and the error's code.
        where: JSON path of the body, or name of the parameter or header at fault.
        request_id: to be quoted when asking for help; the server's log has it too.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    where: str = ""


def document(error: MusterError, status: int) -> dict[str, Any]:
    """Give the members of the problem document."""
    return {
        **error.extra,
        "type": URN + error.code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.detail,
        "request_id": request_id(),
    }


def problem(error: MusterError, status: int | None = None) -> Response:
    """Make the answer for an error."""
    status = http_status(error) if status is None else status
    answer = Response(
        msgspec.json.encode(document(error, status)), status, content_type=CONTENT_TYPE
    )
    if isinstance(error, RateLimited):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(RETRY_UNAVAILABLE_S)
    elif isinstance(error, NotAuthenticated):
        answer.headers["WWW-Authenticate"] = error.extra.get("scheme", "Bearer")
    return answer


def register(app: Flask) -> None:
    """Let the application answer every error by one of these."""
    app.register_error_handler(MusterError, _on_muster_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_unexpected)


def _answer(error: MusterError, status: int) -> Response:
    page = cast("SitePage | None", current_app.extensions.get(SITE_PAGE))
    if page is not None and not for_machines():
        return page(error, status)
    return problem(error, status)


def _on_muster_error(error: MusterError) -> Response:
    status = http_status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request %s %s: %s", request_id(), request.path, error.detail)
    return _answer(error, status)


def _on_http_exception(error: HTTPException) -> Response:
    """Translate what Flask itself refuses: no such address, wrong method, too large."""
    if error.response is not None and error.code is None:
        return cast("Response", error.response)
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:  # a redirect
        return cast("Response", error.get_response())
    phrase = HTTPStatus(status).phrase
    word = phrase.lower().replace(" ", "_").replace("-", "_")
    answer = _answer(MusterError(_detail(error, phrase), code=word), status)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


def _detail(error: HTTPException, phrase: str) -> str:
    match error.code:
        case HTTPStatus.NOT_FOUND:
            return f"there is nothing at {request.path}; /api/v1/openapi.json lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return f"{request.method} is not possible at {request.path}; see the header Allow"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            limit = request.max_content_length
            return f"the body is too large: at most {limit} bytes here; send it in parts"
        case _:
            return error.description or phrase


def _on_unexpected(error: Exception) -> Response:
    """Say little to the caller and all to the log."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        log.error("request %s %s: database: %s", request_id(), request.path, error)
        away = Unavailable("the database cannot be reached or is busy; try again in a moment")
        return _answer(away, http_status(away))
    log.exception("request %s %s failed", request_id(), request.path)
    hidden = MusterError(
        "something went wrong here, not with your request; tell an administrator the request id",
        code="internal",
    )
    return _answer(hidden, HTTPStatus.INTERNAL_SERVER_ERROR)
