"""The client against a server that misbehaves: what the network does, not what Muster does."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from muster_client import ClientError, ConfigError, Muster, RateLimited, Unreachable

Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(handle: Handler) -> Iterator[tuple[str, list[Any]]]:
    """Serve every request by the function; gives the address and what was asked."""
    asked: list[Any] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers)))
            handle(self)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def reply(status: int, body: bytes = b"", **headers: str) -> Handler:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return handle


def test_a_redirect_never_takes_the_token_elsewhere() -> None:
    with serving(reply(200, b"{}")) as (thief, stolen):
        with (
            serving(reply(302, Location=f"{thief}/api/v1/me")) as (server, asked),
            Muster(server, token="mst_secret") as muster,
            pytest.raises(ConfigError, match="sends us on"),
        ):
            muster.me()
        assert asked[0][1]["Authorization"] == "Bearer mst_secret"
        assert stolen == []


def test_an_answer_that_breaks_off_is_told(free_port: Callable[[], int]) -> None:
    def broken(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b'{"id":')

    with (
        serving(broken) as (server, _),
        Muster(server, token="t", attempts=1) as muster,
        pytest.raises(Unreachable, match="broke off"),
    ):
        muster.me()


def test_nobody_there_is_told_in_words(free_port: Callable[[], int]) -> None:
    with (
        Muster(f"http://127.0.0.1:{free_port()}", token="t", attempts=1) as muster,
        pytest.raises(Unreachable, match="refused"),
    ):
        muster.me()


def test_a_server_that_never_answers_is_left() -> None:
    gone = threading.Event()
    with serving(lambda _: gone.wait(30) and None) as (server, _):
        with (
            Muster(server, token="t", attempts=1, timeout_s=0.2) as muster,
            pytest.raises(Unreachable, match="timed out"),
        ):
            muster.me()
        gone.set()


def test_retry_after_of_a_proxy_without_any_json_counts() -> None:
    with (
        serving(reply(429, b"slow down", Retry_After="3600")) as (server, asked),
        Muster(server, token="t", wait_most_s=1) as muster,
        pytest.raises(RateLimited) as caught,
    ):
        muster.me()
    assert caught.value.problem["retry_after_s"] == 3600
    assert len(asked) == 1


def test_a_path_before_the_api_is_kept() -> None:
    with serving(reply(200, b"{}")) as (server, asked), Muster(f"{server}/fleet/", token="t") as m:
        m.me()
    assert asked[0][0] == "/fleet/api/v1/me"


def test_another_web_site_is_told_from_a_muster() -> None:
    with (
        serving(reply(200, b"<html>", Content_Type="text/html")) as (server, _),
        Muster(server, token="t") as muster,
        pytest.raises(ClientError, match="text/html"),
    ):
        muster.me()
