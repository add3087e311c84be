"""Firebase Cloud Messaging, HTTP v1: wakes a phone that holds no connection.

Form: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.urllib3 import Request
from google.oauth2.service_account import Credentials

from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.updates.push import PushLater, PushRefused, TokenDead

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TIMEOUT_S = 20.0
GONE = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})
"""The token will never work again: the app was removed, or it is another sender's."""
UNAUTHORIZED, TOO_MANY, SERVER_FAULT = 401, 429, 500


class Fcm:
    """Implements updates.push.Pusher.

    Raises:
        ConfigurationError: the service account's file cannot be used.
    """

    def __init__(self, credentials_file: str, url: str) -> None:
        try:
            info = json.loads(Path(credentials_file).read_text(encoding="utf-8"))
            self._credentials = Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call]
            project = str(info["project_id"])
        except (OSError, ValueError, KeyError, TypeError, GoogleAuthError) as error:
            raise ConfigurationError(
                f"fcm_credentials_file {credentials_file} is not a service account with a "
                f"project: {type(error).__name__}: {error}"
            ) from error
        self._url = f"{url.rstrip('/')}/v1/projects/{quote(project, safe='')}/messages:send"
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def push(self, token: str, data: Mapping[str, str], ttl_s: int) -> str:
        """Send one data message; see Pusher."""
        message = {
            "message": {
                "token": token,
                "data": dict(data),
                "android": {"priority": "HIGH", "ttl": f"{ttl_s}s"},
            }
        }
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=json.dumps(message).encode(),
                headers={**self._bearer(), "Content-Type": "application/json; charset=utf-8"},
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise PushLater(f"FCM cannot be reached: {type(error).__name__}") from error
        return self._read(answer.status, answer.data, answer.headers.get("Retry-After", ""))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _bearer(self) -> dict[str, str]:
        if not self._credentials.valid:
            try:
                self._credentials.refresh(Request(self._pool))  # type: ignore[no-untyped-call]
            except GoogleAuthError as error:
                raise PushLater(f"no access token for FCM: {error}") from error
        return {"Authorization": f"Bearer {self._credentials.token}"}

    def _read(self, status: int, body: bytes, retry_after: str) -> str:
        answer = _object(body)
        if status == 200 and isinstance(answer.get("name"), str):
            return str(answer["name"])
        told = answer.get("error")
        error = told if isinstance(told, dict) else {}
        code = _code(error)
        text = f"FCM answered {status} {code}: {error.get('message', '')}"[:500]
        if code in GONE:
            raise TokenDead(text)
        if status == UNAUTHORIZED:
            self._credentials.token = None  # asked for anew by the next one
        if status in (UNAUTHORIZED, TOO_MANY) or status >= SERVER_FAULT:
            raise PushLater(text, int(retry_after) if retry_after.isdecimal() else 0)
        raise PushRefused(text)


def fcm(settings: Settings) -> Fcm | None:
    """Give the push service of the settings, None where none is set up.

    Raises:
        ConfigurationError: it is set up wrongly.
    """
    if not settings.fcm_credentials_file:
        return None
    return Fcm(settings.fcm_credentials_file, settings.fcm_url)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(error: Mapping[str, Any]) -> str:
    """Give FCM's own code where it says one (UNREGISTERED, …), else the status in words."""
    for detail in error.get("details") or ():
        if isinstance(detail, dict) and isinstance(detail.get("errorCode"), str):
            return str(detail["errorCode"])
    return str(error.get("status", ""))
