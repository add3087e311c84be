"""Requests over HTTP and HTTPS."""

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from muster_client.errors import ConfigError, Unreachable
from muster_client.transport import Answer, Request

TIMEOUT_S = 30.0
CHUNK_BYTES = 64 * 1024
REDIRECT = range(300, 400)
NOT_MODIFIED = 304


class HttpTransport:
    """One server, its connections kept open.

    Redirects are not followed: they would carry the token to whoever the answer names.

    Args:
        server: `https://muster.example.com`; a path before `/api` is kept.
        ca_file: certificates to trust instead of the system's.
        cert_file, key_file: certificate of this client, where a proxy asks for one.
        timeout_s: to connect, and between two pieces of an answer.

    Raises:
        ConfigError: the address is none, or a file cannot be read.
    """

    def __init__(
        self,
        server: str,
        *,
        ca_file: str | None = None,
        cert_file: str | None = None,
        key_file: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.server = checked(server)
        try:
            context = ssl.create_default_context(cafile=ca_file)
            if cert_file is not None:
                context.load_cert_chain(cert_file, key_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"the certificates cannot be used: {error}") from error
        self._pool = urllib3.PoolManager(
            retries=False, timeout=timeout_s, maxsize=8, ssl_context=context
        )

    def send(self, request: Request) -> Answer:
        """Send one request; see Transport."""
        try:
            answer = self._pool.request(
                request.method,
                self.server + request.target,
                body=request.body,
                headers=request.headers,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise Unreachable(f"no answer from {self.server}: {_why(error)}") from error
        if answer.status in REDIRECT and answer.status != NOT_MODIFIED:
            to = answer.headers.get("Location", "elsewhere")
            answer.close()
            raise ConfigError(
                f"{self.server} sends us on to {to}; give the address that answers itself"
            )
        return HttpAnswer(self.server, answer)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class HttpAnswer:
    """An answer whose body is still on its way."""

    def __init__(self, server: str, answer: urllib3.BaseHTTPResponse) -> None:
        self._server = server
        self._answer = answer

    @property
    def status(self) -> int:
        """Give the HTTP status."""
        return int(self._answer.status)

    def header(self, name: str) -> str:
        """Give a header, "" where there is none."""
        return str(self._answer.headers.get(name, ""))

    def read(self) -> bytes:
        """Read the whole body.

        Raises:
            Unreachable: it broke off.
        """
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Read the body in pieces.

        Raises:
            Unreachable: it broke off.
        """
        try:
            yield from self._answer.stream(CHUNK_BYTES)
        except HTTPError as error:
            raise Unreachable(f"the answer of {self._server} broke off: {_why(error)}") from error
        self._answer.release_conn()

    def close(self) -> None:
        """Let go of what was not read: the connection is not used again."""
        self._answer.close()


def checked(server: str) -> str:
    """Check an address and bring it to the form that paths are put behind.

    Raises:
        ConfigError: not http:// or https://, or it holds more than host and path.
    """
    try:
        parts = urlsplit(server.strip())
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"server {server!r}: expected a URL such as https://muster.example.com")
    if parts.query or parts.fragment or parts.username is not None:
        raise ConfigError(f"server {parts.scheme}://{parts.hostname}: only host, port and path")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason if reason is not None else error)
    return text.rpartition(">: ")[2] or type(error).__name__
