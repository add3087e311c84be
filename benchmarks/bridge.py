"""MQTT to Kafka, acknowledged when Kafka has it: our bridge beside `mosquitto_sub | kcat`.

Real Mosquitto, real Kafka. Both drain the same backlog of QoS 1 telemetry, then both carry the
same paced stream (one message a write, 200 publishers in turn), then both are killed with -9 in
the middle of such a stream and started again: what the broker had acknowledged to publishers and
never reached Kafka is lost. Ours writes key, six headers and the identity of each message; the
pipe writes key and value alone. In turns, the median of the rounds counts.

    python benchmarks/bridge.py [--messages 60000] [--rate 5000] [--seconds 6] [--rounds 3]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.cimpl import NewTopic

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.parts.kafka_load import (  # noqa: E402
    DEVICES,
    PARTITIONS,
    POLL_S,
    Fleet,
    Stand,
    cpu_s,
    kill,
    remember,
)
from muster_platform import bootstrap  # noqa: E402
from muster_platform.db import migrate  # noqa: E402
from muster_platform.settings import Settings  # noqa: E402
from muster_protocol.topics import ALL_UP  # noqa: E402
from tests.services import kafka, mosquitto  # noqa: E402
from tests.services.base import program  # noqa: E402

BACKLOG_GOAL, CPU_GOAL = 1.2, 1.2
HELD = 2
"""kcat writes a line only when the next begins, and two may be on their way through the pipe."""
OURS, PIPE = "_bridge", "_pipe"
TOPIC = {OURS: "muster.telemetry", PIPE: "pipe"}


@dataclass
class Measured:
    """One consumer's figures, one entry per round."""

    rates: list[float] = field(default_factory=list)
    backlog_us: list[float] = field(default_factory=list)
    paced_us: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)


# -- the consumers, in processes of their own ---------------------------------------


def consume(address: str, port: int, state: str) -> None:
    """Be our bridge until told to stop."""
    from muster_platform.stream.bridge import BridgeRole

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings(
        state_dir=Path(state),
        database_url=f"sqlite:///{state}/muster.db",
        broker_port=port,
        kafka_brokers=(address,),
        kafka_compression="none",
        ingest_lease_s=2,
    )
    BridgeRole(bootstrap.build(settings)).run(stop)


def command(client_id: str, address: str, port: int, state: str) -> list[str]:
    if client_id == OURS:
        return [sys.executable, __file__, "--consume", address, str(port), state]
    listen = [program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(port), "-i", PIPE]
    listen += ["-V", "mqttv311", "-c", "-q", "1", "-t", ALL_UP, "-F", r"%t\t%p"]
    write = [program("kcat"), "-q", "-P", "-b", address, "-t", TOPIC[PIPE], "-K", r"\t"]
    write += ["-X", "acks=all", "-X", "enable.idempotence=true"]
    return ["/bin/sh", "-c", f"{shlex.join(listen)} | {shlex.join(write)}"]


@contextmanager
def consumer(client_id: str, address: str, port: int, state: str) -> Iterator[int]:
    """Run one; give its process group."""
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command(client_id, address, port, state), env=env, start_new_session=True
    )
    try:
        yield process.pid
    finally:
        kill(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            kill(process.pid, signal.SIGKILL)
            process.wait()


# -- measuring ----------------------------------------------------------------------


def backlog(client_id: str, figures: Measured, place: "Place", messages: int) -> None:
    remember(place.port, client_id)
    fleet = Fleet(place.port)
    before = place.stand.count()
    sent = fleet.publish(messages)
    fleet.close()
    with consumer(client_id, place.address, place.port, place.state) as group:
        while (first := place.stand.count()) == before:
            time.sleep(POLL_S / 5)
        began, cpu = time.monotonic(), cpu_s(group)
        last = place.stand.wait(before + sent - HELD)
        ended = time.monotonic()
        used = cpu_s(group) - cpu
    if last < before + sent - HELD:
        raise SystemExit(f"{client_id}: {last - before} of {sent} reached Kafka")
    figures.rates.append((last - first) / (ended - began))
    figures.backlog_us.append(1e6 * used / max(1, last - first))


def paced(client_id: str, figures: Measured, place: "Place", given: argparse.Namespace) -> None:
    remember(place.port, client_id)
    fleet = Fleet(place.port)
    with consumer(client_id, place.address, place.port, place.state) as group:
        before = place.stand.count()
        warm = fleet.publish(DEVICES)
        place.stand.wait(before + warm - HELD)
        cpu = cpu_s(group)
        sent = fleet.publish(int(given.rate * given.seconds), given.rate)
        place.stand.wait(before + warm + sent - HELD)
        figures.paced_us.append(1e6 * (cpu_s(group) - cpu) / sent)
    fleet.close()


def killed(client_id: str, figures: Measured, place: "Place", given: argparse.Namespace) -> None:
    remember(place.port, client_id)
    fleet = Fleet(place.port)
    half = int(given.rate * given.seconds / 2)
    sent: list[int] = []
    with consumer(client_id, place.address, place.port, place.state) as group:
        before = place.stand.count()
        place.stand.wait(before + fleet.publish(DEVICES) - HELD)
        stream = threading.Thread(target=lambda: sent.append(fleet.publish(2 * half, given.rate)))
        stream.start()
        place.stand.wait(before + DEVICES + half)
        kill(group, signal.SIGKILL)
    with consumer(client_id, place.address, place.port, place.state):
        stream.join()
        # What brings out a message that kcat holds; not counted below.
        last_turn = fleet.turn
        place.stand.wait(before + DEVICES + sent[0] + fleet.publish(DEVICES) - HELD)
        # A message that was written twice is counted above: wait until the rest has come as well.
        time.sleep(3)
    found = [one for one in place.stand.identities(fleet.boot) if one[1] <= last_turn]
    figures.lost.append(DEVICES + sent[0] - len(set(found)))
    figures.doubled.append(len(found) - len(set(found)))
    fleet.close()


@dataclass
class Place:
    """Where one consumer works."""

    address: str
    port: int
    state: str
    stand: Stand


def prepare(client_id: str, server: kafka.Kafka, state: Path) -> None:
    names = [TOPIC[PIPE]]
    if client_id == OURS:
        from muster_platform.stream.kafka.topics import TOPICS

        names = [topic.name for topic in TOPICS]
    admin = server.admin()
    made = admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    for future in made.values():
        future.result()
    url = f"sqlite:///{state}/muster.db"
    platform = bootstrap.build(Settings(state_dir=state, database_url=url))
    migrate.upgrade(platform.engine)
    platform.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--consume", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.consume:
        address, port, state = given.consume
        consume(address, int(port), state)
        return 0
    measured = {OURS: Measured(), PIPE: Measured()}
    with kafka.running() as server, ExitStack() as stack:
        folders = {c: stack.enter_context(tempfile.TemporaryDirectory()) for c in measured}
        for client_id in measured:
            prepare(client_id, server, Path(folders[client_id]))
        for _ in range(given.rounds):
            for client_id, figures in measured.items():
                for step in ("backlog", "paced", "killed"):
                    with mosquitto.running() as broker:
                        stand = Stand(server.address, TOPIC[client_id])
                        place = Place(server.address, broker.port, folders[client_id], stand)
                        if step == "backlog":
                            backlog(client_id, figures, place, given.messages)
                        elif step == "paced":
                            paced(client_id, figures, place, given)
                        else:
                            killed(client_id, figures, place, given)
                        stand.close()
    return report(measured)


def report(measured: dict[str, Measured]) -> int:
    heads = f"{'CPU us/msg':>12}{'paced us/msg':>14}{'lost at kill':>16}{'doubled':>16}"
    print(f"{'consumer':24}{'backlog msg/s':>15}{heads}")
    labels = {OURS: "muster bridge", PIPE: "mosquitto_sub | kcat"}
    middle = statistics.median
    for client_id, figures in measured.items():
        print(
            f"{labels[client_id]:24}{middle(figures.rates):>15,.0f}"
            f"{middle(figures.backlog_us):>12.1f}{middle(figures.paced_us):>14.1f}"
            f"{figures.lost!s:>16}{figures.doubled!s:>16}"
        )
    ours, pipe = measured[OURS], measured[PIPE]
    ratios = {
        "backlog": round(middle(ours.rates) / middle(pipe.rates), 2),
        "paced_cpu": round(middle(ours.paced_us) / middle(pipe.paced_us), 2),
        "lost": sum(ours.lost),
    }
    goals = {"backlog": BACKLOG_GOAL, "paced_cpu": CPU_GOAL, "lost": 0}
    kept = ratios["backlog"] >= BACKLOG_GOAL, ratios["paced_cpu"] <= CPU_GOAL, not ratios["lost"]
    ok = all(kept)
    print(json.dumps({"name": "bridge", "ratios": ratios, "goals": goals, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
