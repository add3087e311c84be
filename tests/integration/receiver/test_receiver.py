"""The receiver against Mosquitto, and against peers that are not what they should be."""

import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from muster_broker.receiver import (
    BrokerRefused,
    BrokerUnreachable,
    ProtocolError,
    Received,
    Receiver,
    ReceiverOptions,
    TlsOptions,
)
from tests.services import mosquitto

LIMIT_ROUNDS = 200


@pytest.fixture
def topic() -> str:
    return f"receiver/{uuid.uuid4().hex}"


@pytest.fixture
def device(mosquitto: mosquitto.Mosquitto) -> Iterator[paho.Client]:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=f"d-{uuid.uuid4().hex[:8]}")
    client.connect(mosquitto.host, mosquitto.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def options(server: mosquitto.Mosquitto, topic: str, **more: object) -> ReceiverOptions:
    return ReceiverOptions(
        server.host,
        f"_{topic[-12:]}",
        port=server.port,
        subscriptions=((f"{topic}/#", 1),),
        backoff_min_s=0.02,
        **more,  # type: ignore[arg-type]
    )


def collect(receiver: Receiver, count: int, *, ack: bool = True) -> list[Received]:
    got: list[Received] = []
    for _ in range(LIMIT_ROUNDS):
        batch = receiver.receive(1_000, timeout_s=0.1)
        if ack:
            receiver.ack(batch)
        got += batch
        if len(got) >= count:
            return got
    raise AssertionError(f"{len(got)} of {count} messages; {receiver.problem}")


def drain(receiver: Receiver) -> None:
    """Wait until the broker has all that we published."""
    for _ in range(LIMIT_ROUNDS):
        receiver.receive(1, timeout_s=0.05)
        if not receiver.pending:
            return
    raise AssertionError(f"{receiver.pending} publications not acknowledged")


def send(device: paho.Client, topic: str, payloads: list[bytes], qos: int = 1) -> None:
    for payload in payloads:
        device.publish(topic, payload, qos=qos).wait_for_publish(10)


def test_messages_come_in_order_with_what_they_carry(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    with Receiver(options(mosquitto, topic)) as receiver:
        receiver.connect()
        send(device, f"{topic}/a", [b"%d" % i for i in range(50)])
        send(device, f"{topic}/b", [b"q0"], qos=0)
        send(device, f"{topic}/c", [b"q2"], qos=2)
        got = collect(receiver, 52)
    assert [m.payload for m in got] == [*(b"%d" % i for i in range(50)), b"q0", b"q2"]
    assert [m.qos for m in got[-3:]] == [1, 0, 1]
    assert {m.connection for m in got} == {1}
    assert all(m.packet_id for m in got if m.qos)
    assert not any(m.retain or m.dup for m in got)


def test_retained_messages_are_marked(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    device.publish(f"{topic}/r", b"kept", qos=1, retain=True).wait_for_publish(10)
    with Receiver(options(mosquitto, topic)) as receiver:
        (message,) = collect(receiver, 1)
        device.publish(f"{topic}/r", b"", qos=1, retain=True).wait_for_publish(10)
    assert (message.payload, message.retain) == (b"kept", True)


def test_a_call_reads_so_many_bytes_and_leaves_the_rest_to_the_next(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    sizes = {"read_bytes": 4_096, "max_batch_bytes": 8_192}
    with Receiver(options(mosquitto, topic, **sizes)) as receiver:
        receiver.connect()
        send(device, f"{topic}/a", [bytes(1_000) for _ in range(40)])
        batches = [receiver.receive(1_000, timeout_s=0.1) for _ in range(20)]
    assert sum(map(len, batches)) == 40
    assert max(map(len, batches)) <= 8


def test_what_was_not_acknowledged_comes_again(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    with Receiver(options(mosquitto, topic)) as receiver:
        receiver.connect()
        send(device, f"{topic}/a", [b"1", b"2", b"3"])
        first = collect(receiver, 3, ack=False)
        receiver.ack(first[:1])
    send(device, f"{topic}/a", [b"while away"])
    with Receiver(options(mosquitto, topic)) as receiver:
        again = collect(receiver, 3)
    assert [m.payload for m in again] == [b"2", b"3", b"while away"]
    assert [m.dup for m in again[:2]] == [True, True]


def test_a_batch_is_no_larger_than_asked(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    with Receiver(options(mosquitto, topic)) as receiver:
        receiver.connect()
        send(device, f"{topic}/a", [b"%d" % i for i in range(20)])
        batches = []
        while sum(map(len, batches)) < 20:
            batches.append(receiver.receive(7, timeout_s=1.0))
            receiver.ack(batches[-1])
    assert max(map(len, batches)) == 7
    assert [m.payload for batch in batches for m in batch] == [b"%d" % i for i in range(20)]


def test_reading_nothing_keeps_the_connection_and_loses_nothing(
    mosquitto: mosquitto.Mosquitto, topic: str, device: paho.Client
) -> None:
    """Back pressure: more than three keep-alives pass without a read."""
    with Receiver(options(mosquitto, topic, keep_alive_s=1)) as receiver:
        receiver.connect()
        send(device, f"{topic}/a", [b"1"])
        for _ in range(35):
            assert receiver.receive(0, timeout_s=0.1) == []
        assert receiver.connected
        (message,) = collect(receiver, 1)
        assert (message.payload, message.connection) == (b"1", 1)


def test_publications_are_acknowledged_and_told(mosquitto: mosquitto.Mosquitto, topic: str) -> None:
    told: list[int] = []
    with Receiver(options(mosquitto, topic), on_delivered=told.append) as receiver:
        early = receiver.publish(f"{topic}/x", b"before the connection")
        receiver.connect()
        late = receiver.publish(f"{topic}/x", b"after")
        receiver.publish(f"{topic}/x", b"at 0", qos=0)
        got = collect(receiver, 3)
        drain(receiver)
    assert told == [early, late]
    assert [m.payload for m in got] == [b"before the connection", b"after", b"at 0"]


def test_publications_are_bounded() -> None:
    receiver = Receiver(ReceiverOptions("127.0.0.1", "_bounded", port=1, max_pending=2))
    assert receiver.publish("t", b"") is not None
    assert receiver.publish("t", b"") is not None
    assert receiver.publish("t", b"") is None


def test_a_restarted_broker_is_found_again(topic: str) -> None:
    """Nothing is asked of the caller: it goes on calling receive."""
    with mosquitto.running() as first:
        port = first.port
        receiver = Receiver(options(first, topic))
        receiver.connect()
    with receiver:
        assert receiver.receive(1, timeout_s=0.05) == []
        while receiver.problem is None:
            receiver.receive(1, timeout_s=0.05)
        assert f"mqtt://127.0.0.1:{port}" in receiver.problem
        token = receiver.publish(f"{topic}/x", b"kept for the next connection")
        assert token is not None
        with mosquitto.running(port=port):
            (message,) = collect(receiver, 1)
            drain(receiver)
    assert message.payload == b"kept for the next connection"
    assert receiver.connections == 2


def test_nobody_listens_is_told_from_bad_credentials(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    with (
        Receiver(ReceiverOptions("127.0.0.1", "_x", port=port)) as receiver,
        pytest.raises(BrokerUnreachable, match=rf"mqtt://127.0.0.1:{port}: Connection refused"),
    ):
        receiver.connect()
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    with mosquitto.running(["allow_anonymous false", f"password_file {passwords}"]) as server:
        wrong = ReceiverOptions(
            server.host, "_x", port=server.port, username="_x", password="wrong"
        )
        with Receiver(wrong) as receiver:
            with pytest.raises(BrokerRefused, match=r"refuses '_x'.*password \(_x\)"):
                receiver.connect()
            assert receiver.receive(1, timeout_s=0.01) == []
            assert "refuses" in (receiver.problem or "")


def serve_once(answer: bytes) -> tuple[socket.socket, threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1_000)
            peer.sendall(answer)
            peer.recv(1_000)

    thread = threading.Thread(target=run)
    thread.start()
    return listener, thread


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError, "does not speak MQTT"),
        (b"", BrokerUnreachable, "does not answer CONNECT"),
    ],
)
def test_a_peer_that_is_no_broker(answer: bytes, error: type[Exception], says: str) -> None:
    listener, thread = serve_once(answer)
    port = listener.getsockname()[1]
    with (
        listener,
        Receiver(ReceiverOptions("127.0.0.1", "_x", port=port, connect_timeout_s=0.3)) as receiver,
        pytest.raises(error, match=says),
    ):
        receiver.connect()
    thread.join(5)


def certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-keyout {key} -out {cert} -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1",
        shell=True,
        check=True,
        capture_output=True,
    )
    return cert, key


def test_tls_is_verified_and_carries_batches(
    tmp_path: Path, topic: str, free_port: Callable[[], int]
) -> None:
    cert, key = certificate(tmp_path)
    port = free_port()
    lines = ["allow_anonymous true", f"listener {port} 127.0.0.1"]
    lines += [f"certfile {cert}", f"keyfile {key}"]
    with mosquitto.running(lines) as server:
        stranger = ReceiverOptions(server.host, "_x", port=port, tls=TlsOptions())
        with Receiver(stranger) as receiver:
            # Mosquitto opens this listener a moment after the one that its start waits for.
            while "refused" in (receiver.problem or "refused"):
                receiver.receive(1, timeout_s=0.05)
            assert "TLS: its certificate is not accepted" in (receiver.problem or "")
        known = ReceiverOptions(
            server.host,
            "_y",
            port=port,
            tls=TlsOptions(ca_file=str(cert)),
            subscriptions=((f"{topic}/#", 1),),
        )
        with Receiver(known) as receiver:
            receiver.connect()
            for index in range(300):
                receiver.publish(f"{topic}/{index}", b"x" * 1_000)
            got = collect(receiver, 300)
            drain(receiver)
    assert [m.topic for m in got] == [f"{topic}/{index}" for index in range(300)]
