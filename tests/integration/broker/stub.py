"""The platform's side of the HTTP contract, small: decides by a table that the test changes."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from muster_broker.accounts import contract

TOKEN = "token-of-the-broker"


class PlatformStub:
    """Answers on 127.0.0.1.

    Attributes:
        secrets: by device id. A device called any-… needs "pw" and no entry.
        disabled: devices that are known and may not connect.
        refused: what `check` answers.
        connect_asks: requests of CONNECT_PATH so far.
        delay_s: before each answer.
        broken: answer 500 to everything.
        hangs_up: close the connection after an answer without saying so.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.disabled: set[str] = set()
        self.refused: set[str] = set()
        self.connect_asks: list[contract.ConnectRequest] = []
        self.checks = 0
        self.at_once = 0
        self.most_at_once = 0
        self.delay_s = 0.0
        self.broken = False
        self.hangs_up = False
        self.cache_s = 0
        self.on_connect: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                token = self.headers["Authorization"]
                status, answer = stub.answer(self.path, token, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                self.close_connection |= stub.hangs_up

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        if self.broken:
            return 500, b""
        if token != f"Bearer {TOKEN}":
            return 401, b"{}"
        if path == contract.CHECK_PATH:
            asked = msgspec.json.decode(body, type=contract.CheckRequest)
            refused = sorted(self.refused & set(asked.device_ids))
            self.checks += 1
            return 200, msgspec.json.encode(contract.CheckAnswer(refused=refused))
        request = msgspec.json.decode(body, type=contract.ConnectRequest)
        with self._lock:
            self.connect_asks.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.delay_s)
        answer = self.decide(request)
        self.on_connect()
        with self._lock:
            self.at_once -= 1
        return 200, msgspec.json.encode(answer)

    def decide(self, request: contract.ConnectRequest) -> contract.ConnectAnswer:
        secret = self.secrets.get(request.client_id)
        if secret is None and request.client_id.startswith("any-"):
            secret = "pw"
        if request.password != secret:
            return contract.ConnectAnswer(
                allow=False, reason=contract.BAD_CREDENTIALS, cache_s=self.cache_s
            )
        if request.client_id in self.disabled:
            return contract.ConnectAnswer(allow=False, reason=contract.NOT_ALLOWED)
        return contract.ConnectAnswer(allow=True, cache_s=self.cache_s)
