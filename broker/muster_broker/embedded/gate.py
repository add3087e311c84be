"""Who may connect: the platform's clients by the accounts file, devices by asking the platform."""

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from muster_broker.accounts import contract
from muster_broker.accounts.files import AccountsFileError, read_accounts
from muster_broker.accounts.passwords import verify_secret
from muster_broker.embedded import wire
from muster_broker.embedded.platform import Platform, PlatformAway
from muster_broker.embedded.stats import Stats
from muster_protocol.ids import is_platform_client

_ANSWERS_PER_DEVICE = 4
"""Different secrets of one device whose answers are kept: the valid ones, during rotation."""


class Decision(NamedTuple):
    """Whether a client comes in.

    Attributes:
        code: of the CONNACK; 0 lets it in.
        reason: short, for counters and the log.
        detail: for the log.
    """

    code: int
    reason: str
    detail: str = ""


ALLOWED = Decision(wire.ACCEPTED, "")


class AnswerCache:
    """The platform's answers, for a short time, by device and a digest of the secret.

    Secrets are never kept; the key of the digest lives as long as the process.
    """

    def __init__(self, max_devices: int, max_s: float, clock: Callable[[], float]) -> None:
        self._max_devices = max_devices
        self._max_s = max_s
        self._clock = clock
        self._key = os.urandom(32)
        self._devices: OrderedDict[str, dict[bytes, tuple[float, Decision]]] = OrderedDict()

    def _digest(self, secret: str) -> bytes:
        return hmac.digest(self._key, secret.encode("utf-8"), hashlib.sha256)

    def get(self, device_id: str, secret: str) -> Decision | None:
        """Give the answer if it still holds."""
        entry = self._devices.get(device_id, {}).get(self._digest(secret))
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    def put(self, device_id: str, secret: str, decision: Decision, keep_s: float) -> None:
        """Keep an answer for as long as the platform says, at most the limit."""
        keep_s = min(keep_s, self._max_s)
        if keep_s <= 0:
            return
        answers = self._devices.setdefault(device_id, {})
        self._devices.move_to_end(device_id)
        answers.pop(digest := self._digest(secret), None)
        while len(answers) >= _ANSWERS_PER_DEVICE:
            del answers[next(iter(answers))]
        answers[digest] = (self._clock() + keep_s, decision)
        while len(self._devices) > self._max_devices:
            self._devices.popitem(last=False)

    def purge(self, device_id: str) -> None:
        """Forget the answers about a device."""
        self._devices.pop(device_id, None)


class Accounts:
    """The accounts file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}

    def load(self) -> dict[str, str]:
        """Give the hashes by name.

        Raises:
            AccountsFileError: the file cannot be used.
        """
        try:
            status = self._path.stat()
        except OSError as error:
            raise AccountsFileError(
                f"cannot read the accounts file {self._path}: {error.strerror}; "
                "`muster up` writes it, or name another with --accounts-file"
            ) from error
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen != self._seen:
            self._hashes = read_accounts(self._path)
            self._seen = seen
        return self._hashes


class Gate:
    """Decides about each CONNECT, before anything of the client's is looked at."""

    def __init__(
        self,
        accounts: Accounts | None,
        platform: Platform | None,
        cache: AnswerCache,
        stats: Stats,
    ) -> None:
        self._accounts = accounts
        self._platform = platform
        self._cache = cache
        self._stats = stats
        self._asking: dict[str, int] = {}
        self._kicks: dict[str, int] = {}

    async def decide(self, client_id: str, secret: str) -> Decision:
        """Decide about a client whose id and user name are the same."""
        if is_platform_client(client_id):
            return self._decide_account(client_id, secret)
        cached = self._cache.get(client_id, secret)
        if cached is not None:
            return cached
        if self._platform is None:
            return Decision(wire.UNAVAILABLE, "platform_away", "no --platform-url to ask")
        return await self._ask(self._platform, client_id, secret)

    def purge(self, device_id: str) -> None:
        """Forget what is known of a device's credentials, also what is being asked just now."""
        self._cache.purge(device_id)
        if device_id in self._asking:
            self._kicks[device_id] = self._kicks.get(device_id, 0) + 1

    def _decide_account(self, name: str, secret: str) -> Decision:
        if self._accounts is None:
            return Decision(wire.NOT_AUTHORISED, "no_accounts", "no --accounts-file is set")
        try:
            stored = self._accounts.load().get(name, "")
        except AccountsFileError as error:
            return Decision(wire.UNAVAILABLE, "accounts_file", str(error))
        if verify_secret(secret, stored):
            return ALLOWED
        return Decision(wire.BAD_CREDENTIALS, "bad_credentials")

    async def _ask(self, platform: Platform, device_id: str, secret: str) -> Decision:
        self._asking[device_id] = self._asking.get(device_id, 0) + 1
        try:
            while True:
                kicks = self._kicks.get(device_id, 0)
                decision, keep_s = await self._ask_once(platform, device_id, secret)
                if kicks == self._kicks.get(device_id, 0):
                    break
                # Kicked while the question was under way: the answer may be from before it.
        finally:
            self._asking[device_id] -= 1
            if not self._asking[device_id]:
                del self._asking[device_id]
                self._kicks.pop(device_id, None)
        self._cache.put(device_id, secret, decision, keep_s)
        return decision

    async def _ask_once(
        self, platform: Platform, device_id: str, secret: str
    ) -> tuple[Decision, float]:
        self._stats.asks += 1
        request = contract.ConnectRequest(client_id=device_id, username=device_id, password=secret)
        try:
            answer = await platform.connect(request)
        except PlatformAway as error:
            return Decision(wire.UNAVAILABLE, "platform_away", str(error)), 0
        if answer.allow:
            return ALLOWED, answer.cache_s
        bad = answer.reason == contract.BAD_CREDENTIALS
        code = wire.BAD_CREDENTIALS if bad else wire.NOT_AUTHORISED
        reason = "bad_credentials" if bad else "not_allowed"
        return Decision(code, reason, answer.reason), answer.cache_s


def monotonic_gate(
    accounts_file: Path | None,
    platform: Platform | None,
    stats: Stats,
    *,
    cache_devices: int,
    cache_s: float,
) -> Gate:
    """Build a gate on the system's clock."""
    accounts = Accounts(accounts_file) if accounts_file is not None else None
    return Gate(accounts, platform, AnswerCache(cache_devices, cache_s, time.monotonic), stats)
