"""Commands and updates that wait until the server has told its time."""

from muster_protocol.messages import Command, Update

Request = Command | Update


class Held:
    """Whether a request has expired is known only by the server's clock."""

    def __init__(self) -> None:
        self._requests: list[tuple[Request, str]] = []

    def __bool__(self) -> bool:
        """Say whether any waits."""
        return bool(self._requests)

    def add(self, request: Request, child: str) -> None:
        """Keep a request; one that is here already is kept once."""
        if all(held.execution != request.execution for held, _ in self._requests):
            self._requests.append((request, child))

    def drop(self, execution: str) -> None:
        """Let go of one that was canceled."""
        self._requests = [(r, c) for r, c in self._requests if r.execution != execution]

    def take(self) -> list[tuple[Request, str]]:
        """Give all of them, in the order they came."""
        taken, self._requests = self._requests, []
        return taken
