"""One call: who, what, how often tried, and the answer or an exception."""

import copy
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote, urlencode

import msgspec

from muster_client.auth import Auth
from muster_client.errors import (
    ApiError,
    ClientError,
    RateLimited,
    Unavailable,
    Unreachable,
    error_for,
)
from muster_client.transport import Answer, Request, Transport
from muster_client.unset import UNSET

PREFIX = "/api/v1"
JSON = "application/json"
ATTEMPTS = 4
WAIT_MOST_S = 60.0
FIRST_WAIT_S = 0.2
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
RUNNING = "request_running"
"""Code of the answer to a repeated request whose first is not done yet."""


class Caller:
    """Carries out calls against one server.

    Args:
        attempts: how often a call is tried at most.
        wait_most_s: longest wait that the server may ask for (Retry-After); beyond it, and after
            the last attempt, its answer is raised.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        *,
        attempts: int = ATTEMPTS,
        wait_most_s: float = WAIT_MOST_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._auth = auth
        self._attempts = max(1, attempts)
        self._wait_most_s = wait_most_s
        self._sleep = sleep

    @property
    def server(self) -> str:
        """Name the server for people."""
        return self._transport.server

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        if_match: str | int | None = None,
        idempotent: bool = False,
        idempotency_key: str | None = None,
        signed_in: bool = True,
        lines: bool = False,
    ) -> Any:
        """Call one operation; what has no method of its own can be called by this.

        Args:
            path: behind `/api/v1`, its parts quoted by `part`.
            query, body: without what is UNSET (and, in a query, None).
            idempotent: it takes an Idempotency-Key; one is made where none is given.
            signed_in: send who calls.
            lines: the answer is text to be read line by line.

        Returns:
            The decoded JSON, None where there is none, or `Lines`.

        Raises:
            ApiError: one of its classes, by the status.
            Unreachable: no answer after all attempts.
        """
        headers = {"Accept": "text/csv" if lines else JSON}
        data = None
        if body is not None:
            data = msgspec.json.encode({k: v for k, v in body.items() if v is not UNSET})
            headers["Content-Type"] = JSON
        if if_match is not None:
            headers["If-Match"] = if_match if isinstance(if_match, str) else f'"{if_match}"'
        if idempotent:
            headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        repeatable = idempotent or method in REPEATABLE
        request = Request(method, PREFIX + path + _query(query), headers, data, repeatable)
        answer = self._signed_in(request) if signed_in else self._tried(request)
        if lines:
            return Lines(answer)
        return _json(answer)

    def acting_as(self, auth: Auth) -> Self:
        """Give the same server for another caller."""
        other = copy.copy(self)
        other._auth = auth
        return other

    def sign_in_now(self) -> None:
        """Sign in before the first call, to see that it works.

        Raises:
            NotAuthenticated: it does not.
        """
        self._auth.bearer(self.post)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def send(self, request: Request) -> Answer:
        """Send a request whose body is no JSON, in the caller's name.

        Raises:
            ApiError, Unreachable: as `call`.
        """
        return self._signed_in(request)

    def _signed_in(self, request: Request) -> Answer:
        token = self._auth.bearer(self.post)
        try:
            return self._tried(_with(request, token))
        except ApiError as error:
            if error.status != 401 or not self._auth.refused(token, self.post):
                raise
        return self._tried(_with(request, self._auth.bearer(self.post)))

    def post(self, path: str, body: dict[str, Any] | None, bearer: str | None) -> Any:
        """Send what an `Auth` needs: signing in and renewing, in nobody's or that token's name.

        Raises:
            ApiError, Unreachable: as `call`; a lost answer is not asked for again.
        """
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": JSON} | ({} if data is None else {"Content-Type": JSON})
        return _json(self._tried(_with(Request("POST", PREFIX + path, headers, data), bearer)))

    def _tried(self, request: Request) -> Answer:
        for attempt in range(1, self._attempts + 1):
            try:
                return _good(self._transport.send(request))
            except ClientError as error:
                wait_s = self._wait(request, error, attempt)
                if wait_s is None:
                    raise
            self._sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, request: Request, error: ClientError, attempt: int) -> float | None:
        """Say how long to wait before the next attempt; None: this was the last one."""
        if attempt >= self._attempts:
            return None
        # Spread, so that many clients do not come back in the same moment.
        own_s = FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311
        if isinstance(error, RateLimited) or (
            isinstance(error, Unavailable) and request.may_repeat
        ):
            asked_s = error.problem.get("retry_after_s")
            wait_s = float(asked_s) if isinstance(asked_s, int | float) else own_s
            return wait_s if wait_s <= self._wait_most_s else None
        lost = isinstance(error, Unreachable) and request.may_repeat
        return own_s if lost or (isinstance(error, ApiError) and error.code == RUNNING) else None


class Lines(Iterator[str]):
    """A text answer, line by line as it comes: `csv.DictReader(lines)`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lines = _lines(answer)

    def __next__(self) -> str:
        return next(self._lines)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def text(self) -> str:
        """Read all that is left."""
        return "".join(self)


def part(value: str | int) -> str:
    """Write a value as one part of a path.

    Raises:
        ClientError: no thing can be called so.
    """
    text = str(value)
    if text in ("", ".", ".."):
        raise ClientError(f"{text!r} names nothing")
    return quote(text, safe="")


def _query(query: Mapping[str, Any] | None) -> str:
    pairs = []
    for name, value in (query or {}).items():
        if value is None or value is UNSET:
            continue
        for item in value if isinstance(value, list | tuple | set | frozenset) else (value,):
            pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return "?" + urlencode(pairs) if pairs else ""


def _with(request: Request, token: str | None) -> Request:
    if token is None:
        return request
    headers = {**request.headers, "Authorization": f"Bearer {token}"}
    return Request(request.method, request.target, headers, request.body, request.may_repeat)


def _good(answer: Answer) -> Answer:
    """Give a good answer back, raise any other."""
    if answer.status < 300:
        return answer
    body = answer.read()
    try:
        problem = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not Muster's own: of a proxy before it.
        problem = {"detail": f"HTTP {answer.status}: {body[:200].decode('utf-8', 'replace')}"}
    after = answer.header("Retry-After")
    if after.isascii() and after.isdecimal():
        problem.setdefault("retry_after_s", int(after))
    raise error_for(answer.status, problem)


def _json(answer: Answer) -> Any:
    body = answer.read()
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = answer.header("Content-Type")
        raise ClientError(f"the answer is not JSON but {kind or 'nothing'}: no Muster?") from error


def _lines(answer: Answer) -> Iterator[str]:
    rest = b""
    for chunk in answer.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace") + "\n"
    if rest:
        yield rest.decode("utf-8", "replace")
