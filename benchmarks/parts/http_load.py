"""One GET asked again and again over kept-alive connections: a load that costs little itself."""

import selectors
import socket
import time
from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
READ = 65_536


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it.

    Attributes:
        answers: good ones (200) within the time.
        seconds: how long it took.
        wrong: the first answer that was none, "" for none.
    """

    answers: int
    seconds: float
    wrong: str

    @property
    def rate(self) -> float:
        """Give answers a second."""
        return self.answers / self.seconds


class _Connection:
    """One request at a time."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._read = b""

    def ask(self) -> None:
        """Send the request."""
        self.socket.sendall(self._request)

    def answer(self) -> bytes | None:
        """Give the whole answer, None while some of it is missing.

        Raises:
            ConnectionError: the server closed the connection.
        """
        part = self.socket.recv(READ)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._read += part
        head, found, body = self._read.partition(END_OF_HEAD)
        if not found or len(body) < _length(head):
            return None
        whole, self._read = self._read, b""
        return whole


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(LENGTH):
            return int(line[len(LENGTH) :])
    raise ConnectionError("an answer without Content-Length")


def run(port: int, path: str, headers: dict[str, str], connections: int, *, seconds: float) -> Load:
    """Ask 127.0.0.1 for the path on every connection, each again when it is answered."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    selector, answers, wrong = selectors.DefaultSelector(), 0, ""
    opened = [_Connection(("127.0.0.1", port), request) for _ in range(connections)]
    start = time.perf_counter()
    try:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask()
        while not wrong and time.perf_counter() - start < seconds:
            for key, _events in selector.select(1.0):
                answer = key.data.answer()
                if answer is None:
                    continue
                if b" 200 " not in answer[:16]:
                    wrong = answer[:300].decode("latin-1")
                    break
                answers += 1
                key.data.ask()
        return Load(answers, time.perf_counter() - start, wrong)
    finally:
        for connection in opened:
            connection.socket.close()
        selector.close()
