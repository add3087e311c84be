"""What a route of the API is: one declaration from which calls and OpenAPI are both made.

A handler's own signature says the rest: `unit` asks for a unit of work, `body` and `query` name
the structs that are decoded, `if_match` asks for the version in that header, every other parameter
stands in the path; the return annotation is the answer.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any, TypeVar, get_args, get_type_hints

from werkzeug.exceptions import ClientDisconnected

from muster_platform.access.permissions import Permission
from muster_platform.errors import MusterError

PREFIX = "/api/v1"
NOT_IN_PATH = frozenset({"unit", "body", "query", "if_match", "return"})

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Caller(StrEnum):
    """Who may call a route."""

    USER = "user"
    """Whoever has an access token."""
    ANYONE = "anyone"
    """No sign-in: the route checks what it is given."""
    REFRESH = "refresh"
    """Whoever has a refresh token."""
    DEVICE = "device"
    """A device, by HTTP basic authentication."""


class Csv(str):
    """An answer that is a CSV document."""

    __slots__ = ()


class JsonLines(str):
    """An answer that is one JSON document a line."""

    __slots__ = ()


class Binary(str):
    """An answer that is a file; parts of it can be asked for by Range."""

    __slots__ = ()


class RawBody:
    """A body that is a file, read in pieces as it comes, never whole.

    Args:
        stream: of the request.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def pieces(self) -> Iterator[bytes]:
        """Give it piece by piece; ends early where the caller is lost."""
        while True:
            try:
                piece = self._stream.read(PIECE_BYTES)
            except (OSError, ClientDisconnected):
                return
            if not piece:
                return
            yield piece


PIECE_BYTES = 256 * 1024
OCTETS = "application/octet-stream"

TEXTS: dict[type, str] = {Csv: "text/csv", JsonLines: "application/jsonl", Binary: OCTETS}
"""Answers that are text already, and their content types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one path.

    Attributes:
        path: below PREFIX, parameters in braces.
        permission: what the service behind it asks for; a note for people, never the check.
        status: of a good answer.
        errors: what it answers beside the usual, by class.
        idempotent: takes an Idempotency-Key.
        secrets: fields of the answer that are shown once and never stored.
        etag: field of the answer that is its version.
        also: other good answers, by status; the type of what is returned picks.
        writes: whether its unit of work commits.
        fresh: asks that the person gave the password a short while ago (web.fresh).
        open_to: restrictions of a person (access.restrictions) that do not keep them from it.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    tag: str
    permission: Permission | None
    caller: Caller
    status: int
    errors: tuple[type[MusterError], ...]
    idempotent: bool
    secrets: tuple[str, ...]
    etag: str
    writes: bool
    body_bytes: int
    fresh: bool
    open_to: tuple[str, ...]
    hints: dict[str, Any]
    also: dict[int, type] = field(default_factory=dict)

    @property
    def operation_id(self) -> str:
        """Give the name that client generators use."""
        return self.handler.__name__

    @property
    def body(self) -> Any:
        """Give the type of the body, or None."""
        return self.hints.get("body")

    @property
    def query(self) -> Any:
        """Give the type of the query, or None."""
        return self.hints.get("query")

    @property
    def answer(self) -> Any:
        """Give the type of the answer; NoneType when there is none."""
        if not self.also:
            return self.hints["return"]
        return next(k for k in get_args(self.hints["return"]) if k not in self.also.values())

    def status_of(self, result: Any) -> int:
        """Give the status of what a handler returned."""
        return next((s for s, kind in self.also.items() if type(result) is kind), self.status)

    @property
    def path_parameters(self) -> dict[str, Any]:
        """Give the parameters in the path and their types, in order."""
        return {name: self.hints[name] for name in re.findall(r"{(\w+)}", self.path)}

    @property
    def rule(self) -> str:
        """Give the path in Flask's notation."""
        rule = self.path
        for name, kind in self.path_parameters.items():
            converter = "int" if kind is int else "string"
            rule = rule.replace(f"{{{name}}}", f"<{converter}:{name}>")
        return PREFIX + rule


BODY_BYTES = 1024 * 1024
"""Largest body of an ordinary route."""


@dataclass(slots=True)
class Routes:
    """Gathers the routes of one module.

    Attributes:
        tag: heading in the document.
    """

    tag: str
    items: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        permission: Permission | None = None,
        caller: Caller = Caller.USER,
        status: int = 0,
        errors: tuple[type[MusterError], ...] = (),
        idempotent: bool = False,
        secrets: tuple[str, ...] = (),
        etag: str = "",
        writes: bool | None = None,
        body_bytes: int = BODY_BYTES,
        also: dict[int, type] | None = None,
        fresh: bool = False,
        open_to: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a handler as a route; see Route for the arguments.

        Raises:
            TypeError: a path parameter and the handler's signature do not fit.
        """

        def declare(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            in_path = set(re.findall(r"{(\w+)}", path))
            wanted = set(inspect.signature(handler).parameters) - NOT_IN_PATH
            if in_path != wanted or "return" not in hints:
                raise TypeError(f"{method} {path}: {handler.__name__} takes {sorted(wanted)}")
            self.items.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    tag=self.tag,
                    permission=permission,
                    caller=caller,
                    status=status or (204 if hints["return"] is type(None) else 200),
                    errors=errors,
                    idempotent=idempotent,
                    secrets=secrets,
                    etag=etag,
                    writes=method != "GET" if writes is None else writes,
                    body_bytes=body_bytes,
                    fresh=fresh,
                    open_to=open_to,
                    hints=hints,
                    also=also or {},
                )
            )
            return handler

        return declare
