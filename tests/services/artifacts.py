"""A small file server with ranges, which can cut, redirect and lie: for tests of downloads."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request that came."""

    path: str
    range: str
    authorization: str
    sent: int = 0


@dataclass
class ArtifactServer:
    """Serves `files` by path on 127.0.0.1.

    Attributes:
        cut_after: bytes after which the next answers end, one number for each answer.
        redirects: path -> where it is now.
        statuses: answered instead, one for each request, before anything else.
        ranges: False answers a range with the whole file.
        gate: when set to an event, an answer stops after half of the file until it is set.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    gate: threading.Event | None = None
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.outer = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(0.05), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def outer(self) -> ArtifactServer:
        return self.server.outer  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        headers = self.headers
        seen = Seen(self.path, headers.get("Range", ""), headers.get("Authorization", ""))
        outer = self.outer
        outer.seen.append(seen)
        if outer.statuses:
            self._head(outer.statuses.pop(0), 0)
        elif self.path in outer.redirects:
            self._head(302, 0, Location=outer.redirects[self.path])
        elif self.path in outer.files:
            self._file(outer.files[self.path], seen)
        else:
            self._head(404, 0)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def _file(self, data: bytes, seen: Seen) -> None:
        if seen.range and self.outer.ranges:
            first = int(seen.range.removeprefix("bytes=").rstrip("-"))
            body = data[first:]
            place = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._head(206, len(body), Content_Range=place)
        else:
            body = data
            self._head(200, len(body))
        if self.outer.cut_after:
            body = body[: self.outer.cut_after.pop(0)]
        try:
            self._send(body)
        except OSError:
            return  # the device has gone
        seen.sent = len(body)

    def _send(self, body: bytes) -> None:
        gate = self.outer.gate
        if gate is not None and not gate.is_set():
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            gate.wait(60)
            body = body[half:]
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return
