"""Kibana's saved objects: every field is in the template, every reference is there, and what they
ask Elasticsearch is answered."""

import json
import re
import runpy
from pathlib import Path

import pytest

from muster_platform.logs.elastic.indices import template
from muster_platform.logs.ingest import rows
from muster_platform.stream import bulk
from muster_platform.stream.records import DeviceContext, documents
from muster_protocol.messages import ExceptionInfo, Level, LogRecord, Logs

FOLDER = Path(__file__).parents[3] / "dashboards" / "kibana"
OBJECTS = [json.loads(line) for line in (FOLDER / "muster.ndjson").read_text().splitlines()]
AT = 1_764_000_000_000
_NAMED = re.compile(r"([\w@.]+):")


def of(kind):
    return [one for one in OBJECTS if one["type"] == kind]


def known_fields(properties, before=""):
    for name, field in properties.items():
        if "properties" in field:
            yield from known_fields(field["properties"], f"{before}{name}.")
        elif field.get("index", True):
            yield before + name


def query(one):
    return json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]


def used_fields(one):
    attributes = one["attributes"]
    found = set(_NAMED.findall(query(one)["query"])) if one["type"] != "index-pattern" else set()
    found |= {attributes["timeFieldName"]} if "timeFieldName" in attributes else set()
    found |= set(attributes.get("columns", ())) | {name for name, _ in attributes.get("sort", ())}
    for agg in json.loads(attributes.get("visState", "{}")).get("aggs", ()):
        found |= {agg["params"]["field"]} if "field" in agg["params"] else set()
    controls = json.loads(attributes.get("controlGroupInput", {}).get("panelsJSON", "{}"))
    return found | {control["explicitInput"]["fieldName"] for control in controls.values()}


def test_the_file_is_what_its_script_writes():
    made = runpy.run_path(str(FOLDER / "make.py"))["text"]()
    assert (FOLDER / "muster.ndjson").read_text() == made


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one["id"])
def test_each_field_is_in_the_template(one):
    fields = set(known_fields(template("mappings")["template"]["mappings"]["properties"]))
    assert used_fields(one) <= fields
    assert used_fields(one) or one["type"] == "dashboard"


def test_each_reference_leads_to_an_object_and_each_panel_has_one():
    there = {(one["type"], one["id"]) for one in OBJECTS}
    for one in OBJECTS:
        assert {(ref["type"], ref["id"]) for ref in one["references"]} <= there
    for one in of("dashboard"):
        names = {ref["name"] for ref in one["references"]}
        panels = json.loads(one["attributes"]["panelsJSON"])
        assert panels
        assert {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels} <= names


def test_the_three_dashboards_are_there():
    titles = [one["attributes"]["title"] for one in of("dashboard")]
    assert titles == ["Muster: fleet logs", "Muster: errors and crashes", "Muster: device"]


@pytest.fixture
def filled(platform):
    """One device that says a word, fails and crashes."""
    fault = ExceptionInfo(type="LensError", message="lost", stacktrace="at x")
    records = [
        LogRecord(level=Level.INFO, message="hi", logger="app", ts=AT),
        LogRecord(level=Level.ERROR, message="no", logger="app", ts=AT, exception=fault),
        LogRecord(level=Level.FATAL, message="gone", logger="app", ts=AT, exception=fault),
    ]
    message = Logs(records=records, log_session="s-1")
    given = list(rows(1, message, AT, "o", lambda r: "f" * 32 if r.exception else ""))
    context = DeviceContext("d-1", "", "camera", "1.0", "/1/")
    lines = [bulk.action("muster-logs", one.value) for one in documents(given, {1: context})]
    platform.server.call("POST", "/_bulk?refresh=true", b"".join(lines))
    return platform.server


def asked(one):
    said = query(one)["query"]
    return {"query_string": {"query": said}} if said else {"match_all": {}}


@pytest.mark.parametrize("one", of("visualization"), ids=lambda one: one["id"])
def test_each_chart_counts_something(filled, one):
    aggs = json.loads(one["attributes"]["visState"])["aggs"]
    made = {}
    for agg in aggs:
        kind, params = agg["type"], agg["params"]
        if kind == "date_histogram":
            made[kind] = {kind: {"field": params["field"], "fixed_interval": "1h"}}
        elif kind != "count":
            named = {"field": params["field"]}
            made[kind] = {kind: named | ({"size": params["size"]} if kind == "terms" else {})}
    body = {"size": 0, "query": asked(one), "aggs": made}
    found = filled.call("POST", "/muster-logs-*/_search", body)["aggregations"]
    assert found.keys() == made.keys()
    for answer in found.values():
        assert answer["value"] == 1 if "value" in answer else answer["buckets"]


@pytest.mark.parametrize("one", of("search"), ids=lambda one: one["id"])
def test_each_table_shows_something(filled, one):
    body = {
        "query": asked(one),
        "fields": one["attributes"]["columns"],
        "sort": [{name: direction} for name, direction in one["attributes"]["sort"]],
    }
    hits = filled.call("POST", "/muster-logs-*/_search", body)["hits"]["hits"]
    assert len(hits) == (2 if "Errors" in one["attributes"]["title"] else 3)
    assert set(one["attributes"]["columns"]) <= hits[-1]["fields"].keys() | {"error.type"}
