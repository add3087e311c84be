"""kill -9 of the indexer and of Elasticsearch between Kafka and the index: each record once.

Real Kafka, real Elasticsearch, `muster run indexer` as a process of its own.
"""

import json
import sqlite3
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from muster_platform.logs.ingest import rows
from muster_platform.stream.records import RECORDS_TOPIC, DeviceContext, documents
from muster_protocol.messages import Level, LogRecord, Logs
from tests.services import kafka as kafka_service
from tests.services.database import migrate

AT = 1_764_000_000_000
PER_MESSAGE = 100
LIMIT_S = 120.0


def made(first: int, messages: int):
    context = DeviceContext("d-1", "", "camera", "1.0", "/1/")
    for seq in range(first, first + messages):
        records = [LogRecord(level=Level.INFO, message=f"{seq}.{i}") for i in range(PER_MESSAGE)]
        given = list(rows(1, Logs(records=records), AT + seq, f"b.{seq}", lambda _: ""))
        yield from documents(given, {1: context})


@pytest.fixture
def kafka():
    with kafka_service.running() as server:
        yield server


@pytest.fixture
def env(kafka, elasticsearch, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    migrate(url)
    return {
        "MUSTER_STATE_DIR": str(tmp_path / "state"),
        "MUSTER_DATABASE_URL": url,
        "MUSTER_KAFKA_BROKERS": kafka.address,
        "MUSTER_KAFKA_SESSION_S": "2",
        "MUSTER_ELASTICSEARCH_URLS": elasticsearch.url,
        "MUSTER_ELASTICSEARCH_REPLICAS": "0",
    }


def _send(kafka, given):
    refused = []
    producer = Producer({"bootstrap.servers": kafka.address, "enable.idempotence": True})
    for one in given:
        producer.produce(
            RECORDS_TOPIC, one.value, one.key, on_delivery=lambda e, _: e and refused.append(e)
        )
        producer.poll(0)
    assert producer.flush(LIMIT_S) == 0
    assert not refused


def _count(elasticsearch):
    elasticsearch.call("POST", "/muster-logs-*/_refresh?allow_no_indices=true")
    return elasticsearch.call("GET", "/muster-logs-*/_count?allow_no_indices=true")["count"]


def _until(elasticsearch, least):
    deadline = time.monotonic() + LIMIT_S
    while (found := _count(elasticsearch)) < least:
        assert time.monotonic() < deadline, f"{found} of {least} records"
        time.sleep(0.05)
    return found


def test_each_record_is_in_elasticsearch_once_whatever_is_killed(
    kafka, elasticsearch, env, tmp_path, muster_process
):
    topics = muster_process("kafka", "setup", env=env)
    setup = muster_process("elastic", "setup", env=env)
    setup.wait_for("muster-logs-mappings")
    assert topics.wait(LIMIT_S) == 0
    first = list(made(0, 100))
    indexer = muster_process("run", "indexer", env=env)
    _send(kafka, first)
    _until(elasticsearch, 1)
    indexer.kill()
    strange = json.dumps(json.loads(first[0].value) | {"surprise": 1}).replace(".0.0", ".x.0")
    _send(kafka, first[:500])  # Kafka may hold a record twice
    _send(kafka, [first[0]._replace(value=strange.encode())])
    indexer = muster_process("run", "indexer", env=env)
    _until(elasticsearch, len(first))

    second = list(made(100, 100))
    _send(kafka, second)
    elasticsearch.kill()
    indexer.wait_for("trying again|waits: the log store is away", LIMIT_S)
    _send(kafka, second[:100])
    elasticsearch.start()
    total = len(first) + len(second)
    _until(elasticsearch, total)

    indexer.kill()
    indexer = muster_process("run", "indexer", env=env)
    last = list(made(200, 1))
    _send(kafka, last)
    assert _until(elasticsearch, total + PER_MESSAGE) == total + PER_MESSAGE
    with sqlite3.connect(tmp_path / "muster.db") as database:
        found = database.execute("SELECT topic, reason, detail FROM quarantine").fetchall()
    assert [(topic, reason) for topic, reason, _ in found] == [(RECORDS_TOPIC, "not_indexed")]
    assert "surprise" in found[0][2]
