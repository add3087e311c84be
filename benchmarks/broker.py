"""QoS 1 through three brokers: ours, amqtt as it ships, Debian's Mosquitto.

Twenty devices publish, a client of the platform takes all of it, with nobody else there and
beside 1,000 idle devices that have subscribed to their commands. Backlog: each device keeps
50 messages under way. Paced: one message a write, 500 a second in all. Each broker runs twice,
alone and beside the idle ones; all share one core, one works at a time, and the load has the other
core. The median of the rounds counts. Every message that was sent must have been acknowledged and
received.

    python benchmarks/broker.py [--seconds 2] [--rounds 3] [--idle 1000]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.parts.mqtt_load import HOST, LIMIT_S, PUBLISHERS, Load, connect
from muster_broker.accounts.files import set_secret

PACED_PER_S = 500
GOALS = {"idle_over_none": 0.8, "idle_over_amqtt": 4.0}

AMQTT = """
import asyncio, logging, sys
from amqtt.broker import Broker
logging.disable(logging.CRITICAL)
async def main():
    broker = Broker({
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{sys.argv[1]}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    })
    await broker.start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


@dataclass
class Server:
    """A running broker and what was measured."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    idle: list[socket.socket] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    paced_us: float = 0.0
    connects_per_s: float = 0.0
    connection_kb: float = 0.0

    def memory_kb(self) -> float:
        """Give the memory it holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1024

    def cpu_s(self) -> float:
        """Give the CPU time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- brokers --------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class AllowAll(BaseHTTPRequestHandler):
    """The platform's side of the contract: everybody may connect."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # noqa: D102
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"allow": true, "cache_s": 60, "refused": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:  # noqa: D102
        pass


def command(name: str, folder: Path, platform_url: str, port: int) -> list[str]:
    """Give the command line of a broker; its files go into the folder."""
    if name == "amqtt":
        return [sys.executable, "-c", AMQTT, str(port)]
    if name == "mosquitto":
        binary = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        if binary is None:
            sys.exit("Mosquitto is not installed; get it with: make services")
        conf = folder / f"mosquitto-{port}.conf"
        conf.write_text(
            f"listener {port} {HOST}\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_queued_messages 0\nmax_inflight_messages 0\nuser root\n"
        )
        return [binary, "-c", str(conf)]
    accounts = folder / "accounts"
    set_secret(accounts, "_watch", "pw")
    return [
        *(str(Path(sys.executable).with_name("muster")), "broker", "--port", str(port)),
        *("--accounts-file", str(accounts), "--platform-url", platform_url),
        *("--broker-token", "t", "--log-level", "ERROR"),
    ]


@contextmanager
def running(name: str, folder: Path, platform_url: str, core: int) -> Iterator[Server]:
    port = free_port()
    arguments = command(name, folder, platform_url, port)
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    server = Server(name, port, process)
    try:
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                socket.create_connection((HOST, port)).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    sys.exit(f"{name} does not listen on port {port}: {arguments}")
                time.sleep(0.05)
        yield server
    finally:
        for sock in server.idle:
            sock.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# -- measuring ------------------------------------------------------------------


def backlog(server: Server, seconds: float) -> tuple[float, float]:
    """Give messages a second and the broker's CPU in microseconds a message."""
    load = Load(server.port)
    cpu_s, began = server.cpu_s(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        for publisher in load.publishers:
            if publisher.acknowledged == publisher.sent:
                publisher.send_batch()
        load.read(0.01)
    load.drain(server.name)
    elapsed_s, cpu_s = time.perf_counter() - began, server.cpu_s() - cpu_s
    count = load.close()
    return count / elapsed_s, cpu_s / count * 1e6


def paced(server: Server, seconds: float) -> float:
    """Give the broker's CPU in microseconds a message when messages come one by one."""
    load = Load(server.port)
    cpu_s, began, total = server.cpu_s(), time.perf_counter(), int(seconds * PACED_PER_S)
    for number in range(total):
        while (left_s := began + number / PACED_PER_S - time.perf_counter()) > 0:
            load.read(left_s)
        load.publishers[number % PUBLISHERS].send_one()
    load.drain(server.name)
    cpu_s = server.cpu_s() - cpu_s
    return cpu_s / load.close() * 1e6


def add_idle(server: Server, count: int) -> None:
    """Connect devices that subscribe to their commands and say nothing more."""
    began, before_kb = time.perf_counter(), server.memory_kb()
    for number in range(count):
        topic_filter = f"muster/1/idle-{number}/down/#"
        server.idle.append(connect(server.port, f"idle-{number}", topic_filter))
    server.connects_per_s = count / (time.perf_counter() - began)
    server.connection_kb = (server.memory_kb() - before_kb) / count


# -- the run --------------------------------------------------------------------


def measure(pairs: list[tuple[Server, Server]], seconds: float, rounds: int) -> None:
    """Measure all in turns, the two of a pair right after each other.

    A shared machine is now quicker, now slower; within a pair that hits both sides.
    """
    for number in range(rounds):
        for pair in pairs:
            for server in pair if number % 2 else reversed(pair):
                rate, cpu_us = backlog(server, seconds)
                server.rates.append(rate)
                server.cpu_us.append(cpu_us)
    for pair in pairs:
        for server in pair:
            server.paced_us = paced(server, seconds * 2)


def ratio(upper: Server, lower: Server) -> float:
    """Give the median of the rounds' own ratios."""
    return statistics.median(u / w for u, w in zip(upper.rates, lower.rates, strict=True))


def report(pairs: list[tuple[Server, Server]], idle: int) -> bool:
    """Print the table and the closing line; say whether the goals are met."""
    print(f"{'':10} {'alone':^26} {f'beside {idle} idle devices':^26}")
    print(f"{'broker':10}" + 2 * f"{'msg/s':>10}{'us/msg':>8}{'paced':>8} ", end="")
    print(f"{'connects/s':>11}{'kB each':>8}")
    for pair in pairs:
        print(f"{pair[0].name:10}", end="")
        for s in pair:
            rate, cpu_us = statistics.median(s.rates), statistics.median(s.cpu_us)
            print(f"{rate:10,.0f}{cpu_us:8.1f}{s.paced_us:8.0f} ", end="")
        print(f"{pair[1].connects_per_s:11,.0f}{pair[1].connection_kb:8.1f}")
    print("us/msg: the broker's CPU for one message; paced: when they come one by one")
    (ours, ours_idle), (amqtt, amqtt_idle), (_, mosquitto_idle) = pairs
    ratios = {
        "idle_over_none": ratio(ours_idle, ours),
        "idle_over_amqtt": ratio(ours_idle, amqtt_idle),
        "none_over_amqtt": ratio(ours, amqtt),
        "idle_over_mosquitto": ratio(ours_idle, mosquitto_idle),
        "paced_cpu_amqtt_over_ours": amqtt_idle.paced_us / ours_idle.paced_us,
    }
    ok = all(ratios[name] >= goal for name, goal in GOALS.items())
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    print(json.dumps({"name": "broker", "ratios": rounded, "goals": GOALS, "ok": ok}))
    return ok


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=1_000, help="idle subscribed devices")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    platform = ThreadingHTTPServer((HOST, 0), AllowAll)
    platform.daemon_threads = True
    threading.Thread(target=platform.serve_forever, daemon=True).start()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-bench-")))
        url = f"http://{HOST}:{platform.server_address[1]}"
        pairs = []
        for name in ("muster", "amqtt", "mosquitto"):
            alone, beside = (
                stack.enter_context(running(name, folder, url, cores[0])) for _ in range(2)
            )
            add_idle(beside, options.idle)
            pairs.append((alone, beside))
        measure(pairs, options.seconds, options.rounds)
        ok = report(pairs, options.idle)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
