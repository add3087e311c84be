"""The indexer's path beside the client's own `streaming_bulk`, on one Elasticsearch.

Both are given the same values as Kafka holds them (finished documents, as bytes) and write them
with `create` and the document's own id, in requests of the same number of documents. They take
turns, each run into an empty index; the median of each counts. What is measured is documents a
second of wall time, and CPU of this process per document.

    python benchmarks/index.py [--documents 60000] [--rounds 3]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from elasticsearch import Elasticsearch as Client
from elasticsearch.helpers import streaming_bulk

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from muster_platform.adapters.elastic import connect  # noqa: E402
from muster_platform.logs.elastic.indices import index_of, put_templates  # noqa: E402
from muster_platform.logs.ingest import rows  # noqa: E402
from muster_platform.settings import Settings  # noqa: E402
from muster_platform.stream.indexer import Indexer  # noqa: E402
from muster_platform.stream.records import DeviceContext, documents  # noqa: E402
from muster_protocol.messages import Level, LogRecord, Logs  # noqa: E402
from tests.services import elasticsearch  # noqa: E402

PREFIX = "muster-logs"
AT = 1_764_000_000_000
REQUEST = 2_000
PER_MESSAGE = 50
WORDS = ("connection", "lost", "sensor", "retry", "upload", "ok", "timeout", "battery", "door")


class Values:
    """A source of documents that are there already."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values, self._at = values, 0

    def receive(self, most: int, timeout_s: float) -> Sequence[bytes]:  # noqa: ARG002
        """Give the next."""
        found = self._values[self._at : self._at + most]
        self._at += len(found)
        return found

    def idle(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def commit(self) -> None:
        """Do nothing: they come once."""


def values(number: int) -> list[bytes]:
    made: list[bytes] = []
    for seq in range(number // PER_MESSAGE):
        key = seq % 500 + 1
        records = [_record(seq * PER_MESSAGE + i) for i in range(PER_MESSAGE)]
        given = list(rows(key, Logs(records=records), AT + seq, f"b.{seq}", lambda _: ""))
        context = DeviceContext(f"device-{key}", "", "camera", "2.1.0", "/1/7/")
        made += [one.value for one in documents(given, {key: context})]
    return made


def _record(number: int) -> LogRecord:
    words = " ".join(WORDS[(number * 7 + i * 3) % len(WORDS)] for i in range(9))
    fields: dict[str, Any] = {"request": number, "ms": number % 977, "ok": number % 3 == 0}
    return LogRecord(
        level=Level.INFO,
        logger=f"app.part{number % 20}",
        message=f"{words} {number}",
        ts=AT + number,
        fields=fields,
    )


def ours(server: elasticsearch.Elasticsearch, given: list[bytes]) -> None:
    engine = connect(Settings(elasticsearch_urls=(server.url,)))

    def refuse(refused: Sequence[Any]) -> None:
        raise SystemExit(f"refused: {refused[0].reason}")

    indexer = Indexer(Values(given), engine, refuse, PREFIX, batch=2 * REQUEST)
    while indexer.step(Event()):
        pass
    engine.close()


def theirs(server: elasticsearch.Elasticsearch, given: list[bytes]) -> None:
    client = Client(server.url, request_timeout=60)

    def actions() -> Iterator[dict[str, Any]]:
        for value in given:
            document = json.loads(value)
            yield {
                "_op_type": "create",
                "_index": index_of(PREFIX, document["@timestamp"]),
                "_id": document["event"]["id"],
                "_source": document,
            }

    for good, item in streaming_bulk(client, actions(), chunk_size=REQUEST):
        if not good:
            raise SystemExit(f"refused: {item}")
    client.close()


def measure(
    run: Callable[[elasticsearch.Elasticsearch, list[bytes]], None],
    server: elasticsearch.Elasticsearch,
    given: list[bytes],
) -> tuple[float, float]:
    """Give documents a second, and microseconds of our CPU per document."""
    server.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    run(server, given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    server.call("POST", "/_refresh")
    found = server.call("GET", f"/{PREFIX}-*/_count")["count"]
    if found != len(given):
        raise SystemExit(f"{found} documents of {len(given)}")
    return len(given) / wall, 1e6 * cpu / len(given)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    given = values(chosen.documents)
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "streaming_bulk": []}
    with elasticsearch.running("1g") as server:
        engine = connect(Settings(elasticsearch_urls=(server.url,)))
        put_templates(engine, PREFIX, 1, 0)
        engine.close()
        for run in (theirs, ours):  # warms Elasticsearch up
            measure(run, server, given[: len(given) // 2])
        for number in range(chosen.rounds):
            for name, run in (("ours", ours), ("streaming_bulk", theirs)):
                rate, cpu = measure(run, server, given)
                found[name].append((rate, cpu))
                print(f"{number + 1} {name:15} {rate:9,.0f} documents/s {cpu:6.1f} us/document")
    rates = {name: statistics.median(rate for rate, _ in runs) for name, runs in found.items()}
    costs = {name: statistics.median(cpu for _, cpu in runs) for name, runs in found.items()}
    print(
        json.dumps(
            {
                "benchmark": "index",
                "documents": len(given),
                "bytes_per_document": round(sum(map(len, given)) / len(given)),
                "documents_per_s": {name: round(rate) for name, rate in rates.items()},
                "cpu_us_per_document": {name: round(cost, 1) for name, cost in costs.items()},
                "ratio": round(rates["ours"] / rates["streaming_bulk"], 2),
                "goal": 1.5,
            }
        )
    )


if __name__ == "__main__":
    main()
