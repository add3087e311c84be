"""How long a command takes to a device and its answer back.

First over bare MQTT: one publish to the device and its answer, QoS 1, through a real Mosquitto:
with everybody's default sockets, and with ours (TCP_NODELAY on both ends, `set_tcp_nodelay` in
Mosquitto, our receiver on the platform's side). With the defaults Nagle's algorithm waits for an
acknowledgement that the other side delays. In turns, the median of the rounds counts.

Then the whole way through the platform, reported, no goal: POST to the API, database, dispatch,
embedded broker, `muster agent run`, its answers, ingest, SUCCEEDED in the database.

    python benchmarks/roundtrip.py [--trips 60] [--rounds 3] [--commands 40]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import os
import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import urllib3
from paho.mqtt.enums import CallbackAPIVersion

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from muster_broker.receiver import Receiver, ReceiverOptions  # noqa: E402
from tests.services import mosquitto  # noqa: E402
from tests.services.base import free_port  # noqa: E402
from tests.services.muster import MusterProcess  # noqa: E402

GOAL = 1 / 20
DOWN, UP = "muster/1/bench/down/commands", "muster/1/bench/up/commands"
PAYLOAD = json.dumps({"action": "run", "execution": "0" * 36, "name": "ping"}).encode()
LIMIT_S = 30.0

Trip = Callable[[], None]


# -- bare MQTT ------------------------------------------------------------------------


def client(name: str, port: int, nodelay: bool, on_message: Any) -> paho.Client:
    """Connect a paho client whose network thread runs."""
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
    made.on_message = on_message
    made.connect("127.0.0.1", port)
    connection = made.socket()
    assert connection is not None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(nodelay))
    made.loop_start()
    return made


def subscribed(made: paho.Client, topic: str) -> None:
    done: queue.Queue[bool] = queue.Queue()
    made.on_subscribe = lambda *_: done.put(True)
    made.subscribe(topic, qos=1)
    done.get(timeout=LIMIT_S)


@contextmanager
def device(port: int, nodelay: bool) -> Iterator[None]:
    """Answer every command, QoS 1."""

    def answer(made: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        made.publish(UP, message.payload, qos=1)

    made = client("bench", port, nodelay, answer)
    subscribed(made, DOWN)
    yield
    made.disconnect()
    made.loop_stop()


@contextmanager
def default_platform(port: int) -> Iterator[Trip]:
    """Publish and wait with paho, as it comes."""
    answers: queue.Queue[bytes] = queue.Queue()
    made = client("platform", port, False, lambda _c, _d, message: answers.put(message.payload))
    subscribed(made, UP)

    def trip() -> None:
        made.publish(DOWN, PAYLOAD, qos=1)
        answers.get(timeout=LIMIT_S)

    yield trip
    made.disconnect()
    made.loop_stop()


@contextmanager
def our_platform(port: int) -> Iterator[Trip]:
    """Publish and wait with our receiver."""
    options = ReceiverOptions(
        host="127.0.0.1", port=port, client_id="_bench", subscriptions=((UP, 1),)
    )
    with Receiver(options) as receiver:
        receiver.connect()

        def trip() -> None:
            receiver.publish(DOWN, PAYLOAD, qos=1)
            deadline = time.monotonic() + LIMIT_S
            while not (batch := receiver.receive(1, 0.0, 1.0)):
                if time.monotonic() > deadline:
                    raise SystemExit("an answer did not come")
            receiver.ack(batch)

        yield trip


def measure(trip: Trip, trips: int) -> list[float]:
    """Give the milliseconds of each trip, after some that are not counted."""
    for _ in range(5):
        trip()
    times = []
    for _ in range(trips):
        start = time.perf_counter()
        trip()
        times.append(1000 * (time.perf_counter() - start))
        time.sleep(0.002)
    return times


def bare(trips: int, ours: bool) -> list[float]:
    lines = ("allow_anonymous true", f"set_tcp_nodelay {str(ours).lower()}")
    with mosquitto.running(lines) as broker, device(broker.port, ours):
        platform = our_platform if ours else default_platform
        with platform(broker.port) as trip:
            return measure(trip, trips)


# -- the whole way --------------------------------------------------------------------


def through_the_platform(commands: int) -> dict[str, list[float]]:
    """Send commands one after the other; give the milliseconds of each part of their way."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ports = {name: free_port() for name in ("WEB", "LIVE", "BROKER", "BROKER_WS")}
        env = {f"MUSTER_{name}_PORT": str(port) for name, port in ports.items()}
        env["MUSTER_STATE_DIR"] = str(home / "up")
        up = MusterProcess(("up",), home / "up.log", env)
        agent = None
        try:
            up.wait_for("Muster is up", 90.0)
            password = up.wait_for(r"password\s+(\S+)").group(1)
            url = f"http://127.0.0.1:{ports['WEB']}"
            run = muster(env)
            run("profile", "create", "bench")
            token = run("token", "create", "bench", "--profile", "bench", "--mode", "allow_new")
            state = ("--state", str(home / "agent"))
            enrol = ("--server", url, "--token", token["token"], "--device-id", "bench")
            run("agent", "enrol", *enrol, *state, plain=True)
            agent = MusterProcess(("agent", "run", *state), home / "agent.log", env)
            return send(url, password, commands)
        finally:
            for process in (agent, up):
                if process is not None:
                    process.terminate()
                    process.reap()


def muster(env: dict[str, str]) -> Callable[..., Any]:
    def run(*arguments: str, plain: bool = False) -> Any:
        command = [sys.executable, "-m", "muster_agent", *arguments]
        done = subprocess.run(
            command if plain else [*command, "--json"],
            env=os.environ | env,
            check=True,
            capture_output=True,
            text=True,
        )
        return None if plain else json.loads(done.stdout)

    return run


def send(url: str, password: str, commands: int) -> dict[str, list[float]]:
    http = urllib3.PoolManager()
    sign_in = {"email": "admin@muster.local", "password": password}
    signed = http.request("POST", f"{url}/api/v1/auth/sign-in", json=sign_in).json()
    headers = {"Authorization": f"Bearer {signed['access_token']}"}

    def ask(method: str, path: str, **more: Any) -> Any:
        answer = http.request(method, f"{url}/api/v1{path}", headers=headers, **more)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.data!r}")
        return answer.json()

    until(lambda: ask("GET", "/devices/bench")["presence"]["state"] == "ONLINE")
    found: dict[str, list[float]] = {"to SENT": [], "to DELIVERED": [], "to SUCCEEDED": []}
    for _ in range(commands):
        job = ask("POST", "/devices/bench/commands", json={"name": "ping"})["id"]
        row = until(lambda job=job: ended(ask("GET", f"/jobs/{job}/executions")["items"][0]))
        for leg, column in zip(found, ("sent_at", "delivered_at", "ended_at"), strict=True):
            found[leg].append(row[column] - row["queued_at"])
    return found


def ended(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["ended_at"] is None:
        return None
    if row["state"] != "SUCCEEDED":
        raise SystemExit(f"a command ended as {row['state']}")
    return row


def until(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while not (found := ask()):
        if time.monotonic() > deadline:
            raise SystemExit("it never happened")
        time.sleep(0.05)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--trips", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commands", type=int, default=40)
    given = parser.parse_args()
    rounds: dict[bool, list[float]] = {False: [], True: []}
    worst: dict[bool, float] = {False: 0.0, True: 0.0}
    for _ in range(given.rounds):
        for ours, medians in rounds.items():
            times = bare(given.trips, ours)
            medians.append(statistics.median(times))
            worst[ours] = max(worst[ours], max(times))
    print(f"{'bare MQTT over Mosquitto':32}{'p50 ms':>10}{'worst ms':>10}")
    for ours, label in ((False, "default sockets"), (True, "TCP_NODELAY, our receiver")):
        print(f"{label:32}{statistics.median(rounds[ours]):>10.2f}{worst[ours]:>10.1f}")
    default, tuned = (statistics.median(rounds[ours]) for ours in (False, True))
    legs = through_the_platform(given.commands)
    print(f"\n{'the whole way, from QUEUED':32}{'p50 ms':>10}{'p95 ms':>10}")
    for leg, times in legs.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{leg:32}{statistics.median(times):>10.0f}{p95:>10.0f}")
    ratio = round(tuned / default, 4)
    whole = round(statistics.median(legs["to SUCCEEDED"]) / default, 2)
    result = {"name": "roundtrip", "ratios": {"p50_over_default": ratio, "whole_way": whole}}
    ok = ratio <= GOAL
    print(json.dumps({**result, "goals": {"p50_over_default": GOAL}, "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
