"""Errors grouped by what the caller can do about them; one table maps them outwards."""

from typing import Any


class MusterError(Exception):
    """Base of what the platform says to a caller.

    Attributes:
        code: stable word for machines (`problem` type and CLI `--json`).
        detail: what was wrong, where, and what to do.
        extra: further members of the problem document.
    """

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.extra = extra

    @property
    def exit_code(self) -> int:
        """Give the exit code of a command that ends with this error."""
        return exit_code(self)


class InvalidInput(MusterError):
    """The caller must send something else.

    Attributes:
        where: JSON path, form field or option at fault.
    """

    code = "invalid"

    def __init__(self, detail: str, *, where: str = "", **extra: Any) -> None:
        super().__init__(detail, **({"where": where} if where else {}), **extra)
        self.where = where


class NotAuthenticated(MusterError):
    """The caller must sign in (again)."""

    code = "not_authenticated"


class PermissionDenied(MusterError):
    """The caller needs a right that somebody else must give.

    Attributes:
        permission: the missing permission.
        group: name of the group it is needed on, or "everywhere".
        group_id: of that group where it is known; `why` is where to ask for the reasons.
    """

    code = "permission_denied"

    def __init__(self, permission: str, group: str = "everywhere", path: str | None = None) -> None:
        self.permission = str(permission)
        self.group = group
        self.group_id = int(path.rstrip("/").rpartition("/")[2]) if path else None
        where = group if group == "everywhere" else f"on {group}"
        on = "" if self.group_id is None else f"&group={self.group_id}"
        super().__init__(
            f"this needs the permission {permission} {where}; "
            "an administrator can give it by a role",
            permission=self.permission,
            group=group,
            why=f"/api/v1/access/why?permission={self.permission}{on}",
        )


class Rejected(MusterError):
    """A person looked at it and said no."""

    code = "rejected"


class NotFound(MusterError):
    """No such thing, or not for this caller's eyes."""

    code = "not_found"

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"no such {kind}: {name}", kind=kind)


class Conflict(MusterError):
    """The thing is in a state that does not allow it; look at it first."""

    code = "conflict"


class PreconditionFailed(MusterError):
    """Somebody else changed it meanwhile; read it again."""

    code = "precondition_failed"


class RateLimited(MusterError):
    """Too many; come back later.

    Attributes:
        retry_after_s: seconds to wait.
    """

    code = "rate_limited"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class Unavailable(MusterError):
    """A part that is needed is away; the same call may work later."""

    code = "unavailable"


class ConfigurationError(MusterError):
    """The installation is set up wrongly; the detail names file and key."""

    code = "configuration"


HTTP_STATUS: dict[type[MusterError], int] = {
    InvalidInput: 422,
    NotAuthenticated: 401,
    PermissionDenied: 403,
    Rejected: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    RateLimited: 429,
    Unavailable: 503,
    ConfigurationError: 500,
    MusterError: 500,
}

EXIT_CODE: dict[type[MusterError], int] = {
    InvalidInput: 2,
    NotAuthenticated: 3,
    PermissionDenied: 4,
    Rejected: 4,
    NotFound: 5,
    Conflict: 6,
    PreconditionFailed: 6,
    RateLimited: 7,
    Unavailable: 8,
    ConfigurationError: 9,
    MusterError: 1,
}


def http_status(error: MusterError) -> int:
    """Give the HTTP status of an error by its nearest class in the table."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def exit_code(error: MusterError) -> int:
    """Give the CLI exit code of an error by its nearest class in the table."""
    return next(EXIT_CODE[kind] for kind in type(error).__mro__ if kind in EXIT_CODE)
