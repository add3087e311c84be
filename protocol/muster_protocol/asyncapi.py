"""The AsyncAPI 3.0 document, made from the channel table and the messages.

``python -m muster_protocol.asyncapi`` prints it; ``make docs`` stores it in docs/api. It is
written from the platform's side: what it receives is what devices publish.
"""

import re
from typing import Any

import msgspec

from muster_protocol import examples, limits
from muster_protocol.channels import CHANNELS, RESERVED, Channel, Direction
from muster_protocol.commands import COMMANDS, CommandArgs
from muster_protocol.ids import DEVICE_ID_PATTERN
from muster_protocol.messages import Command, LogRecord, Logs, Telemetry
from muster_protocol.messages.telemetry import Values
from muster_protocol.topics import Topic

Json = dict[str, Any]

INTRODUCTION = f"""\
What a device and the platform say to each other, on any MQTT 3.1.1 broker. Client id, user name
and device id are the same. A device publishes below its own `up/` and subscribes below its own
`down/`. Payloads are one JSON object, UTF-8, at most {limits.PAYLOAD_BYTES} bytes; unknown fields
are ignored; of a key that stands twice the last one counts; times are milliseconds since the
epoch, UTC. A full device numbers its messages with `boot` and `seq`; a plain one need not, and may
send the short forms. `up/x/` and `down/x/` are an integrator's own and are not read."""

PARAMETERS: dict[str, Json] = {
    "device_id": {"description": f"The device, `{DEVICE_ID_PATTERN}`; a gateway for its children."},
    "child": {"description": "A device behind the gateway that speaks for it."},
    "rest": {"description": "Any levels of an integrator's own."},
}
_ATTRIBUTE = re.compile(r"^ *(\w+): (.*(?:\n {12,}.*)*)", re.MULTILINE)


def document() -> Json:
    """Build the whole document, ready for JSON."""
    rows = [(row, child) for row in CHANNELS for child in (False, True)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Muster device protocol",
            "version": "1.0.0",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {_key(row, child): _channel(row, child) for row, child in rows}
        | {f"{way}_{RESERVED}": _reserved(way) for way in Direction},
        "operations": {
            f"{_verb(row)}_{_key(row, child)}": _operation(row, child) for row, child in rows
        },
        "components": {
            "messages": {name: made for row in CHANNELS for name, made in _messages(row).items()},
            "parameters": PARAMETERS,
            "schemas": _schemas(),
            "securitySchemes": {
                "device": {
                    "type": "userPassword",
                    "description": "The device id, and the secret that enrolment answered.",
                }
            },
        },
    }


def _server() -> Json:
    return {
        "host": "{host}",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "variables": {"host": {"default": "localhost:1883", "description": "Broker and port."}},
        "security": [{"$ref": "#/components/securitySchemes/device"}],
    }


def _key(row: Channel, child: bool) -> str:
    return f"{row.direction}_{row.name}{'_child' if child else ''}"


def _verb(row: Channel) -> str:
    return "receive" if row.direction is Direction.UP else "send"


def _parameters(*names: str) -> Json:
    return {name: {"$ref": f"#/components/parameters/{name}"} for name in names}


def _channel(row: Channel, child: bool) -> Json:
    topic = Topic("{device_id}", row.direction, row.name, "{child}" if child else None)
    names = ("device_id", "child") if child else ("device_id",)
    return {
        "address": str(topic),
        "summary": f"{row.summary}{', of a device behind a gateway' if child else ''}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages(row)},
        "parameters": _parameters(*names),
    }


def _reserved(way: Direction) -> Json:
    return {
        "address": str(Topic("{device_id}", way, RESERVED, rest="{rest}")),
        "summary": "An integrator's own: allowed, stored as it is, not read",
        "parameters": _parameters("device_id", "rest"),
    }


def _operation(row: Channel, child: bool) -> Json:
    key = _key(row, child)
    return {
        "action": _verb(row),
        "channel": {"$ref": f"#/channels/{key}"},
        "summary": row.summary,
        "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in _messages(row)],
        "bindings": {"mqtt": {"qos": row.qos, "retain": row.retained, "bindingVersion": "0.2.0"}},
    }


def _messages(row: Channel) -> dict[str, Json]:
    """Give the forms that a channel's message has, by name."""
    name = f"{row.direction}_{row.name}"
    example = msgspec.to_builtins(examples.EXAMPLES[row.direction, row.name])
    made = {name: _message(row.summary, _ref(row.message.__name__), example)}
    if row.message is Telemetry:
        made[f"{name}_plain"] = _message(
            "Values alone, from a plain device", _ref("PlainTelemetry"), examples.PLAIN_TELEMETRY
        )
    if row.message is Logs:
        made[f"{name}_plain"] = _message(
            "One record alone, from a plain device", _ref("LogRecord"), examples.PLAIN_LOG
        )
    if row.message is Command:
        made |= {f"{name}_{known}": _command(known, kind) for known, kind in COMMANDS.items()}
    return made


def _message(title: str, payload: Json, example: Json | None = None) -> Json:
    made: Json = {"title": title, "payload": payload}
    return made if example is None else {**made, "examples": [{"payload": example}]}


def _command(name: str, kind: type[CommandArgs]) -> Json:
    known = {"name": {"const": name}, "args": _ref(kind.__name__)}
    payload = {"allOf": [_ref("Command"), {"type": "object", "properties": known}]}
    return _message(f"The command {name}, which every full device has", payload)


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> dict[str, Json]:
    kinds = [*dict.fromkeys(row.message for row in CHANNELS), LogRecord, *COMMANDS.values()]
    template = "#/components/schemas/{name}"
    _, schemas = msgspec.json.schema_components(kinds, ref_template=template)
    (values,), _ = msgspec.json.schema_components([Values], ref_template=template)
    about = "Values measured together, each by its name; `ts`, `boot` and `seq` are not values."
    beside = {name: schemas["Telemetry"]["properties"][name] for name in ("boot", "seq")}
    beside["ts"] = schemas["Point"]["properties"]["ts"]
    plain = {**values, "title": "PlainTelemetry", "description": about, "properties": beside}
    del plain["maxProperties"]  # it would count those beside the values, too
    found = {**schemas, "PlainTelemetry": plain}
    return {name: _described(found[name]) for name in sorted(found)}


def _described(schema: Json) -> Json:
    """Move what a docstring says of attributes to the properties themselves."""
    text, _, attributes = schema.get("description", "").partition("Attributes:")
    if not attributes:
        return schema
    properties = dict(schema["properties"])
    for name, words in _ATTRIBUTE.findall(attributes):
        if name in properties:
            properties[name] = {**properties[name], "description": " ".join(words.split())}
    return {**schema, "description": text.strip(), "properties": properties}


def main() -> None:
    """Print the document."""
    text = msgspec.json.format(msgspec.json.encode(document()), indent=2)
    print(text.decode())


if __name__ == "__main__":
    main()
