"""Asks the platform over the HTTP contract (muster_broker.accounts.contract)."""

import asyncio
from typing import Protocol, TypeVar

import aiohttp
import msgspec

from muster_broker.accounts import contract

T = TypeVar("T", bound=msgspec.Struct)
_ANSWER_BYTES = 256 * 1024


class PlatformAway(Exception):
    """No usable answer; the text says why."""


class Platform(Protocol):
    """Who decides about devices."""

    async def connect(self, request: contract.ConnectRequest) -> contract.ConnectAnswer:
        """Ask whether a device may connect.

        Raises:
            PlatformAway: no usable answer in time.
        """

    async def check(self, device_ids: list[str]) -> list[str]:
        """Ask which of the connected devices may no longer be.

        Raises:
            PlatformAway: no usable answer in time.
        """


class HttpPlatform:
    """The platform at a base address; questions beyond `at_once` wait for their turn.

    Args:
        timeout_s: for one question, waiting included.
        waiting: questions that may wait; more are answered PlatformAway at once.
    """

    def __init__(
        self, url: str, token: str, *, timeout_s: float, at_once: int, waiting: int
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._asking = 0
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            connector=aiohttp.TCPConnector(limit=at_once),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def connect(self, request: contract.ConnectRequest) -> contract.ConnectAnswer:
        """See Platform."""
        return await self._ask(contract.CONNECT_PATH, request, contract.ConnectAnswer)

    async def check(self, device_ids: list[str]) -> list[str]:
        """See Platform."""
        refused: list[str] = []
        for at in range(0, len(device_ids), contract.CHECK_BATCH):
            request = contract.CheckRequest(device_ids=device_ids[at : at + contract.CHECK_BATCH])
            answer = await self._ask(contract.CHECK_PATH, request, contract.CheckAnswer)
            refused += answer.refused
        return refused

    async def close(self) -> None:
        """Close the connections to the platform."""
        await self._http.close()

    async def _ask(self, path: str, request: msgspec.Struct, kind: type[T]) -> T:
        if self._asking >= self._most:
            raise PlatformAway("too many questions wait for an answer")
        self._asking += 1
        try:
            async with asyncio.timeout(self._timeout_s), self._turns:
                try:
                    return await self._post(path, request, kind)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                    # A kept connection that the other side closed meanwhile says so only now.
                    return await self._post(path, request, kind)
        except TimeoutError:
            raise PlatformAway(f"no answer from {self._url} in {self._timeout_s} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise PlatformAway(f"cannot ask {self._url}: {error}") from error
        except (msgspec.DecodeError, ValueError) as error:
            raise PlatformAway(
                f"{self._url}{path} gave no answer of the contract: {error}"
            ) from error
        finally:
            self._asking -= 1

    async def _post(self, path: str, request: msgspec.Struct, kind: type[T]) -> T:
        async with self._http.post(
            self._url + path, data=msgspec.json.encode(request), allow_redirects=False
        ) as response:
            if response.status == 401:
                raise PlatformAway(f"{self._url} refuses the broker's token; compare both sides")
            if response.status != 200:
                raise PlatformAway(f"{self._url}{path} answered {response.status}")
            return msgspec.json.decode(await response.content.read(_ANSWER_BYTES), type=kind)
