"""Indices: their templates, one per day, how long they stay, what is deleted of a device."""

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from muster_platform.logs.elastic.ports import SearchEngine

COMPONENTS = ("mappings", "settings")
_DAY_FORMAT = "%Y.%m.%d"


def index_of(prefix: str, timestamp: str) -> str:
    """Name the index of a document by its `@timestamp` (ISO 8601 in UTC)."""
    return f"{prefix}-{timestamp[:4]}.{timestamp[5:7]}.{timestamp[8:10]}"


def template(name: str) -> dict[str, Any]:
    """Read one of our templates: `mappings`, `settings` or `index`."""
    text = resources.files("muster_platform.logs.elastic").joinpath(f"templates/{name}.json")
    made: dict[str, Any] = json.loads(text.read_text())
    return made


def put_templates(engine: SearchEngine, prefix: str, shards: int, replicas: int) -> list[str]:
    """Put the templates, the same again changes nothing; give their names.

    Raises:
        Unavailable: Elasticsearch is away, or refuses them.
    """
    names = []
    for part in COMPONENTS:
        body = template(part)
        if part == "settings":
            body["template"]["settings"] |= {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
            }
        engine.call("PUT", f"/_component_template/{prefix}-{part}", body)
        names.append(f"{prefix}-{part}")
    body = template("index")
    body["index_patterns"] = [f"{prefix}-*"]
    body["composed_of"] = [f"{prefix}-{part}" for part in COMPONENTS]
    engine.call("PUT", f"/_index_template/{prefix}", body)
    return [*names, prefix]


def has_templates(engine: SearchEngine, prefix: str) -> bool:
    """Say whether `muster elastic setup` was done."""
    return engine.call("GET", f"/_index_template/{prefix}") is not None


def days(engine: SearchEngine, prefix: str) -> dict[str, int]:
    """Give the indices of days, oldest first, and the first ms after each."""
    found = engine.call("GET", f"/{prefix}-*/_settings?allow_no_indices=true") or {}
    made = {}
    for name in sorted(found):
        try:
            day = datetime.strptime(name[len(prefix) + 1 :], _DAY_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            continue
        made[name] = round((day + timedelta(days=1)).timestamp() * 1000)
    return made


def drop_days(engine: SearchEngine, prefix: str, before: int) -> list[str]:
    """Delete the indices whose whole day is before a time (ms); give their names."""
    old = [name for name, end in days(engine, prefix).items() if end <= before]
    for name in old:
        engine.call("DELETE", f"/{name}")
    return old


def delete_of_device(engine: SearchEngine, prefix: str, device_key: int, limit: int) -> int:
    """Delete at most so many records of a device; give how many.

    By search and bulk: `_delete_by_query` is a module that a small server may lack.
    """
    body = {
        "query": {"term": {"device.key": device_key}},
        "size": min(limit, 10_000),
        "_source": False,
    }
    found = engine.call("POST", f"/{prefix}-*/_search?allow_no_indices=true", body)
    hits = found["hits"]["hits"]
    if not hits:
        return 0
    lines = (
        json.dumps({"delete": {"_index": hit["_index"], "_id": hit["_id"]}}) + "\n" for hit in hits
    )
    engine.call("POST", "/_bulk?refresh=true", "".join(lines).encode())
    return len(hits)
