"""How a request gets to a server: over HTTP, or into an application in this process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        target: path and query, beginning with `/api/`.
        may_repeat: sent twice it is done once, so a lost answer may be asked for again.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    may_repeat: bool = False


class Answer(Protocol):
    """What came back; its body is read once, whole or in pieces."""

    @property
    def status(self) -> int:
        """Give the HTTP status."""
        ...

    def header(self, name: str) -> str:
        """Give a header, "" where there is none."""
        ...

    def read(self) -> bytes:
        """Read the whole body."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Read the body in pieces, as they come."""
        ...

    def close(self) -> None:
        """Let go of what was not read."""
        ...


class Transport(Protocol):
    """Carries requests; safe for several threads."""

    @property
    def server(self) -> str:
        """Name the server for people."""
        ...

    def send(self, request: Request) -> Answer:
        """Send one request and give the answer, whatever its status.

        Raises:
            Unreachable: no answer.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...
