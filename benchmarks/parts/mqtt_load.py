"""The load of broker.py: raw MQTT clients that cost less than the brokers they measure."""

import os
import selectors
import socket
import struct
import sys
import time

HOST = "127.0.0.1"
PUBLISHERS = 20
WINDOW = 50
PAYLOAD = b'{"temperature": 21.5, "humidity": 48.25, "battery": 0.87, "door": false, "rssi": -67.0}'
LIMIT_S = 60.0


def text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()


def packet(first: int, body: bytes) -> bytes:
    length = len(body)
    if length < 128:
        return bytes((first, length)) + body
    return bytes((first, length & 127 | 128, length >> 7)) + body


def connect(port: int, client_id: str, topic_filter: str = "") -> socket.socket:
    """Connect, and subscribe at QoS 1 where a filter is given."""
    sock = socket.create_connection((HOST, port))
    sock.settimeout(LIMIT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = text("MQTT") + b"\x04\xc2\0\0" + text(client_id) + text(client_id) + text("pw")
    sock.sendall(packet(0x10, body))
    expect(sock, b"\x20\x02\0\0")
    if topic_filter:
        sock.sendall(packet(0x82, b"\0\1" + text(topic_filter) + b"\1"))
        expect(sock, b"\x90\x03\0\1\1")
    return sock


def expect(sock: socket.socket, answer: bytes) -> None:
    got = b""
    while len(got) < len(answer):
        chunk = sock.recv(len(answer) - len(got))
        if not chunk:
            break
        got += chunk
    if got != answer:
        sys.exit(f"expected {answer!r}, got {got!r}")


class Receiver:
    """Takes what comes, acknowledges it, counts it. All messages have one size."""

    def __init__(self, sock: socket.socket, message_bytes: int, id_at: int) -> None:
        self.sock = sock
        self.received = 0
        self._size = message_bytes
        self._id_at = id_at
        self._rest = b""

    def read(self) -> None:
        """Take what is there and acknowledge it in one write."""
        data = self._rest + self.sock.recv(262_144)
        count, size, at = len(data) // self._size, self._size, self._id_at
        acks = [b"\x40\x02" + data[n + at : n + at + 2] for n in range(0, count * size, size)]
        if acks:
            self.sock.sendall(b"".join(acks))
        self.received += count
        self._rest = data[count * size :]


class Publisher:
    """Keeps a window of messages under way, or sends one when told."""

    def __init__(self, sock: socket.socket, topic: str) -> None:
        self.sock = sock
        self.sent = 0
        self.acknowledged = 0
        self._ack_bytes = 0
        messages = [
            packet(0x32, text(topic) + struct.pack("!H", n) + PAYLOAD) for n in range(1, WINDOW + 1)
        ]
        self.one = messages[0]
        self.batch = b"".join(messages)

    def send_batch(self) -> None:
        """Send a whole window."""
        self.sock.sendall(self.batch)
        self.sent += WINDOW

    def send_one(self) -> None:
        """Send one message."""
        self.sock.sendall(self.one)
        self.sent += 1

    def read(self) -> None:
        """Count the acknowledgements that are there."""
        self._ack_bytes += len(self.sock.recv(65_536))
        self.acknowledged = self._ack_bytes // 4


class Load:
    """Publishers and the receiver, on one selector."""

    def __init__(self, port: int) -> None:
        self.publishers = []
        for _ in range(PUBLISHERS):
            # Fresh ids: amqtt lets an id that comes back at once wait for a second.
            device = f"bench-{os.urandom(4).hex()}"
            sock = connect(port, device)
            self.publishers.append(Publisher(sock, f"muster/1/{device}/up/telemetry"))
        size = len(self.publishers[0].one)
        self.receiver = Receiver(
            connect(port, "_watch", "muster/1/+/up/#"), size, size - len(PAYLOAD) - 2
        )
        self._selector = selectors.DefaultSelector()
        for one in (*self.publishers, self.receiver):
            self._selector.register(one.sock, selectors.EVENT_READ, one)

    def read(self, timeout_s: float) -> bool:
        """Let the clients read; says whether there was anything."""
        ready = self._selector.select(timeout_s)
        for key, _ in ready:
            key.data.read()
        return bool(ready)

    def finished(self) -> bool:
        """Say whether all that was sent is acknowledged and received."""
        sent = sum(p.sent for p in self.publishers)
        return sent == self.receiver.received and all(
            p.acknowledged == p.sent for p in self.publishers
        )

    def drain(self, name: str) -> None:
        """Wait until nothing is under way, or end the benchmark: messages are missing."""
        deadline = time.monotonic() + LIMIT_S
        while not self.finished():
            if not self.read(1.0) and time.monotonic() > deadline:
                sent = sum(p.sent for p in self.publishers)
                sys.exit(f"{name}: sent {sent}, received {self.receiver.received}")

    def close(self) -> int:
        """Disconnect all and give how many messages there were."""
        for one in (*self.publishers, self.receiver):
            one.sock.sendall(b"\xe0\0")
            one.sock.close()
        self._selector.close()
        return self.receiver.received
