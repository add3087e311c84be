"""The log store in Elasticsearch, behind the same pages as the database.

Which devices count comes from the database, as it is now: a device that was moved is seen by who
may see its group today.
"""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from muster_platform.errors import InvalidInput
from muster_platform.logs.elastic.ports import Refused, SearchEngine
from muster_platform.logs.elastic.query import Query, among_devices, query_of
from muster_platform.logs.elastic.views import view_of
from muster_platform.logs.store import Bar, Facet, LogQuery, Position
from muster_platform.logs.views import LogView

_FIELD: dict[Facet, str] = {
    Facet.LEVEL: "event.severity",
    Facet.LOGGER: "log.logger",
    Facet.DEVICE: "device.id",
    Facet.FINGERPRINT: "muster.fingerprint",
    Facet.EXCEPTION: "error.type",
}


class ElasticLogStore:
    """Implements logs.store.LogStore."""

    def __init__(self, session: Session, engine: SearchEngine, prefix: str) -> None:
        """Prepare.

        Args:
            session: selects the devices of a question.
            engine: speaks to Elasticsearch.
            prefix: of the indices; a day follows.
        """
        self._session, self._engine = session, engine
        self._path = f"/{prefix}-*/_search?ignore_unavailable=true&allow_no_indices=true"

    def search(
        self, query: LogQuery, size: int, beyond: Position | None = None, *, newest_first: bool
    ) -> list[LogView]:
        """See LogStore."""
        body: dict[str, Any] = {
            "query": self._query(query),
            "size": size,
            "track_total_hits": False,
            "sort": _sort("desc" if newest_first else "asc"),
        }
        if beyond is not None:
            body["search_after"] = [beyond.ts, beyond.id]
        return [view_of(hit["_source"]) for hit in self._ask(body)["hits"]["hits"]]

    def get(self, devices: Select[Any], record_id: str) -> LogView | None:
        """See LogStore."""
        named = {"ids": {"values": [record_id]}}
        query = {"bool": {"filter": [named, among_devices(self._keys(devices))]}}
        found = self._ask({"query": query, "size": 1})["hits"]["hits"]
        return view_of(found[0]["_source"]) if found else None

    def span(self, query: LogQuery) -> tuple[int, int] | None:
        """See LogStore."""
        ends = {name: {name: {"field": "@timestamp"}} for name in ("min", "max")}
        found = self._aggregate(self._query(query), ends)
        if not found or found["min"]["value"] is None:
            return None
        return int(found["min"]["value"]), int(found["max"]["value"])

    def histogram(self, query: LogQuery, since: int, width_ms: int) -> list[Bar]:
        """See LogStore."""
        parts = {
            "field": "@timestamp",
            "fixed_interval": f"{width_ms}ms",
            "offset": f"{since % width_ms}ms",
            "min_doc_count": 1,
        }
        levels = {"terms": {"field": "event.severity", "order": {"_key": "asc"}}}
        chosen = self._query(query)
        begun = {"range": {"@timestamp": {"gte": since, "format": "epoch_millis"}}}
        chosen["bool"]["filter"].append(begun)
        found = self._aggregate(
            chosen, {"parts": {"date_histogram": parts, "aggs": {"levels": levels}}}
        )
        return [
            Bar(int(part["key"]), int(level["key"]), level["doc_count"])
            for part in (found["parts"]["buckets"] if found else ())
            for level in part["levels"]["buckets"]
        ]

    def counts(
        self, query: LogQuery, by: Facet, size: int, most: int | None = None
    ) -> list[tuple[str, int]]:
        """See LogStore; of records at the very border of `most`, all of that millisecond count."""
        chosen = self._query(query)
        if most is not None and (border := self._border(chosen, most)) is not None:
            newest = {"range": {"@timestamp": {"gte": border, "format": "epoch_millis"}}}
            chosen["bool"]["filter"].append(newest)
        order: list[dict[str, str]] = [{"_count": "desc"}, {"_key": "asc"}]
        values: dict[str, Any] = {"field": _FIELD[by], "size": size, "order": order}
        if by is not Facet.LEVEL:
            chosen["bool"].setdefault("must_not", []).append({"term": {_FIELD[by]: ""}})
        found = self._aggregate(chosen, {"values": {"terms": values}})
        buckets = found["values"]["buckets"] if found else []
        return [(str(bucket["key"]), bucket["doc_count"]) for bucket in buckets]

    def _border(self, query: Query, most: int) -> int | None:
        """Give ts of the oldest of the newest records; None where there are no more than so many.

        The template's index.max_result_window allows for it.
        """
        body = {
            "query": query,
            "from": most - 1,
            "size": 1,
            "_source": False,
            "track_total_hits": False,
            "sort": [{"@timestamp": "desc"}],
        }
        found = self._ask(body)["hits"]["hits"]
        return int(found[0]["sort"][0]) if found else None

    def _aggregate(self, query: Query, wanted: dict[str, Any]) -> Any:
        """Give the aggregations; None where there is not one index."""
        body = {"query": query, "size": 0, "track_total_hits": False, "aggs": wanted}
        return self._ask(body).get("aggregations")

    def _ask(self, body: dict[str, Any]) -> Any:
        try:
            return self._engine.call("POST", self._path, body)
        except Refused as refused:
            if "maxClauseCount" in refused.reason or "too_many" in refused.kind:
                raise InvalidInput(
                    "a phrase of the search fits too many words: write more of its first and"
                    " last word",
                    where="text",
                ) from refused
            raise

    def _query(self, query: LogQuery) -> Query:
        return query_of(query, self._keys(query.devices))

    def _keys(self, devices: Select[Any]) -> list[int]:
        return list(self._session.scalars(devices))


def _sort(direction: str) -> list[dict[str, Any]]:
    return [{name: {"order": direction}} for name in ("@timestamp", "event.id")]
