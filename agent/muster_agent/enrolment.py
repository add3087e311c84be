"""Enrolment: the one exchange over HTTPS that turns a token into a device's own secret."""

from typing import Any

import msgspec
import urllib3

from muster_agent.errors import (
    ConfigError,
    DeniedError,
    MusterError,
    RefusedError,
    UnavailableError,
)

ENROL_PATH = "/api/v1/device/enrol"
_TIMEOUT_S = 20.0


class BrokerAddress(msgspec.Struct):
    """Where to connect."""

    url: str


class Enrolled(msgspec.Struct, kw_only=True):
    """A successful answer; the secret is shown this once."""

    device_id: str
    secret: str
    broker: list[BrokerAddress]
    profile: str | None = None
    trust_root: Any = None


class Pending(msgspec.Struct, kw_only=True):
    """A person has to approve: ask again."""

    retry_after_s: float = 10.0


class _Problem(msgspec.Struct):
    """An error body of the API (problem+json)."""

    title: str = ""
    detail: str = ""


class EnrolClient:
    """Asks one server; keeps its connection for many devices.

    Args:
        server: for example `https://muster.example.com`.
        ca_file: certificates to trust instead of the system's.

    Raises:
        ConfigError: the address is not http:// or https://.
    """

    def __init__(self, server: str, ca_file: str | None = None) -> None:
        if not server.startswith(("http://", "https://")):
            raise ConfigError(f"server {server!r}: expected a URL with http:// or https://")
        self._url = server.rstrip("/") + ENROL_PATH
        self._server = server
        self._pool = urllib3.PoolManager(
            ca_certs=ca_file, retries=False, timeout=_TIMEOUT_S, maxsize=4
        )

    def enrol(
        self,
        token: str,
        device_id: str,
        install_id: str,
        profile: str | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> Enrolled | Pending:
        """Ask once.

        Args:
            attributes: shown to the person who approves, where one has to.

        Raises:
            DeniedError: the token is wrong, spent, or not for this device.
            RefusedError: the server will not enrol the device.
            UnavailableError: no answer, or the server is in trouble.
        """
        body: dict[str, Any] = {
            "token": token,
            "device_id": device_id,
            "install_id": install_id,
        }
        if profile:
            body["profile"] = profile
        if attributes:
            body["attributes"] = attributes
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=msgspec.json.encode(body),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"cannot reach {self._server}: {error}; is the address right, is it running?"
            ) from error
        return self._read(
            answer.status, answer.data, device_id, answer.headers.get("Retry-After", "")
        )

    def _read(
        self, status: int, data: bytes, device_id: str, retry_after: str = ""
    ) -> Enrolled | Pending:
        kind: type[Enrolled | Pending] = Pending if status == 202 else Enrolled
        if status not in (200, 201, 202):
            raise _refusal(status, data, device_id, retry_after)
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, ValueError) as error:
            raise UnavailableError(
                f"{self._url} answered {status} with something else than an enrolment: {error}"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _refusal(status: int, data: bytes, device_id: str, retry_after: str) -> MusterError:
    try:
        problem = msgspec.json.decode(data, type=_Problem)
    except (msgspec.DecodeError, ValueError):
        problem = _Problem()
    said = problem.detail or problem.title or "no reason given"
    text = f"the server did not enrol {device_id} ({status}): {said}"
    if status in (401, 403):
        return DeniedError(text)
    if status == 429 or status >= 500:
        seconds = float(retry_after) if retry_after.isdigit() else None
        return UnavailableError(text, seconds)
    return RefusedError(text)
