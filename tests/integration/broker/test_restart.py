"""What Mosquitto still knows after it was stopped, and after kill -9."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.broker.conftest import LIMIT_S, MosquittoBroker
from tests.integration.broker.raw import fresh
from tests.services.base import program, spawn, stop, wait_listening


@contextmanager
def running(broker: MosquittoBroker, ended_by: signal.Signals) -> Iterator[None]:
    log = broker.conf.with_suffix(".log")
    process = spawn([program("mosquitto"), "-c", str(broker.conf)], log)
    try:
        wait_listening(process, broker.platform_port, log)
        yield
    finally:
        stop(process, ended_by)
        broker.close_clients()


def saved_since(database: Path, ns: int) -> None:
    """Wait until what was there at that time has been written down."""
    deadline = time.monotonic() + LIMIT_S
    while not database.exists() or database.stat().st_mtime_ns <= ns:
        assert time.monotonic() < deadline, "it is not written every second"
        time.sleep(0.02)


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL])
def test_sessions_queues_and_retained_messages_outlive_it(
    tmp_path: Path, ended_by: signal.Signals
) -> None:
    broker, device = MosquittoBroker(tmp_path), fresh()
    topics = [f"muster/1/{device}/{name}" for name in ("down/commands", "up/presence")]
    with running(broker, ended_by):
        client = broker.device(device, clean=False)
        client.subscribe(topics[0])
        client.publish(topics[1], b"online", retain=True)
        client.disconnect()
        dispatch = broker.device("_dispatch")
        for number in range(3):
            dispatch.publish(topics[0], b"%d" % number)
        if ended_by is signal.SIGKILL:
            saved_since(tmp_path / "mosquitto.db", time.time_ns())
    with running(broker, signal.SIGTERM):
        back = broker.client()
        assert back.connect(device, clean=False), "its session is there"
        assert [p.payload for p in back.pending()] == [b"0", b"1", b"2"]
        watch = broker.device("_watch")
        watch.subscribe(topics[1])
        assert [(p.payload, p.retain) for p in watch.pending()] == [(b"online", True)]
