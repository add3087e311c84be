"""Documents of Elasticsearch, read back as the records they were made of."""

from datetime import datetime
from typing import Any

from muster_platform.logs.views import LEVELS, LogView


def view_of(document: dict[str, Any]) -> LogView:
    """Make the view of a document (`stream.records` says what it holds)."""
    event, extra, error = document["event"], document["muster"], document.get("error", {})
    return LogView(
        id=event["id"],
        device_id=document["device"]["id"],
        ts=millis(document["@timestamp"]),
        ts_device=extra.get("ts_device"),
        received_at=millis(event["ingested"]),
        clamped=extra["clamped"],
        level=LEVELS[event["severity"]],
        logger=document["log"]["logger"],
        message=document["message"],
        fields=document.get("labels", {}),
        exception_type=error.get("type"),
        exception_message=error.get("message"),
        stacktrace=error.get("stack_trace"),
        fingerprint=extra.get("fingerprint", ""),
        log_session=extra.get("log_session"),
    )


def millis(text: str) -> int:
    """Read a time in ISO 8601 as ms since the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
