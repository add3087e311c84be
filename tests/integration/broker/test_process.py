"""`muster broker` as a process: listeners, TLS, WebSocket, ordinary clients, start and stop."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as ws_connect

from tests.integration.broker.conftest import Broker
from tests.integration.broker.raw import connect_packet, fresh, publish_packet
from tests.services import base
from tests.services.muster import MusterProcess

LIMIT_S = 10.0
Start = Callable[..., MusterProcess]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(base.program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def talk(broker_port: int, transport: str, ca: Path | None = None) -> list[bytes]:
    """Let two paho clients talk at QoS 1 and 2 and give what arrived."""
    device = fresh()
    topic = f"muster/1/{device}/up/telemetry"
    got: list[bytes] = []
    subscribed, complete = threading.Event(), threading.Event()

    def client(client_id: str) -> paho.Client:
        made = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=client_id, transport=transport
        )
        made.username_pw_set(client_id, "pw")
        if ca is not None:
            made.tls_set(str(ca))
        return made

    def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        got.append(message.payload)
        if len(got) == 3:
            complete.set()

    watch = client("_watch")
    watch.on_subscribe = lambda *_: subscribed.set()
    watch.on_message = on_message
    watch.connect("127.0.0.1", broker_port)
    watch.loop_start()
    watch.subscribe("muster/1/+/up/telemetry", 2)
    assert subscribed.wait(LIMIT_S)
    sender = client(device)
    sender.connect("127.0.0.1", broker_port)
    sender.loop_start()
    for qos in (0, 1, 2):
        sender.publish(topic, b"q%d" % qos, qos).wait_for_publish(LIMIT_S)
    assert complete.wait(LIMIT_S)
    for one in (sender, watch):
        one.disconnect()
        one.loop_stop()
    return got


def test_paho_over_tcp(broker: Broker) -> None:
    assert talk(broker.port, "tcp") == [b"q0", b"q1", b"q2"]


def test_paho_over_websocket(broker: Broker) -> None:
    assert talk(broker.ws_port, "websockets") == [b"q0", b"q1", b"q2"]


def test_paho_over_tls(own_broker: Callable[..., Broker], certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    options = ("--tls-cert", str(cert), "--tls-key", str(key), "--ws-port", "-1")
    broker = own_broker(*options)
    assert talk(broker.port, "tcp", cert) == [b"q0", b"q1", b"q2"]
    assert talk(broker.ws_port, "websockets", cert) == [b"q0", b"q1", b"q2"]
    with socket.create_connection(("127.0.0.1", broker.port)) as plain:
        plain.sendall(connect_packet(fresh()))
        plain.settimeout(LIMIT_S)
        assert plain.recv(100)[:1] in (b"", b"\x15"), "closed, or a TLS alert; no CONNACK"
    context = ssl.create_default_context(cafile=str(cert))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", broker.port)), server_hostname="127.0.0.1"
    ) as old:
        old.sendall(connect_packet(fresh()))
        assert old.recv(4) == b"\x20\x02\0\0"


def test_mosquittos_clients(broker: Broker) -> None:
    device = fresh()
    client = [*("-p", str(broker.port), "-i", device, "-u", device, "-P", "pw", "-q", "1")]
    topic = f"muster/1/{device}/down/commands"
    subscribe = [base.program("mosquitto_sub"), *client, "-c", "-t", topic]
    subprocess.run([*subscribe, "-E"], check=True, timeout=LIMIT_S)
    broker.device("_dispatch").publish(topic, b"run")
    got = subprocess.run([*subscribe, "-C", "1"], check=True, timeout=LIMIT_S, capture_output=True)
    assert got.stdout == b"run\n"
    publish = [base.program("mosquitto_pub"), *client]
    up = f"muster/1/{device}/up/telemetry"
    subprocess.run([*publish, "-t", up, "-m", '{"t": 1}'], check=True, timeout=LIMIT_S)


def test_a_websocket_must_speak_binary_mqtt(broker: Broker) -> None:
    url = f"ws://127.0.0.1:{broker.ws_port}/mqtt"
    with ws_connect(url, subprotocols=["mqtt"], compression=None) as ws:  # type: ignore[list-item]
        ws.send(connect_packet(device := fresh())[:7])
        ws.send(b"")
        ws.send(connect_packet(device)[7:])
        assert ws.recv(LIMIT_S) == b"\x20\x02\0\0"
        ws.send(publish_packet(f"muster/1/{device}/up/telemetry") + b"\xc0\0")
        assert ws.recv(LIMIT_S) == b"\x40\x02\0\1\xd0\0"
        ws.send("text")
        with pytest.raises(ConnectionClosed):
            ws.recv(LIMIT_S)


def test_sigterm_ends_it_with_0_in_time(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker("--ws-port", "-1")
    device = fresh()
    watch = broker.device("_watch")
    watch.subscribe("muster/1/+/up/#")
    client = broker.device(device, will=(f"muster/1/{device}/up/presence", b"lost", 1, True))
    ws = ws_connect(
        f"ws://127.0.0.1:{broker.ws_port}",
        subprotocols=["mqtt"],  # type: ignore[list-item]
        compression=None,
    )
    ws.send(connect_packet(fresh()))
    assert ws.recv(LIMIT_S) == b"\x20\x02\0\0"
    half_open = broker.client()
    half_open.send(b"\x10")
    assert broker.process.terminate(limit_s=5) == 0
    assert client.closed() == watch.closed() == []
    assert "Traceback" not in broker.process.output()
    ws.close()


def test_ctrl_c_ends_it_with_0(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker()
    broker.process.interrupt()
    assert broker.process.wait(5) == 0


def test_a_taken_port_is_one_clear_line(muster_process: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = muster_process("broker", "--port", str(port), "--log-level", "ERROR")
        assert process.wait() == 6
        lines = [line for line in process.output().splitlines() if "commands of" not in line]
        assert lines == [
            f"muster: port {port} on 127.0.0.1 is taken by another process; "
            "stop that one or choose another port with --port"
        ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--accounts-file", "/nowhere/accounts"), "cannot read the accounts file"),
        (("--tls-cert", "/nowhere/cert"), "needs both"),
        (("--tls-cert", "/nowhere/cert", "--tls-key", "/nowhere/key"), "must be PEM files"),
        (("--host", "203.0.113.1"), "cannot listen on 203.0.113.1"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    muster_process: Start, options: tuple[str, ...], says: str
) -> None:
    process = muster_process("broker", "--port", "0", "--log-level", "ERROR", *options)
    assert process.wait() == 3
    lines = [line for line in process.output().splitlines() if "commands of" not in line]
    assert len(lines) == 1
    assert says in lines[0]


def test_it_warns_when_it_listens_beyond_this_machine_without_tls(muster_process: Start) -> None:
    process = muster_process("broker", "--port", "0", "--host", "0.0.0.0")
    process.wait_for(r"listening on mqtt://0\.0\.0\.0:\d+")
    assert "listening beyond this machine without TLS" in process.output()
    assert "no --platform-url" in process.output()
    assert "no --accounts-file" in process.output()
    assert process.terminate(5) == 0


def test_after_kill_9_it_starts_again_on_its_port(
    own_broker: Callable[..., Broker],
) -> None:
    broker = own_broker()
    broker.device(fresh()).ping()
    broker.process.kill()
    again = own_broker("--port", str(broker.port))
    assert again.port == broker.port
    again.device(fresh()).ping()


def test_secrets_do_not_reach_the_log(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker("--log-level", "DEBUG")
    broker.device(fresh())
    wrong = broker.client()
    wrong.try_connect(fresh(), "a-secret-that-is-wrong")
    assert broker.process.terminate(5) == 0
    assert "a-secret-that-is-wrong" not in broker.process.output()
