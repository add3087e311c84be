"""Who calls: a token that somebody made, or a sign-in that is renewed as it runs out."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from muster_client.errors import ConfigError, NotAuthenticated

EARLY_S = 20.0
"""An access token is exchanged this long before it runs out."""

Post = Callable[[str, dict[str, Any] | None, str | None], Any]
"""post(path, body, bearer): one request without any of this."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave.

    Attributes:
        access_until: when the access token runs out, seconds since the epoch.
    """

    access: str
    refresh: str
    access_until: float


class Auth(Protocol):
    """Says who calls."""

    def bearer(self, post: Post) -> str | None:
        """Give the token for the next request, None for none.

        Raises:
            NotAuthenticated: nobody can be signed in any more.
        """
        ...

    def refused(self, token: str | None, post: Post) -> bool:
        """Hear that a token was answered 401; say whether to try once more with another."""
        ...


class Nobody:
    """No token: for what anybody may call, or where the transport says who calls."""

    def bearer(self, post: Post) -> str | None:  # noqa: ARG002
        """Give none."""
        return None

    def refused(self, token: str | None, post: Post) -> bool:  # noqa: ARG002
        """Give up."""
        return False


class ApiToken:
    """An API token, or any other that is not renewed."""

    def __init__(self, token: str) -> None:
        if not token.strip() or not token.isascii() or not token.isprintable():
            raise ConfigError("the token is empty or holds what no token holds")
        self._token = token.strip()

    def bearer(self, post: Post) -> str | None:  # noqa: ARG002
        """Give the token."""
        return self._token

    def refused(self, token: str | None, post: Post) -> bool:  # noqa: ARG002
        """Give up: it will not get better."""
        return False


class Session:
    """A sign-in with e-mail address and password, and what it gave.

    Args:
        email, password: to sign in with, and again when the session was ended.
        code: gives a code of the second factor, where the account has one.
        tokens: of an earlier sign-in.
        keep: is told new tokens, to store them.
    """

    def __init__(
        self,
        email: str = "",
        password: str | None = None,
        *,
        code: Callable[[], str] | None = None,
        tokens: Tokens | None = None,
        keep: Callable[[Tokens], None] = lambda _: None,
    ) -> None:
        self._email, self._password, self._code = email, password, code
        self._tokens = tokens
        self._keep = keep
        self._lock = threading.Lock()

    def bearer(self, post: Post) -> str | None:
        """Give an access token that still holds; signs in or exchanges the refresh token."""
        with self._lock:
            if self._tokens is None:
                self._sign_in(post)
            elif self._tokens.access_until - EARLY_S < time.time():
                self._renew(post)
            return self._tokens.access if self._tokens else None

    def refused(self, token: str | None, post: Post) -> bool:
        """Renew, unless another thread has just done it."""
        with self._lock:
            if self._tokens is not None and self._tokens.access != token:
                return True
            try:
                self._renew(post)
            except NotAuthenticated:
                return False
            return True

    def confirm(self, post: Post, password: str, code: str = "") -> None:
        """Give the password again: what is sensitive asks for a fresh sign-in.

        Raises:
            NotAuthenticated, PermissionDenied: it is wrong.
        """
        token = self.bearer(post)
        given = post("/auth/fresh", {"password": password, "code": code}, token)
        with self._lock:
            if self._tokens is not None:
                self._take({"refresh_token": self._tokens.refresh, **given})

    def _renew(self, post: Post) -> None:
        if self._tokens is not None:
            try:
                self._take(post("/auth/refresh", None, self._tokens.refresh))
                return
            except NotAuthenticated:
                if self._password is None:
                    raise
        self._sign_in(post)

    def _sign_in(self, post: Post) -> None:
        if self._password is None:
            raise ConfigError("give a token, or e-mail address and password")
        given = post("/auth/sign-in", {"email": self._email, "password": self._password}, None)
        if given.get("second_factor"):
            if self._code is None:
                raise ConfigError(f"{self._email} has a second factor: give a code, or use a token")
            body = {"challenge": given["challenge"], "code": self._code()}
            given = post("/auth/second-factor", body, None)
        self._take(given)

    def _take(self, given: dict[str, Any]) -> None:
        until = time.time() + float(given["expires_in_s"])
        self._tokens = Tokens(given["access_token"], given["refresh_token"], until)
        self._keep(self._tokens)
