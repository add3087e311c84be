"""An MQTT client that does exactly what the test says, byte by byte."""

import os
import socket
import struct
from typing import NamedTuple

LIMIT_S = 10.0


class Closed(Exception):
    """The broker closed the connection."""


class Packet(NamedTuple):
    kind: int
    flags: int
    body: bytes

    @property
    def topic(self) -> str:
        return self.body[2 : 2 + int.from_bytes(self.body[:2], "big")].decode()

    @property
    def packet_id(self) -> int:
        at = 2 + int.from_bytes(self.body[:2], "big") if self.kind == 3 else 0
        return int.from_bytes(self.body[at : at + 2], "big")

    @property
    def payload(self) -> bytes:
        at = 2 + int.from_bytes(self.body[:2], "big")
        return self.body[at + (2 if self.flags & 6 else 0) :]

    @property
    def dup(self) -> bool:
        return bool(self.flags & 8)

    @property
    def retain(self) -> bool:
        return bool(self.flags & 1)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def remaining_length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, low = divmod(length, 128)
        out.append(low | (128 if length else 0))
        if not length:
            return bytes(out)


def packet(first: int, body: bytes = b"") -> bytes:
    return bytes([first]) + remaining_length(len(body)) + body


def connect_packet(
    client_id: str,
    password: str | None = "pw",
    *,
    username: str | None = "",
    clean: bool = True,
    keep_alive_s: int = 60,
    will: tuple[str, bytes, int, bool] | None = None,
    level: int = 4,
    name: str = "MQTT",
) -> bytes:
    username = client_id if username == "" else username
    flags = 2 if clean else 0
    tail = text(client_id)
    if level == 5:
        tail = b"\0" + tail
    if will is not None:
        topic, payload, qos, retain = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        tail += text(topic) + text(payload)
    if username is not None:
        flags |= 128
        tail += text(username)
    if password is not None:
        flags |= 64
        tail += text(password)
    return packet(0x10, text(name) + bytes([level, flags]) + struct.pack("!H", keep_alive_s) + tail)


def publish_packet(
    topic: str | bytes,
    payload: bytes = b"x",
    *,
    qos: int = 1,
    retain: bool = False,
    packet_id: int = 1,
    dup: bool = False,
) -> bytes:
    first = 0x30 | dup << 3 | qos << 1 | retain
    middle = struct.pack("!H", packet_id) if qos else b""
    return packet(first, text(topic) + middle + payload)


def subscribe_packet(*filters: str, qos: int = 1, packet_id: int = 1) -> bytes:
    body = struct.pack("!H", packet_id)
    return packet(0x82, body + b"".join(text(f) + bytes([qos]) for f in filters))


class RawClient:
    def __init__(self, port: int, receive_buffer_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(LIMIT_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        try:
            self.socket.sendall(b"".join(packets))
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def _fill(self, count: int) -> None:
        while len(self._data) < count:
            try:
                chunk = self.socket.recv(65_536)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise Closed
            self._data += chunk

    def receive(self) -> Packet:
        """Give the next packet.

        Raises:
            Closed: the broker closed; TimeoutError: nothing came in LIMIT_S.
        """
        at, length, shift = 1, 0, 0
        while True:
            self._fill(at + 1)
            byte = self._data[at]
            at, length, shift = at + 1, length | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        self._fill(at + length)
        first, body = self._data[0], self._data[at : at + length]
        self._data = self._data[at + length :]
        return Packet(first >> 4, first & 15, body)

    def expect(self, kind: int) -> Packet:
        found = self.receive()
        assert found.kind == kind, found
        return found

    def connect(self, client_id: str, password: str | None = "pw", **options: object) -> bool:
        """Connect and say whether the broker had a session.

        Raises:
            AssertionError: it refused.
        """
        answer = self.try_connect(client_id, password, **options)
        assert answer[1] == 0, f"CONNACK {answer[1]}"
        return bool(answer[0])

    def try_connect(self, client_id: str, password: str | None = "pw", **options: object) -> bytes:
        self.send(connect_packet(client_id, password, **options))  # type: ignore[arg-type]
        return self.expect(2).body

    def subscribe(self, *filters: str, qos: int = 1) -> list[int]:
        self.send(subscribe_packet(*filters, qos=qos))
        return list(self.expect(9).body[2:])

    def publish(self, topic: str, payload: bytes = b"x", **options: object) -> None:
        """Publish at QoS 1 and wait for PUBACK."""
        self.send(publish_packet(topic, payload, **options))  # type: ignore[arg-type]
        self.expect(4)

    def ping(self) -> None:
        """Go to the broker and back: what was sent before has been worked off."""
        self.send(b"\xc0\0")
        self.expect(13)

    def pending(self) -> list[Packet]:
        """Give all that has come, up to the answer to a ping."""
        self.send(b"\xc0\0")
        found = []
        while (got := self.receive()).kind != 13:
            found.append(got)
        return found

    def acknowledge(self, packet_id: int) -> None:
        self.send(b"\x40\x02" + struct.pack("!H", packet_id))

    def disconnect(self) -> None:
        self.send(b"\xe0\0")
        self.closed()

    def closed(self) -> list[Packet]:
        """Wait until the broker closes; give what it sent before."""
        found = []
        while True:
            try:
                found.append(self.receive())
            except Closed:
                return found


def fresh(prefix: str = "any") -> str:
    """Give a device id that no other test uses."""
    return f"{prefix}-{os.urandom(6).hex()}"
