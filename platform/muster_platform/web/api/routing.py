"""What a route of the API is: one declaration from which calls and OpenAPI are both made.

A handler's own signature says the rest: `unit` asks for a unit of work, `body` and `query` name
the structs that are decoded, `if_match` asks for the version in that header, every other parameter
stands in the path; the return annotation is the answer.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

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
        writes: whether its unit of work commits.
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
    hints: dict[str, Any]

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
        return self.hints["return"]

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
                    hints=hints,
                )
            )
            return handler

        return declare
