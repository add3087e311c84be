"""One finished ECS document per log record: what Kafka's `muster.records` holds. Pure.

Whoever moves it to Elasticsearch (Logstash, or `muster run indexer`) decides nothing: `_id` is
the document's own `event.id`, and the index is named by the day of its `@timestamp`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from muster_protocol.messages import LEVEL_NUMBER

RECORDS_TOPIC = "muster.records"

Row = tuple[Any, ...]
"""As `logs.ingest.rows` makes them."""

_LEVEL = {number: str(level) for level, number in LEVEL_NUMBER.items()}
_SECONDS_KEPT = 8_192
_encode = msgspec.json.Encoder().encode


class DeviceContext(NamedTuple):
    """What a document says of its device as it was when the record came.

    Attributes:
        device_id: public id; in Kafka the key of the message.
        name: as people call it, "" for none.
        profile: name of its profile.
        version: of its app (`fingerprint_rules.app_version`), "" where none is known.
        group_path: ids of its groups from the top, such as `/1/7/`.
    """

    device_id: str
    name: str
    profile: str
    version: str
    group_path: str


class Document(NamedTuple):
    """A record for Kafka: key and value."""

    key: bytes
    value: bytes


def documents(rows: Sequence[Row], contexts: Mapping[int, DeviceContext]) -> list[Document]:
    """Make the documents of rows, in their order; rows of a device without context are left out.

    Args:
        rows: as `logs.ingest.rows` makes them.
        contexts: by device key.
    """
    made: list[Document] = []
    about: dict[int, tuple[bytes, dict[str, Any]]] = {}
    for row in rows:
        known = about.get(row[1])
        if known is None:
            context = contexts.get(row[1])
            if context is None:
                continue
            known = about[row[1]] = (context.device_id.encode(), _about(row[1], context))
        made.append(Document(known[0], _encode(document(row, known[1]))))
    return made


def document(row: Row, about: dict[str, Any]) -> dict[str, Any]:
    """Make the document of one row.

    Args:
        about: the members that say which device it is, shared by all of its rows.
    """
    made: dict[str, Any] = {
        "@timestamp": iso(row[2]),
        "event": {"id": row[0], "severity": row[6], "ingested": iso(row[4])},
        "log": {"level": _LEVEL[row[6]], "logger": row[7]},
        "message": row[8],
        **about,
    }
    if row[9] != "{}":
        made["labels"] = msgspec.Raw(row[9].encode())
    if row[10] is not None:
        made["error"] = {"type": row[10], "message": row[11], "stack_trace": row[12]}
    extra: dict[str, Any] = {"clamped": row[5]}
    if row[3] is not None:
        extra["ts_device"] = row[3]
    if row[13]:
        extra["fingerprint"] = row[13]
    if row[14] is not None:
        extra["log_session"] = row[14]
    made["muster"] = extra
    return made


def _about(device_key: int, context: DeviceContext) -> dict[str, Any]:
    device = {
        "id": context.device_id,
        "key": device_key,
        "name": context.name,
        "profile": context.profile,
        "group_path": context.group_path,
    }
    return {"device": device, "service": {"version": context.version}}


def iso(ts: int) -> str:
    """Write ms since the epoch as UTC in ISO 8601, with milliseconds."""
    return f"{_second(ts // 1000)}.{ts % 1000:03d}Z"


@lru_cache(_SECONDS_KEPT)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
