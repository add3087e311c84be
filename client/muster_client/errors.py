"""What can go wrong with a call, by what the caller can do about it."""

from collections.abc import Mapping
from typing import Any

PROBLEM = "urn:muster:problem:"


class ClientError(Exception):
    """Base of what this client raises.

    Attributes:
        detail: what was wrong, where, and what to do.
        exit_code: of a command that ends with this error.
    """

    exit_code = 1

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConfigError(ClientError):
    """The client is set up wrongly: no server, no token, an address that is none."""

    exit_code = 9


class ApiError(ClientError):
    """The server answered with an error.

    Attributes:
        status: HTTP status.
        code: stable word of the problem document, such as `not_found`.
        where: JSON path, parameter or header at fault, "" for none.
        request_id: to be given to an administrator; "" where the answer was not Muster's.
        problem: the whole document.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP {status}"))
        self.status = status
        self.code = str(problem.get("type", "")).removeprefix(PROBLEM)
        self.where = str(problem.get("where", ""))
        self.request_id = str(problem.get("request_id", ""))
        self.problem = dict(problem)


class InvalidInput(ApiError):
    """The request must be another one; `where` names the place (400, 413, 415, 422)."""

    exit_code = 2


class NotAuthenticated(ApiError):
    """No token, or one that no longer holds (401)."""

    exit_code = 3


class PermissionDenied(ApiError):
    """A permission is missing; `problem` names it and the group (403)."""

    exit_code = 4


class NotFound(ApiError):
    """No such thing, or not for this caller's eyes (404, 405, 410)."""

    exit_code = 5


class Conflict(ApiError):
    """The thing is in a state that does not allow it (409)."""

    exit_code = 6


class PreconditionFailed(Conflict):
    """It was changed since it was read; `problem["version"]` is the present version (412)."""


class RateLimited(ApiError):
    """Too many requests, and waiting as long as the server asks was not allowed (429)."""

    exit_code = 7


class ServerFault(ApiError):
    """Something broke at the server (500 and other 5xx)."""


class Unavailable(ApiError):
    """The server or a part of it is away; the same call may work later (502, 503, 504)."""

    exit_code = 8


class Unreachable(ClientError):
    """No answer: no connection, a certificate that is not trusted, a time-out."""

    exit_code = 8


BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidInput,
    401: NotAuthenticated,
    403: PermissionDenied,
    404: NotFound,
    405: NotFound,
    409: Conflict,
    410: NotFound,
    412: PreconditionFailed,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_for(status: int, problem: Mapping[str, Any]) -> ApiError:
    """Give the exception for an answer that is no good one."""
    kind = BY_STATUS.get(status, InvalidInput if status < 500 else ServerFault)
    return kind(status, problem)
