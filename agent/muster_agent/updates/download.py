"""Fetching an artifact over HTTP(S): in parts, taken up where it was cut, checked at the end."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3

from muster_agent.updates.disk import Disk
from muster_agent.updates.errors import UpdateError, disk_error
from muster_protocol.messages import Artifact

PIECE_BYTES = 256 * 1024
SYNC_EVERY_BYTES = 8 * 1024 * 1024
RESERVE_BYTES = 1024 * 1024
_REDIRECTS = 5
_ATTEMPTS = 8
_TIMEOUT_S = 30.0
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The server that knows this device; only it is ever told the secret."""

    server: str
    device_id: str
    secret: str

    def headers(self, url: str) -> dict[str, str]:
        """Give what proves the device to its own server, and nothing to any other."""
        if not self.server or _place(url) != _place(self.server):
            return {}
        return urllib3.make_headers(basic_auth=f"{self.device_id}:{self.secret}")


def _place(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


class _Cut(Exception):
    """The connection ended too early, or the server is in trouble: try again."""


class Downloader:
    """Fetches files into a folder.

    Args:
        origin: the device's own server; relative URLs are its.
        ca_file: certificates to trust instead of the system's.
    """

    def __init__(self, origin: Origin, disk: Disk, *, ca_file: str | None = None) -> None:
        self._origin = origin
        self._disk = disk
        self._pool = urllib3.PoolManager(
            ca_certs=ca_file, retries=False, timeout=urllib3.Timeout(_TIMEOUT_S)
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def fetch(
        self,
        artifact: Artifact,
        target: Path,
        tell: Callable[[int], None],
        wait: Callable[[float], None],
    ) -> None:
        """Fetch a file; what is there of it is kept, and only the rest asked for.

        Args:
            tell: called with the bytes that are there; may raise to stop.
            wait: sleeps so many seconds; may raise to stop.

        Raises:
            UpdateError: disk_full, checksum, refused, download.
        """
        doubtful = target.exists()
        self._fetch_all(artifact, target, tell, wait)
        if self._verify(artifact, target):
            return
        self._disk.remove(target)
        if doubtful:  # a power cut may have left a part that was never written
            self._fetch_all(artifact, target, tell, wait)
            if self._verify(artifact, target):
                return
            self._disk.remove(target)
        raise UpdateError("checksum", f"{artifact.name}: its sha256 is not {artifact.sha256}")

    def _fetch_all(
        self,
        artifact: Artifact,
        target: Path,
        tell: Callable[[int], None],
        wait: Callable[[float], None],
    ) -> None:
        url = urljoin(self._origin.server, artifact.url)
        if _size(target) > artifact.size:
            self._disk.remove(target)
        failures, had = 0, _size(target)
        try:
            while _size(target) < artifact.size or not target.exists():
                try:
                    self._fetch_rest(url, artifact, target, tell)
                except (_Cut, urllib3.exceptions.HTTPError) as error:
                    failures = 0 if _size(target) > had else failures + 1
                    had = max(had, _size(target))
                    if failures >= _ATTEMPTS:
                        text = f"{artifact.name}: {failures} attempts brought nothing: {error}"
                        raise UpdateError("download", text) from error
                    wait(min(60.0, 0.5 * 2**failures))
            self._disk.sync(target)
        except OSError as error:
            raise disk_error(str(target), error) from error

    def _fetch_rest(
        self, url: str, artifact: Artifact, target: Path, tell: Callable[[int], None]
    ) -> None:
        have = _size(target)
        self._check_room(artifact, target, have)
        with self._get(url, have) as answer:
            have = self._starting_point(answer, artifact, target, have)
            if have == 0:
                self._disk.write(target, b"")
            synced = have
            for piece in answer.stream(PIECE_BYTES, decode_content=False):
                if have + len(piece) > artifact.size:
                    self._disk.remove(target)
                    text = f"{artifact.name}: the server sends more than {artifact.size} bytes"
                    raise UpdateError("checksum", text)
                self._disk.write(target, piece, append=True)
                have += len(piece)
                if have - synced >= SYNC_EVERY_BYTES:
                    self._disk.sync(target)
                    synced = have
                tell(have)
        if have < artifact.size:
            raise _Cut(f"the connection ended after {have} of {artifact.size} bytes")

    def _check_room(self, artifact: Artifact, target: Path, have: int) -> None:
        needed = artifact.size - have + RESERVE_BYTES
        free = self._disk.free_bytes(target)
        if free < needed:
            text = f"{artifact.name}: {needed} bytes are needed at {target.parent}, {free} are free"
            raise UpdateError("disk_full", text)

    def _starting_point(
        self, answer: urllib3.BaseHTTPResponse, artifact: Artifact, target: Path, have: int
    ) -> int:
        """Give where the answer's bytes belong."""
        if answer.status == 200:
            return 0
        if answer.status == 206:
            if answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                return have
            raise _Cut("the server answered with another range than was asked for")
        if answer.status == 416:
            self._disk.remove(target)
            raise _Cut(f"the server's file ends before byte {have}")
        if answer.status in (408, 429) or answer.status >= 500:
            raise _Cut(f"the server answered {answer.status}")
        text = f"{artifact.name}: the server answered {answer.status}"
        if answer.status == 401 and not self._origin.headers(
            urljoin(self._origin.server, artifact.url)
        ):
            text += f" (the device's secret is told to {self._origin.server or 'no server'} only)"
        raise UpdateError("refused", text)

    @contextmanager
    def _get(self, url: str, have: int) -> Iterator[urllib3.BaseHTTPResponse]:
        """Ask for a URL; redirects are followed here, for a secret is for one server only."""
        for _ in range(_REDIRECTS + 1):
            if urlsplit(url).scheme not in _PORTS:
                raise UpdateError("refused", f"{url[:200]}: only http and https are fetched")
            headers: Mapping[str, str] = {
                "Accept-Encoding": "identity",
                **({"Range": f"bytes={have}-"} if have else {}),
                **self._origin.headers(url),
            }
            answer = self._pool.request(
                "GET", url, headers=headers, preload_content=False, redirect=False
            )
            try:
                onward = answer.get_redirect_location()
                if not onward:
                    yield answer
                    return
            finally:
                # An answer that was not read to its end must not be used for the next request.
                answer.close()
            further = urljoin(url, onward)
            if url.startswith("https:") and not further.startswith("https:"):
                raise UpdateError("refused", "the server sends on from https to http")
            url = further
        raise UpdateError("refused", f"more than {_REDIRECTS} redirects")

    @staticmethod
    def _verify(artifact: Artifact, target: Path) -> bool:
        digest = hashlib.sha256()
        with target.open("rb") as source:
            while piece := source.read(PIECE_BYTES):
                digest.update(piece)
        return digest.hexdigest() == artifact.sha256


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
