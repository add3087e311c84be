"""Kafka (KRaft, one broker) from Maven Central; can be killed and started again.

Its jars lie in the git-ignored `.services/kafka`, brought by `make services`.
"""

import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.services.base import (
    HOST,
    StartError,
    folder,
    free_port,
    missing,
    program,
    spawn,
    stop,
    tail,
    wait_listening,
)

LIBS = Path(__file__).parents[2] / ".services" / "kafka" / "libs"
# Started often and for a short time: no second compiler, no log of each setting.
JAVA = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
START_LIMIT_S = 120.0
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""


class Kafka:
    """A broker.

    Attributes:
        address: host:port, the same after a restart.
    """

    def __init__(self, home: Path, java: str) -> None:
        self._home, self._java = home, java
        self._port = free_port()
        self._log = home / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"{HOST}:{self._port}"
        values = {"host": HOST, "port": self._port, "controller": free_port()}
        text = SETTINGS.format(data=home / "data", **values)
        (home / "server.properties").write_text(text)

    @property
    def pid(self) -> int:
        """Give the process id while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it on its port and data, and wait until it answers."""
        if not (self._home / "data").exists():
            self._format()
        command = self._command("kafka.Kafka", str(self._home / "server.properties"))
        self._process = spawn(command, self._log, cwd=self._home)
        wait_listening(self._process, self._port, self._log, START_LIMIT_S)
        self.admin().list_topics(timeout=START_LIMIT_S)

    def kill(self) -> None:
        """Kill it with -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Have it answer nobody, as a machine that hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            stop(self._process, signal.SIGKILL)

    def admin(self) -> AdminClient:
        """Give a client that looks after topics."""
        return AdminClient({"bootstrap.servers": self.address})

    def read_all(self, *topics: str) -> "list[tuple[str, bytes, bytes, dict[str, bytes]]]":
        """Give everything in some topics: (topic, key, value, headers), in order per partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": f"read-{uuid.uuid4()}",
                "enable.auto.commit": False,
            }
        )
        try:
            return [
                record
                for topic in topics
                for partition in consumer.list_topics(topic, timeout=30).topics[topic].partitions
                for record in _read(consumer, TopicPartition(topic, partition))
            ]
        finally:
            consumer.close()

    def _format(self) -> None:
        command = self._command("kafka.tools.StorageTool", "format", "-t", "MusterTestCluster00000")
        command += ["-c", str(self._home / "server.properties")]
        if spawn(command, self._log, cwd=self._home).wait(START_LIMIT_S):
            raise StartError(f"Kafka's storage cannot be made\n{tail(self._log)}")

    def _command(self, *arguments: str) -> list[str]:
        return [self._java, *JAVA, "-cp", f"{LIBS}/*", *arguments]


def _read(
    consumer: Consumer, place: TopicPartition
) -> "Iterator[tuple[str, bytes, bytes, dict[str, bytes]]]":
    first, end = consumer.get_watermark_offsets(place, timeout=30)
    if first == end:
        return
    place.offset = first
    consumer.assign([place])
    while True:
        # It waits until it has as many as it may give: no more than there are are asked for.
        for message in consumer.consume(min(1_000, end - place.offset), timeout=1):
            assert message.error() is None, message.error()
            headers = dict(message.headers() or [])
            yield message.topic(), message.key(), message.value(), headers
            place.offset = message.offset() + 1
        if place.offset >= end:
            return


@contextmanager
def running() -> Iterator[Kafka]:
    """Start a broker on a folder of its own."""
    java = program("java", how="make services")
    if not (LIBS.parent / "complete-4.1.0").exists():
        missing("Kafka", "make services")
    with folder("kafka") as home:
        broker = Kafka(home, java)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()
