"""What the log store in Elasticsearch needs of a connection."""

from typing import Any, Protocol

from muster_platform.errors import Unavailable


class Refused(Unavailable):
    """Elasticsearch answered, and will not do it as asked.

    Attributes:
        status: of HTTP.
        kind: type of the error, such as `too_many_clauses`; "" where it gave none.
    """

    code = "log_store_refused"

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(f"the log store refuses ({status} {kind}): {reason}")
        self.status, self.kind, self.reason = status, kind, reason


class SearchEngine(Protocol):
    """Speaks to Elasticsearch."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Do one request and give the answer, read from JSON; None where there is nothing (404).

        Args:
            body: a JSON value, or bytes that are NDJSON already.

        Raises:
            Unavailable: it does not answer, or is overloaded.
            Refused: it answered with another error.
        """
        ...
