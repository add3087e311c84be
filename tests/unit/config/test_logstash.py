"""Logstash's pipeline is well formed and moves documents as they are: no logic, nothing unknown."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from muster_platform.logs.elastic.indices import index_of, template
from muster_platform.settings import Settings
from muster_platform.stream.records import RECORDS_TOPIC

FOLDER = Path(__file__).parents[3] / "config" / "logstash"
PIPELINE = (FOLDER / "pipeline.conf").read_text()
TOKEN = re.compile(r'\s+|#[^\n]*|(=>|[{}\[\],])|"([^"\n]*)"|([a-z_]+)')
KNOWN = {
    "kafka": {"bootstrap_servers", "topics", "group_id", "auto_offset_reset", "codec"},
    "elasticsearch": {
        *("hosts", "user", "password", "index", "document_id", "action", "manage_template"),
        *("ilm_enabled", "data_stream", "ecs_compatibility"),
    },
}


def tokens(text):
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"character {at}: {text[at : at + 30]!r}"
        at = found.end()
        value = next((group for group in found.groups() if group is not None), None)
        if value is not None:
            yield value


def plugin(given):
    """Read `name { setting => value … }`, the name read already."""
    assert next(given) == "{"
    made = {}
    while (name := next(given)) != "}":
        assert next(given) == "=>"
        value = next(given)
        if value == "[":
            value = []
            while (item := next(given)) != "]":
                value += [item] if item != "," else []
        elif value == "json":
            value = plugin(given)
        assert name not in made
        made[name] = value
    return made


@pytest.fixture
def pipeline():
    given = tokens(PIPELINE)
    made = {}
    for stage in given:
        assert next(given) == "{"
        name = next(given)
        made[stage] = (name, plugin(given))
        assert next(given) == "}"
    return made


def test_it_has_one_input_one_output_and_no_filter(pipeline):
    assert {stage: name for stage, (name, _) in pipeline.items()} == {
        "input": "kafka",
        "output": "elasticsearch",
    }


def test_each_setting_is_one_of_its_plugin(pipeline):
    for name, settings in pipeline.values():
        assert settings.keys() <= KNOWN[name]


def test_it_reads_the_topic_of_finished_records(pipeline):
    assert pipeline["input"][1]["topics"] == [RECORDS_TOPIC]


def test_id_and_index_are_those_that_the_indexer_gives(pipeline):
    output = pipeline["output"][1]
    assert output["action"] == "create"
    assert output["index"] == index_of("muster-logs", "2026-11-24T00:00:00.000Z").replace(
        "2026.11.24", "%{+yyyy.MM.dd}"
    )
    (path,) = re.findall(r"%\{(.*)\}", output["document_id"])
    properties = template("mappings")["template"]["mappings"]["properties"]
    assert path == "[event][id]"
    assert "id" in properties["event"]["properties"]
    # It adds @version to each document; a strict template must know it.
    assert "@version" in properties
    assert output["manage_template"] == "false"


def test_each_variable_is_a_setting_of_ours():
    names = {f"MUSTER_{one.name.upper()}" for one in fields(Settings)}
    used = set(re.findall(r"\$\{(\w+)", PIPELINE))
    assert used
    assert used <= names


def test_its_queue_and_dead_letters_are_on_disk():
    lines = (FOLDER / "logstash.yml").read_text().splitlines()
    said = dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
    assert said["queue.type"] == "persisted"
    assert said["dead_letter_queue.enable"] == "true"
    assert said["path.config"].endswith("/pipeline.conf")
