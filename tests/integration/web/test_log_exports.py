"""Exports of logs: bounded, formula-safe, refused before the first line."""

import json
from dataclasses import replace

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.logs.models import LogRecord
from tests.integration.web.conftest import ADMIN, NOBODY
from tests.integration.web.samples import fresh


@pytest.fixture
def world(make_world, sqlite_url):
    found = make_world(sqlite_url)
    fresh(found)
    with found.platform.unit(system_actor("test")) as unit:
        row = unit.session.query(LogRecord).one()
        row.message = "=HYPERLINK(1)"
        unit.session.add(
            LogRecord(
                id="second",
                device_key=row.device_key,
                ts=row.ts - 5,
                received_at=row.ts,
                level=20,
                logger="app",
                message="<script>",
                fields={"n": 1},
            )
        )
    return found


def test_no_cell_is_a_formula(world):
    answer = world.call("GET", "/logs.csv", ADMIN)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "'=HYPERLINK(1)" in answer.text
    assert len(answer.text.splitlines()) == 3


def test_json_lines_hold_the_whole_record(world):
    answer = world.call("GET", "/logs.jsonl", ADMIN, query_string={"min_level": "DEBUG"})
    first, second = map(json.loads, answer.text.splitlines())
    assert first["message"] == "=HYPERLINK(1)"
    assert second["fields"] == {"n": 1}


def test_an_export_ends_after_as_many_rows_as_the_setting_says(world):
    units = world.platform.units
    units.settings = replace(units.settings, export_rows_max=1)
    assert len(world.call("GET", "/logs.jsonl", ADMIN).text.splitlines()) == 1


@pytest.mark.parametrize("path", ["/logs.csv", "/logs.jsonl", "/fingerprints.csv"])
def test_a_refusal_is_an_answer_and_no_half_file(world, path):
    assert world.call("GET", path, NOBODY).status_code == 403


def test_a_mistake_in_the_words_is_told_with_its_place(world):
    answer = world.call("GET", "/logs", ADMIN, query_string={"text": 'a "b'})
    assert answer.status_code == 422
    assert answer.json["position"] == 3


def test_faults_are_exported_with_their_counts(world):
    text = world.call("GET", "/fingerprints.csv", ADMIN).text
    assert "it broke" in text
    assert "2.1" in text
