"""kill -9 of bridge, ingest and Kafka while agents send, on both brokers.

What an agent accepted from its app is in the database once, and in Kafka at least once, each time
with the same identity; in the order in which the device sent it.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from muster_platform.stream.kafka.setup import set_up
from muster_platform.stream.kafka.topics import TELEMETRY
from tests.e2e.kill import stack as kill
from tests.e2e.kill.stack import Stack, eventually
from tests.services import kafka as kafka_service
from tests.services.kafka import Kafka
from tests.services.valkey import Valkey

DEVICES = ("north", "south")
MORE = 8
"""Values that each device must have accepted before and after each fault."""

kill.COMMANDS["bridge"] = ("run bridge", "run: ready")
kill.COMMANDS["kafka-ingest"] = ("run ingest --from kafka", "run: ready")


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """Give a Kafka that may be killed."""
    with kafka_service.running() as server:
        yield server


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def streams(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kafka: Kafka,
    _valkey_server: Valkey,
) -> Iterator[Stack]:
    """Give an installation with Kafka, and its devices ONLINE."""
    folder = tmp_path_factory.mktemp(f"streams-{request.param}")
    database = f"sqlite:///{folder / 'muster.db'}"
    made = Stack(folder, request.param, database, _valkey_server.url, request.param)
    settings = dataclasses.replace(
        made.settings, kafka_brokers=(kafka.address,), kafka_partitions=3, kafka_delivery_s=2
    )
    set_up(settings, lambda line: None)
    made.env |= {
        "MUSTER_KAFKA_BROKERS": kafka.address,
        "MUSTER_KAFKA_DELIVERY_S": "2",
        "MUSTER_KAFKA_SESSION_S": "2",
        "MUSTER_KAFKA_GROUP": f"ingest-{request.param}",
    }
    with closing(made):
        made.start("web", "broker", "bridge", "kafka-ingest", "ingest", "dispatch")
        names = [f"{name}-{request.param}" for name in DEVICES]
        for name in names:
            made.add_device(name)
        made.start(*names)
        for name in names:
            eventually(lambda one=name: made.presence(one) == "ONLINE", f"{name} ONLINE")
        yield made


def names_of(stack: Stack) -> list[str]:
    return [f"{name}-{stack.kind}" for name in DEVICES]


def accepted(stack: Stack, name: str) -> list[int]:
    return [int(number) for number in stack.noted(name, "accepted")]


def more(stack: Stack) -> None:
    """Wait until each device has accepted some more values from its app."""
    goals = {name: len(accepted(stack, name)) + MORE for name in names_of(stack)}
    for name, goal in goals.items():
        eventually(
            lambda one=name, count=goal: len(accepted(stack, one)) >= count, f"{name}: {goal}"
        )


def all_is_stored(stack: Stack) -> None:
    """Wait until what was accepted so far is in the database; then it is there once."""
    for name in names_of(stack):
        wanted = set(accepted(stack, name))
        eventually(
            lambda one=name, all_of=wanted: all_of <= set(stack.stored(one)),
            lambda one=name, all_of=wanted: f"{one}: {sorted(all_of - set(stack.stored(one)))}",
        )
        stored = stack.stored(name)
        assert len(stored) == len(set(stored)), f"{name}: doubled"


def in_kafka(kafka: Kafka, name: str) -> list[tuple[str, int, int]]:
    """Give (boot, seq, value) of a device's telemetry, in Kafka's order."""
    found = []
    for _, key, value, headers in kafka.read_all(TELEMETRY):
        if key == name.encode():
            body = json.loads(value)
            identity = (headers["boot"].decode(), int(headers["seq"]))
            assert identity == (body["boot"], body["seq"])
            assert headers["topic"].decode() == f"muster/1/{name}/up/telemetry"
            found += [(*identity, int(point["values"]["n"])) for point in body["points"]]
    return found


def all_is_in_kafka(stack: Stack, kafka: Kafka) -> None:
    for name in names_of(stack):
        stored = set(stack.stored(name))
        found = in_kafka(kafka, name)
        assert stored <= {number for _, _, number in found}
        by_number: dict[int, set[tuple[str, int]]] = {}
        for boot, seq, number in found:
            by_number.setdefault(number, set()).add((boot, seq))
        assert all(len(identities) == 1 for identities in by_number.values())
        first_seen = list(dict.fromkeys((boot, seq) for boot, seq, _ in found))
        assert first_seen == sorted(first_seen), f"{name}: out of order"


def restart(part: str) -> Callable[[Stack, Kafka], None]:
    def fault(stack: Stack, _kafka: Kafka) -> None:
        stack.kill(part)
        more(stack)
        stack.start(part)

    return fault


def kafka_dies(stack: Stack, kafka: Kafka) -> None:
    kafka.kill()
    spool = stack.settings.spool_dir / "bridge.sqlite-wal"
    before = spool.stat().st_size if spool.exists() else 0
    more(stack)
    eventually(
        lambda: "the store is away" in stack.processes["bridge"].output(), "the spool takes over"
    )
    more(stack)
    assert spool.stat().st_size > before
    kafka.start()


def kafka_and_bridge_die(stack: Stack, kafka: Kafka) -> None:
    kafka.kill()
    more(stack)
    stack.kill("bridge")
    more(stack)
    kafka.start()
    stack.start("bridge")


FAULTS: dict[str, Callable[[Stack, Kafka], None]] = {
    "bridge": restart("bridge"),
    "ingest from Kafka": restart("kafka-ingest"),
    "Kafka": kafka_dies,
    "Kafka and bridge": kafka_and_bridge_die,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_doubled(streams: Stack, kafka: Kafka, fault: str) -> None:
    more(streams)
    FAULTS[fault](streams, kafka)
    more(streams)
    all_is_stored(streams)
    all_is_in_kafka(streams, kafka)
