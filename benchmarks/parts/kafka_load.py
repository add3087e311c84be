"""What measures the way to Kafka: publishers, a persistent session, and a look at the topics."""

import json
import os
import signal
import socket
import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from muster_broker.receiver import codec
from muster_protocol.topics import ALL_UP

DEVICES = 200
PARTITIONS = 4
POLL_S = 0.05


class Fleet:
    """Publishers that are connected; what they sent is told apart by `boot` and `seq`."""

    def __init__(self, port: int) -> None:
        self.boot = f"boot-{time.time_ns()}"
        self.turn = 0
        self._peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(DEVICES)]
        for index, peer in enumerate(self._peers):
            peer.sendall(
                codec.connect(
                    f"device-{index:05d}",
                    username=None,
                    password=None,
                    keep_alive_s=600,
                    clean=True,
                )
            )
            read(peer, 4)

    def publish(self, messages: int, rate: float = 0.0) -> int:
        """Publish from each in turn; give how many, when the broker has acknowledged all.

        Args:
            rate: messages a second; 0: as fast as it goes.
        """
        rounds = messages // DEVICES
        began = time.monotonic()
        for turn in range(rounds):
            self.turn += 1
            for index, peer in enumerate(self._peers):
                peer.sendall(self._packet(index))
            if rate and (early := began + (turn + 1) * DEVICES / rate - time.monotonic()) > 0:
                time.sleep(early)
        for peer in self._peers:
            read(peer, 4 * rounds)
        return rounds * DEVICES

    def close(self) -> None:
        """Leave the broker."""
        for peer in self._peers:
            peer.close()

    def _packet(self, index: int) -> bytes:
        point = {"ts": time.time_ns() // 1_000_000, "values": {"temperature": 21.5, "level": 0.87}}
        body = {"boot": f"{self.boot}-{index}", "seq": self.turn, "points": [point]}
        return codec.publish(
            f"muster/1/device-{index:05d}/up/telemetry",
            json.dumps(body).encode(),
            qos=1,
            retain=False,
            packet_id=self.turn % 65_535 + 1,
        )


def read(peer: socket.socket, count: int) -> None:
    while count:
        chunk = peer.recv(count)
        if not chunk:
            raise SystemExit("the broker closed a publisher's connection")
        count -= len(chunk)


def remember(port: int, client_id: str) -> None:
    """Make the broker queue for a consumer that is not there yet."""
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(
        codec.connect(client_id, username=None, password=None, keep_alive_s=60, clean=False)
    )
    read(peer, 4)
    peer.sendall(codec.subscribe(1, [(ALL_UP, 1)]))
    read(peer, 5)
    peer.sendall(codec.DISCONNECT)
    peer.close()


def kill(group: int, how: signal.Signals) -> None:
    try:
        os.killpg(group, how)
    except ProcessLookupError:
        return


def cpu_s(group: int) -> float:
    """Sum the CPU seconds of all processes of a group."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Stand:
    """Reads how much is in a topic, and what."""

    def __init__(self, address: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": address, "group.id": "stand"})
        self._places = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def count(self) -> int:
        """Count the records."""
        return sum(self._consumer.get_watermark_offsets(p, 10)[1] for p in self._places)

    def wait(self, count: int) -> int:
        """Wait until there are so many, or no more come for five seconds."""
        best, moved_at = self.count(), time.monotonic()
        while best < count and time.monotonic() < moved_at + 5:
            time.sleep(POLL_S)
            now = self.count()
            if now != best:
                best, moved_at = now, time.monotonic()
        return best

    def identities(self, boot: str) -> list[tuple[str, int]]:
        """Give boot and seq of each record of a fleet."""
        found = []
        for place in self._places:
            first, end = self._consumer.get_watermark_offsets(place, 10)
            if first == end:
                continue
            self._consumer.assign([TopicPartition(place.topic, place.partition, first)])
            at = first
            while at < end:
                for message in self._consumer.consume(10_000, 1.0):
                    at = (message.offset() or 0) + 1
                    body = json.loads(message.value() or b"{}")
                    if str(body.get("boot", "")).startswith(boot):
                        found.append((body["boot"], body["seq"]))
        return found

    def close(self) -> None:
        """End it."""
        self._consumer.close()
