"""The enrolment endpoint of a platform, scripted."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any]]


class EnrolStub:
    """Answers POST /api/v1/device/enrol.

    Attributes:
        asked: bodies received, in order.
        script: answers to give first; afterwards every device is enrolled.
    """

    def __init__(self, broker_port: int) -> None:
        self.asked: list[dict[str, Any]] = []
        self.script: list[Answer] = []
        self._broker_port = broker_port
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = stub.answer(self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        assert path == "/api/v1/device/enrol"
        self.asked.append(body)
        if self.script:
            return self.script.pop(0)
        return 201, {
            "device_id": body["device_id"],
            "secret": f"secret-{len(self.asked)}",
            "broker": [{"url": f"mqtt://127.0.0.1:{self._broker_port}"}],
            "trust_root": None,
        }

    @contextmanager
    def serving(self) -> Iterator["EnrolStub"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        yield self
        self._server.shutdown()
        self._server.server_close()
        thread.join()
