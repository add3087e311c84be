"""Writes muster.ndjson: data view, searches, charts and dashboards as Kibana 8 imports them.

    python dashboards/kibana/make.py

Everything is told in the tables below; what Kibana wants around it is added here. Queries are in
Lucene's language, so that a test can put them to Elasticsearch as they are.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

VIEW = "muster-logs"
ERRORS = "event.severity:>=50"
ROWS = 10
WIDTH = 48
"""Columns of a dashboard's grid."""

VERSIONS = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "visualization": "8.5.0",
    "dashboard": "8.9.0",
}


class Search(NamedTuple):
    """A table of records."""

    id: str
    title: str
    columns: tuple[str, ...]
    query: str = ""


class Chart(NamedTuple):
    """Counts by a field: over time as bars, or as a table.

    Attributes:
        devices: a table also counts different devices.
    """

    id: str
    title: str
    field: str
    query: str = ""
    over_time: bool = False
    devices: bool = False


class Dashboard(NamedTuple):
    """Panels in rows; each row is a height and what stands in it.

    Attributes:
        controls: fields to choose values of at the top.
    """

    id: str
    title: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    controls: tuple[tuple[str, str], ...] = ()


_COMMON = ("device.id", "log.level", "log.logger", "message")
SEARCHES = (
    Search("muster-records", "Records", _COMMON),
    Search("muster-errors", "Errors", (*_COMMON, "error.type", "service.version"), ERRORS),
    Search("muster-device-records", "Records of the device", _COMMON[1:]),
)
CHARTS = (
    Chart("muster-volume", "Records by level", "log.level", over_time=True),
    Chart("muster-devices", "Devices that write most", "device.id"),
    Chart("muster-loggers", "Loggers", "log.logger", devices=True),
    Chart("muster-profiles", "Profiles", "device.profile", devices=True),
    Chart("muster-errors-time", "Errors by version", "service.version", ERRORS, over_time=True),
    Chart("muster-faults", "Faults", "muster.fingerprint", ERRORS, devices=True),
    Chart("muster-error-types", "Types of errors", "error.type", ERRORS, devices=True),
    Chart("muster-error-devices", "Devices with most errors", "device.id", ERRORS),
    Chart("muster-crashes", "Crashes by type", "error.type", "log.level:FATAL", over_time=True),
    Chart("muster-sessions", "Log sessions", "muster.log_session"),
    Chart("muster-clamped", "Times not believed", "muster.clamped"),
)
DASHBOARDS = (
    Dashboard(
        "muster-fleet",
        "Muster: fleet logs",
        (
            (12, ("muster-volume",)),
            (14, ("muster-devices", "muster-loggers", "muster-profiles")),
            (20, ("muster-records",)),
        ),
        (("device.profile", "Profile"), ("log.level", "Level")),
    ),
    Dashboard(
        "muster-errors-board",
        "Muster: errors and crashes",
        (
            (12, ("muster-errors-time", "muster-crashes")),
            (14, ("muster-faults", "muster-error-types", "muster-error-devices")),
            (20, ("muster-errors",)),
        ),
        (("service.version", "Version"), ("device.profile", "Profile")),
    ),
    Dashboard(
        "muster-device",
        "Muster: device",
        (
            (10, ("muster-volume",)),
            (12, ("muster-loggers", "muster-faults", "muster-sessions", "muster-clamped")),
            (22, ("muster-device-records",)),
        ),
        (("device.id", "Device"),),
    ),
)

_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"


def objects() -> list[dict[str, Any]]:
    """Make all saved objects."""
    kinds = {one.id: "search" for one in SEARCHES} | {one.id: "visualization" for one in CHARTS}
    view = {"title": f"{VIEW}-*", "name": "Muster logs", "timeFieldName": "@timestamp"}
    return [
        _object("index-pattern", VIEW, view, []),
        *map(_search, SEARCHES),
        *map(_chart, CHARTS),
        *(_dashboard(one, kinds) for one in DASHBOARDS),
    ]


def _object(
    kind: str, name: str, attributes: dict[str, Any], references: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "attributes": attributes,
        "coreMigrationVersion": "8.8.0",
        "id": name,
        "references": references,
        "type": kind,
        "typeMigrationVersion": VERSIONS[kind],
    }


def _source(query: str) -> dict[str, str]:
    said = {"query": {"query": query, "language": "lucene"}, "filter": [], "indexRefName": _SOURCE}
    return {"searchSourceJSON": json.dumps(said)}


def _to_view() -> list[dict[str, str]]:
    return [{"name": _SOURCE, "type": "index-pattern", "id": VIEW}]


def _search(one: Search) -> dict[str, Any]:
    attributes = {
        "title": one.title,
        "description": "",
        "columns": list(one.columns),
        "sort": [["@timestamp", "desc"]],
        "kibanaSavedObjectMeta": _source(one.query),
    }
    return _object("search", one.id, attributes, _to_view())


def _chart(one: Chart) -> dict[str, Any]:
    aggs = [{"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}]
    terms = {"field": one.field, "size": ROWS, "orderBy": "1", "order": "desc"}
    if one.devices:
        params = {"field": "device.id", "customLabel": "Devices"}
        aggs.append(_agg("2", "cardinality", "metric", params))
    if one.over_time:
        interval = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1}
        aggs += [
            _agg("3", "date_histogram", "segment", interval),
            _agg("4", "terms", "group", terms),
        ]
    else:
        aggs.append(_agg("4", "terms", "bucket", terms))
    kind = "histogram" if one.over_time else "table"
    bars = {"type": "histogram", "addLegend": True, "addTooltip": True, "legendPosition": "right"}
    params = bars if one.over_time else {"perPage": ROWS, "showTotal": False}
    state = {"title": one.title, "type": kind, "aggs": aggs, "params": params}
    attributes = {
        "title": one.title,
        "description": "",
        "visState": json.dumps(state),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": _source(one.query),
    }
    return _object("visualization", one.id, attributes, _to_view())


def _agg(number: str, kind: str, schema: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "enabled": True, "type": kind, "schema": schema, "params": params}


def _dashboard(one: Dashboard, kinds: dict[str, str]) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    y = 0
    for height, row in one.rows:
        width = WIDTH // len(row)
        for place, name in enumerate(row):
            number = str(len(panels) + 1)
            at = {"x": place * width, "y": y, "w": width, "h": height, "i": number}
            panels.append(
                {
                    "type": kinds[name],
                    "gridData": at,
                    "panelIndex": number,
                    "embeddableConfig": {},
                    "panelRefName": f"panel_{number}",
                }
            )
            references.append({"name": f"{number}:panel_{number}", "type": kinds[name], "id": name})
        y += height
    controls = {str(place): _control(place, *pair) for place, pair in enumerate(one.controls)}
    references += [
        {
            "name": f"controlGroup_{place}:optionsListDataView",
            "type": "index-pattern",
            "id": VIEW,
        }
        for place in controls
    ]
    attributes = {
        "title": one.title,
        "description": "",
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "controlGroupInput": {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "ignoreParentSettingsJSON": "{}",
            "panelsJSON": json.dumps(controls),
        },
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "version": 1,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps(
                {"query": {"query": "", "language": "lucene"}, "filter": []}
            )
        },
    }
    return _object("dashboard", one.id, attributes, references)


def _control(place: int, field: str, title: str) -> dict[str, Any]:
    return {
        "type": "optionsListControl",
        "order": place,
        "grow": True,
        "width": "medium",
        "explicitInput": {"id": str(place), "fieldName": field, "title": title},
    }


def text() -> str:
    """Give the file, one object a line."""
    return "".join(json.dumps(one, sort_keys=True) + "\n" for one in objects())


if __name__ == "__main__":
    Path(__file__).with_name("muster.ndjson").write_text(text())
