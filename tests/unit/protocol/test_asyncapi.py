"""The AsyncAPI document: valid by the official schema, complete, and true of the codec."""

import json

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_protocol import asyncapi, codec, examples, topics
from muster_protocol.channels import CHANNELS, Direction
from muster_protocol.commands import COMMANDS
from tests.services import node
from tests.unit.protocol.strategies import messages

DOCUMENT = asyncapi.document()
SCHEMAS = {"components": {"schemas": DOCUMENT["components"]["schemas"]}}


def validator(payload):
    """Make a JSON Schema validator of one message's payload."""
    return jsonschema.Draft202012Validator({**SCHEMAS, **payload})


def test_it_is_valid_by_the_official_schema():
    schema = node.package("@asyncapi/specs") / "schemas" / "3.0.0.json"
    official = jsonschema.Draft7Validator(json.loads(schema.read_text()))
    document = json.loads(msgspec.json.encode(DOCUMENT))
    assert [error.message for error in official.iter_errors(document)] == []


def test_every_reference_leads_somewhere():
    def references(value):
        if isinstance(value, dict):
            yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in references(DOCUMENT):
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_channel_has_an_address_an_operation_and_an_example():
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    for row in CHANNELS:
        assert f"muster/1/{{device_id}}/{row.direction}/{row.name}" in addresses
        assert f"muster/1/{{device_id}}/{row.direction}/{row.name}/{{child}}" in addresses
        verb = "receive" if row.direction is Direction.UP else "send"
        operation = DOCUMENT["operations"][f"{verb}_{row.direction}_{row.name}"]
        assert operation["bindings"]["mqtt"]["retain"] is row.retained
        assert examples.EXAMPLES[row.direction, row.name]


def test_addresses_are_topics_of_the_protocol():
    for channel in DOCUMENT["channels"].values():
        text = channel["address"].format(device_id="d", child="c", rest="a/b")
        assert str(topics.parse(text)) == text


@pytest.mark.parametrize("row", CHANNELS, ids=lambda row: f"{row.direction}-{row.name}")
def test_examples_are_read_by_the_codec_and_fit_their_schema(row):
    for name, message in asyncapi._messages(row).items():
        for example in message.get("examples", []):
            payload = msgspec.json.encode(example["payload"])
            assert codec.decode(row.direction, row.name, payload)
            problems = validator(message["payload"]).iter_errors(json.loads(payload))
            assert [problem.message for problem in problems] == [], name


@pytest.mark.parametrize("row", CHANNELS, ids=lambda row: f"{row.direction}-{row.name}")
@given(data=st.data())
def test_whatever_the_codec_writes_fits_the_schema(row, data):
    message = data.draw(messages(row.message))
    payload = json.loads(codec.encode(message))
    schema = DOCUMENT["components"]["messages"][f"{row.direction}_{row.name}"]["payload"]
    assert [problem.message for problem in validator(schema).iter_errors(payload)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_known_command_shows_its_arguments(name):
    message = DOCUMENT["components"]["messages"][f"down_commands_{name}"]
    arguments = message["payload"]["allOf"][1]["properties"]["args"]["$ref"]
    assert arguments.rpartition("/")[2] in DOCUMENT["components"]["schemas"]


def test_what_an_attribute_means_stands_at_its_property():
    hello = DOCUMENT["components"]["schemas"]["Hello"]
    assert "Attributes:" not in hello["description"]
    assert "never yet published" in hello["properties"]["unsent"]["description"]
