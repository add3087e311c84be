"""MQTT to PostgreSQL, acknowledged after commit: our ingest beside paho with execute_values.

Real Mosquitto, real PostgreSQL with commits forced to disk. Both drain the same backlog of QoS 1
telemetry (one message from each device in turn, two values each) into the same table with its
index; ours keeps the ledger, the newest values and the devices' presence as well, the peer only
inserts, 1,000 messages a transaction. In turns, the median of the rounds counts. What was sent
must be what is stored: no message lost, and with the ledger none doubled.

    python benchmarks/ingest.py [--messages 60000] [--devices 200] [--rounds 3]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as paho
import psycopg2
from psycopg2.extras import execute_values

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from muster_broker.receiver import codec  # noqa: E402
from muster_platform import bootstrap  # noqa: E402
from muster_platform.access.actor import system_actor  # noqa: E402
from muster_platform.db import migrate  # noqa: E402
from muster_platform.devices.models import Device, Presence, Profile  # noqa: E402
from muster_platform.settings import Settings  # noqa: E402
from muster_protocol.topics import ALL_UP  # noqa: E402
from tests.services import mosquitto, postgresql  # noqa: E402

GOAL = 3.0
BATCH = 1_000
VALUES = ("temperature", "battery")
LIMIT_S = 120.0
POLL_S = 0.1
QUIET_POLLS = 5


@dataclass
class Measured:
    """One consumer's figures, one entry per round."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    exact: bool = True


# -- the fleet ----------------------------------------------------------------------


def payload(boot: str, seq: int) -> bytes:
    values = {VALUES[0]: 20 + seq % 10 + 0.25, VALUES[1]: 0.87}
    point = {"ts": time.time_ns() // 1_000_000, "values": values}
    return json.dumps({"boot": boot, "seq": seq, "points": [point]}).encode()


def publish(port: int, devices: int, messages: int, boot: str) -> None:
    """Publish from every device in turn; return when the broker has acknowledged all."""
    peers = []
    for index in range(devices):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.sendall(
            codec.connect(name(index), username=None, password=None, keep_alive_s=600, clean=True)
        )
        peers.append(peer)
    for peer in peers:
        read(peer, 4)
    rounds = messages // devices
    for seq in range(1, rounds + 1):
        for index, peer in enumerate(peers):
            topic = f"muster/1/{name(index)}/up/telemetry"
            peer.sendall(
                codec.publish(topic, payload(boot, seq), qos=1, retain=False, packet_id=seq)
            )
    for peer in peers:
        read(peer, 4 * rounds)
        peer.close()


def read(peer: socket.socket, count: int) -> None:
    while count:
        chunk = peer.recv(count)
        if not chunk:
            raise SystemExit("the broker closed a publisher's connection")
        count -= len(chunk)


def name(index: int) -> str:
    return f"device-{index:05d}"


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


# -- the consumers, each in a process of its own ------------------------------------


def consume_ours(url: str, port: int, state: str) -> None:
    from muster_platform.stream.ingest import IngestRole

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings(state_dir=Path(state), database_url=url, broker_port=port)
    IngestRole(bootstrap.build(settings)).run(stop)


def consume_peer(url: str, port: int, _state: str) -> None:
    """Do what a careful programmer does with paho: batch, one insert, commit, acknowledge."""
    database = psycopg2.connect(url.replace("+psycopg2", ""))
    cursor = database.cursor()
    cursor.execute("SELECT device_id, id FROM devices")
    devices = dict(cursor.fetchall())
    cursor.execute("SELECT name, id FROM metrics")
    metrics = dict(cursor.fetchall())
    waiting: list[paho.MQTTMessage] = []

    def store() -> None:
        rows = [
            (devices[message.topic.split("/")[2]], metrics[key], point["ts"], value, None)
            for message in waiting
            for point in json.loads(message.payload)["points"]
            for key, value in point["values"].items()
        ]
        statement = "INSERT INTO telemetry (device_key, metric_id, ts, num, txt) VALUES %s"
        execute_values(cursor, statement, rows, page_size=2 * BATCH)
        database.commit()
        for message in waiting:
            client.ack(message.mid, message.qos)
        waiting.clear()

    def take(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        waiting.append(message)
        if len(waiting) >= BATCH:
            store()

    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, "_peer", clean_session=False, manual_ack=True
    )
    client.on_message = take
    client.connect("127.0.0.1", port, keepalive=600)
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]
    client.subscribe(ALL_UP, 1)
    quiet_since = time.monotonic()
    while True:
        before = len(waiting)
        client.loop(0.05)
        if len(waiting) != before:
            quiet_since = time.monotonic()
        elif waiting and time.monotonic() - quiet_since > 0.05:
            store()


CONSUMERS = {"_ingest": consume_ours, "_peer": consume_peer}


@contextmanager
def consumer(client_id: str, url: str, port: int, state: str) -> Iterator[int]:
    command = [sys.executable, __file__, "--consume", client_id, url, str(port), state]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


# -- measuring ----------------------------------------------------------------------


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """Where a consumer stands: seconds, CPU of its process and of its database sessions, rows."""

    at_s: float
    cpu_s: float
    database_s: float
    rows: int


def sample(cursor: Any, pid: int) -> Sample:
    cursor.execute("SELECT count(*) FROM telemetry")
    rows = cursor.fetchone()[0]
    cursor.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    database_s = sum(cpu_s(backend) for (backend,) in cursor.fetchall())
    return Sample(time.monotonic(), cpu_s(pid), database_s, rows)


def drain(pid: int, url: str, rows: int) -> tuple[Sample, Sample]:
    """Watch a backlog go: how it stood when the first rows were there, and the last."""
    database = psycopg2.connect(url.replace("+psycopg2", ""))
    database.autocommit = True
    first, last, still = None, Sample(0, 0, 0, 0), 0
    deadline = time.monotonic() + LIMIT_S
    with database.cursor() as cursor:
        while time.monotonic() < deadline and still < QUIET_POLLS:
            now = sample(cursor, pid)
            first = first or (now if now.rows else None)
            still = still + 1 if now.rows == last.rows >= rows else 0
            last = now if now.rows != last.rows else last
            time.sleep(POLL_S)
    database.close()
    if first is None or last.rows == first.rows:
        raise SystemExit(f"only {last.rows} of {rows} rows were stored in {LIMIT_S:g} s")
    return first, last


def prepare(server: postgresql.Postgres, devices: int, state: Path) -> str:
    url = server.url(server.create())
    platform = bootstrap.build(Settings(state_dir=state, database_url=url))
    migrate.upgrade(platform.engine)
    with platform.unit(system_actor("benchmark")) as unit:
        profile = Profile(name="sensor", title="Sensor", created_at=1)
        for index in range(devices):
            device = Device(
                device_id=name(index),
                display_name=name(index),
                profile=profile,
                group_id=1,
                created_at=1,
            )
            device.presence = Presence(since=1)
            unit.session.add(device)
        for metric in VALUES:
            unit.session.connection().exec_driver_sql(
                "INSERT INTO metrics (name, kind) VALUES (%s, 'number')", (metric,)
            )
    platform.close()
    return url


def one_round(
    client_id: str, figures: Measured, server: postgresql.Postgres, given: argparse.Namespace
) -> None:
    with mosquitto.running() as broker, tempfile.TemporaryDirectory() as state:
        url = prepare(server, given.devices, Path(state))
        remember(broker.port, client_id)
        messages = given.messages // given.devices * given.devices
        publish(broker.port, given.devices, messages, f"boot-{time.time_ns()}")
        with consumer(client_id, url, broker.port, state) as pid:
            first, last = drain(pid, url, messages * len(VALUES))
    done = (last.rows - first.rows) / len(VALUES)
    figures.rates.append(done / (last.at_s - first.at_s))
    figures.cpu_us.append(1e6 * (last.cpu_s - first.cpu_s) / done)
    figures.database_us.append(1e6 * (last.database_s - first.database_s) / done)
    figures.exact &= last.rows == messages * len(VALUES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--consume", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.consume:
        client_id, url, port, state = given.consume
        CONSUMERS[client_id](url, int(port), state)
        return 0
    measured = {client_id: Measured() for client_id in CONSUMERS}
    with postgresql.running(durable=True) as server:
        for _ in range(given.rounds):
            for client_id, figures in measured.items():
                one_round(client_id, figures, server, given)
    print(
        f"{'consumer':28}{'messages/s':>12}{'CPU us/message':>16}{'in the database':>17}"
        f"{'sent = stored':>15}"
    )
    labels = {"_ingest": "muster ingest, ledger on", "_peer": "paho + execute_values"}
    for client_id, figures in measured.items():
        rate, cpu = statistics.median(figures.rates), statistics.median(figures.cpu_us)
        database = statistics.median(figures.database_us)
        exact = "yes" if figures.exact else "NO"
        print(f"{labels[client_id]:28}{rate:>12,.0f}{cpu:>16.1f}{database:>17.1f}{exact:>15}")
    rates = [statistics.median(figures.rates) for figures in measured.values()]
    ratio = round(rates[0] / rates[1], 2)
    ok = ratio >= GOAL and measured["_ingest"].exact
    result = {"name": "ingest", "ratios": {"over_paho": ratio}, "goals": {"over_paho": GOAL}}
    print(json.dumps({**result, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
