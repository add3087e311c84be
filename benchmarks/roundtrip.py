"""A command's round trip over Mosquitto: sockets told to be quick, beside the defaults.

The platform's side publishes a command at QoS 1, a device answers with a report at QoS 1, the
platform's side receives it. Once as everything comes by default (Mosquitto without
set_tcp_nodelay, paho's own sockets on both sides), once as Muster runs it (set_tcp_nodelay true,
the platform's receiver, and a device that sets TCP_NODELAY). In turns, all round trips count.

Then, reported without a goal, the whole way through the platform: a person's command is stored by
the service, found by dispatch, published, answered by the device, and applied by ingest, until
the database says SUCCEEDED (PostgreSQL with commits forced to disk, Valkey for the wake-up).

    python benchmarks/roundtrip.py [--trips 60] [--rounds 3]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import queue
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import select  # noqa: E402

from muster_broker.receiver import Receiver, ReceiverOptions  # noqa: E402
from muster_platform import bootstrap, config  # noqa: E402
from muster_platform.access.actor import system_actor  # noqa: E402
from muster_platform.db import migrate  # noqa: E402
from muster_platform.devices.profiles import ProfileService  # noqa: E402
from muster_platform.devices.service import DeviceService  # noqa: E402
from muster_platform.jobs.models import Execution  # noqa: E402
from muster_platform.jobs.service import JobService  # noqa: E402
from muster_protocol.channels import DOWN, UP  # noqa: E402
from muster_protocol.codec import decode_as, encode  # noqa: E402
from muster_protocol.ids import uuid7  # noqa: E402
from muster_protocol.messages import Action, Command, Report  # noqa: E402
from muster_protocol.states import ExecutionState  # noqa: E402
from muster_protocol.topics import ALL_UP, down, up  # noqa: E402
from tests.services import base, postgresql, valkey  # noqa: E402
from tests.services.muster import MusterProcess  # noqa: E402

GOAL = 1 / 20
DEVICE = "device-1"
LIMIT_S = 10.0
Trip = Callable[[], float]


@contextmanager
def mosquitto(lines: list[str]) -> Iterator[int]:
    """Start Mosquitto with nothing but a listener and these lines; give its port."""
    with base.folder("roundtrip") as home:
        port, conf = base.free_port(), home / "mosquitto.conf"
        head = [f"listener {port} {base.HOST}", "allow_anonymous true", "user root"]
        conf.write_text("\n".join([*head, *lines, ""]))
        process = base.spawn([base.program("mosquitto"), "-c", str(conf)], home / "log")
        try:
            base.wait_listening(process, port, home / "log")
            yield port
        finally:
            base.stop(process)


@contextmanager
def client(
    port: int, name: str, quick: bool, topic: str, take: paho.CallbackOnMessage
) -> Iterator[paho.Client]:
    """Run a paho client in its own thread, subscribed to one filter."""
    ready = threading.Event()
    made = paho.Client(paho.CallbackAPIVersion.VERSION2, name)
    made.on_message = take
    made.on_subscribe = lambda *_: ready.set()
    if quick:
        made.on_socket_open = lambda _client, _data, opened: opened.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
    made.connect(base.HOST, port)
    made.loop_start()
    made.subscribe(topic, 1)
    if not ready.wait(LIMIT_S):
        raise SystemExit(f"{name} is not subscribed after {LIMIT_S:g} s")
    try:
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


@contextmanager
def device(port: int, *, quick: bool) -> Iterator[None]:
    """Run a device that answers every command with SUCCEEDED."""

    def answer(me: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        command = decode_as(Command, DOWN, "commands", message.payload)
        report = Report(execution=command.execution, state=ExecutionState.SUCCEEDED)
        me.publish(up(DEVICE, "commands"), encode(report), qos=1)

    with client(port, DEVICE, quick, down(DEVICE, "commands"), answer):
        yield


def command() -> tuple[str, bytes]:
    made = Command(action=Action.RUN, execution=uuid7(), name="ping")
    return made.execution, encode(made)


def answered(payload: bytes) -> str:
    return decode_as(Report, UP, "commands", payload).execution


@contextmanager
def by_default() -> Iterator[Trip]:
    """Everything as it comes."""
    answers: queue.Queue[bytes] = queue.Queue()

    def take(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        answers.put(message.payload)

    with (
        mosquitto([]) as port,
        device(port, quick=False),
        client(port, "_platform", False, ALL_UP, take) as platform,
    ):

        def trip() -> float:
            execution, payload = command()
            begun = time.perf_counter()
            platform.publish(down(DEVICE, "commands"), payload, qos=1)
            while answered(answers.get(timeout=LIMIT_S)) != execution:
                pass
            return time.perf_counter() - begun

        yield trip


@contextmanager
def as_muster() -> Iterator[Trip]:
    """Mosquitto as configured by us, our receiver, a device with TCP_NODELAY."""
    with mosquitto(["set_tcp_nodelay true"]) as port, device(port, quick=True):
        options = ReceiverOptions(
            base.HOST, "_platform", port=port, subscriptions=((ALL_UP, 1),), persistent=False
        )
        with Receiver(options) as receiver:
            receiver.connect()

            def trip() -> float:
                execution, payload = command()
                begun = time.perf_counter()
                receiver.publish(down(DEVICE, "commands"), payload)
                receiver.flush()
                while True:
                    batch = receiver.receive(100, window_s=0.0, timeout_s=LIMIT_S)
                    receiver.ack(batch)
                    if any(answered(message.payload) == execution for message in batch):
                        return time.perf_counter() - begun
                    if time.perf_counter() - begun > LIMIT_S:
                        raise SystemExit(f"no answer; {receiver.problem}")

            yield trip


@contextmanager
def through_the_platform() -> Iterator[Trip]:
    """The service, dispatch, the broker, a device, ingest, the database."""
    with (
        mosquitto(["set_tcp_nodelay true"]) as port,
        postgresql.running(durable=True) as database,
        valkey.running() as redis,
        base.folder("whole-way") as home,
    ):
        settings = config.load(
            environ={},
            state_dir=home,
            database_url=database.url(database.create()),
            redis_url=redis.url,
            broker_port=port,
        )
        platform, admin = bootstrap.build(settings), system_actor("benchmark")
        migrate.upgrade(platform.engine)
        with platform.unit(admin) as unit:
            ProfileService(unit).create("sensor", "Sensor")
            DeviceService(unit).register(DEVICE, "sensor")
        roles = MusterProcess(
            ("run", "ingest", "dispatch"), home / "roles.log", config.environment(settings)
        )

        def trip() -> float:
            begun = time.perf_counter()
            with platform.unit(admin) as unit:
                job = JobService(unit).create_command("ping", target={"devices": [DEVICE]})
            wanted = select(Execution.state).where(Execution.job_id == job.id)
            while time.perf_counter() - begun < LIMIT_S:
                with platform.unit(admin, write=False) as unit:
                    if unit.session.scalars(wanted).one() == ExecutionState.SUCCEEDED:
                        return time.perf_counter() - begun
                time.sleep(0.001)
            raise SystemExit(f"no end of a command after {LIMIT_S:g} s\n{roles.output()}")

        try:
            roles.wait_for("connected to mqtt")
            with device(port, quick=True):
                yield trip
        finally:
            roles.reap()
            platform.close()


WAYS = {"defaults": by_default, "muster": as_muster}


def main() -> int:
    parser = argparse.ArgumentParser(description="A command's round trip over Mosquitto.")
    parser.add_argument("--trips", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(given.rounds):
        for name, way in WAYS.items():
            with way() as trip:
                for _ in range(3):
                    trip()
                times[name] += [trip() for _ in range(given.trips)]
    with through_the_platform() as trip:
        for _ in range(3):
            trip()
        times["whole way"] = [trip() for _ in range(given.trips)]
    print(f"{'way':12}{'p50 ms':>10}{'p95 ms':>10}{'trips':>8}")
    for name, found in times.items():
        p95 = statistics.quantiles(found, n=20)[-1]
        print(f"{name:12}{1e3 * statistics.median(found):>10.2f}{1e3 * p95:>10.2f}{len(found):>8}")
    ratio = statistics.median(times["muster"]) / statistics.median(times["defaults"])
    ok = ratio <= GOAL
    result = {
        "name": "roundtrip",
        "ratios": {"p50_over_defaults": round(ratio, 4)},
        "reported": {"whole_way_p50_ms": round(1e3 * statistics.median(times["whole way"]), 1)},
        "goals": {"p50_over_defaults": GOAL},
        "ok": ok,
    }
    print(json.dumps(result))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
