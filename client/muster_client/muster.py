"""One Muster, as integrators use it."""

import time
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from muster_client.auth import ApiToken, Auth, Nobody, Session
from muster_client.core import ATTEMPTS, WAIT_MOST_S
from muster_client.generated import types as t
from muster_client.generated.operations import Operations
from muster_client.http import TIMEOUT_S, HttpTransport

P = ParamSpec("P")
T = TypeVar("T")

ENDED = frozenset(
    {"SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED", "EXPIRED", "REMOVED"}
)
POLL_S = 0.5


class Muster(Operations):
    """A server and who calls it; every operation of its API is a method.

    Give a token, or e-mail address and password; the session is then renewed by itself.

    Args:
        server: `https://muster.example.com`.
        token: an API token.
        code: gives a code of the second factor, where the account has one.
        ca_file: certificates to trust instead of the system's.
        cert_file, key_file: certificate of this client, where a proxy asks for one.
        timeout_s: to connect, and between two pieces of an answer.
        attempts, wait_most_s: how often a call is tried, and how long the server may ask to wait.

    Raises:
        ConfigError: the address or the token is none.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        code: Callable[[], str] | None = None,
        ca_file: str | None = None,
        cert_file: str | None = None,
        key_file: str | None = None,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        wait_most_s: float = WAIT_MOST_S,
    ) -> None:
        auth: Auth = Nobody()
        if token is not None:
            auth = ApiToken(token)
        elif email is not None:
            auth = Session(email, password, code=code)
        transport = HttpTransport(
            server, ca_file=ca_file, cert_file=cert_file, key_file=key_file, timeout_s=timeout_s
        )
        super().__init__(transport, auth, attempts=attempts, wait_most_s=wait_most_s)

    def __enter__(self) -> "Muster":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def each(operation: Callable[P, t.Listed[T]], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """Go through a list to its end, page by page: `each(muster.list_devices, search="pump")`."""
    options: dict[str, Any] = dict(kwargs)
    while True:
        page = operation(*args, **options)
        yield from page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return
        options["cursor"] = cursor


def wait_for_job(
    muster: Operations,
    job_id: str,
    *,
    timeout_s: float = 600.0,
    poll_s: float = POLL_S,
    progress: Callable[[t.JobView], None] = lambda _: None,
) -> t.JobView:
    """Wait until every execution of a job has ended, and give the job.

    Args:
        progress: is told the job each time it was looked at.

    Raises:
        TimeoutError: some are still open after that time.
    """
    until = time.monotonic() + timeout_s
    while True:
        job = muster.get_job(job_id)
        progress(job)
        left = sum(number for state, number in job["counts"].items() if state not in ENDED)
        if not left:
            return job
        if time.monotonic() >= until:
            raise TimeoutError(f"{left} executions of job {job_id} are still open")
        time.sleep(poll_s)
