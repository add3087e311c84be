"""The API's document as pages show it: operations, types and channels."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from muster_platform.web.openapi import JSON, document
from muster_protocol.channels import CHANNELS, Channel
from muster_protocol.topics import PREFIX

ENUM_SHOWN = 12
INT64_MAX = 2**63 - 1
"""Highest number of the database; as a bound it tells a reader nothing."""
METHOD_TONE = {"GET": "rest", "POST": "ok", "PUT": "warn", "PATCH": "warn", "DELETE": "bad"}

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type as a page shows it: words, and the name of the type they lead to ("" for none)."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a type.

    Attributes:
        place: path, query, header, or "" for a field.
    """

    name: str
    kind: Kind
    place: str = ""
    is_required: bool = False
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that may come."""

    status: str
    told: str
    kind: Kind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, whole.

    Attributes:
        permission: what the caller needs, "" for none.
        caller: who calls in words, "" for a signed-in person or an API token.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    told: str
    permission: str
    caller: str
    parameters: list[Field]
    body: Kind | None
    fields: list[Field]
    replies: list[Reply]
    example: Any

    @property
    def tone(self) -> str:
        """Give the tone of its method."""
        return METHOD_TONE.get(self.method, "mute")

    def curl(self, server: str) -> str:
        """Write a line for a shell that calls it."""
        parts = ["curl -sS" + ("" if self.method == "GET" else f" -X {self.method}")]
        if self.caller.startswith("A device"):
            parts.append('-u "$DEVICE_ID:$SECRET"')
        elif self.caller != "Anybody":
            parts.append('-H "Authorization: Bearer $TOKEN"')
        if self.body is not None:
            text = msgspec.json.encode(self.example).decode().replace("'", "'\\''")
            parts.append(f"-H 'Content-Type: {JSON}' -d '{text}'")
        query = "&".join(
            f"{p.name}=…" for p in self.parameters if p.place == "query" and p.is_required
        )
        address = server.rstrip("/") + self.path.replace("{", "$").replace("}", "")
        return " \\\n  ".join([*parts, f'"{address}{"?" + query if query else ""}"'])


@cache
def operations() -> dict[str, Operation]:
    """Give all operations by name, in the order of the document."""
    return {
        operation["operationId"]: _operation(method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def by_tag(search: str) -> dict[str, list[Operation]]:
    """Give the operations that hold every word, under their headings."""
    words = search.lower().split()
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document()["tags"]}
    for item in operations().values():
        text = (
            f"{item.method} {item.path} {item.name} {item.summary} {item.told} {item.tag}".lower()
        )
        if all(word in text for word in words):
            found[item.tag].append(item)
    return {tag: items for tag, items in found.items() if items}


def type_fields(name: str) -> tuple[str, list[Field]] | None:
    """Give a type's description and fields, None where there is no such type."""
    schema = _schemas().get(name)
    return None if schema is None else (_told(schema), _fields(schema))


def type_values(name: str) -> list[Any]:
    """Give the values of a type that is one of several words."""
    return list(_schemas().get(name, {}).get("enum", []))


def users_of(name: str) -> list[Operation]:
    """Give the operations that take or give a type."""
    return [
        item
        for item in operations().values()
        if any(
            kind is not None and kind.link == name
            for kind in (item.body, *(reply.kind for reply in item.replies))
        )
    ]


def channels() -> list[tuple[Channel, str]]:
    """Give the table of channels with their topics."""
    return [
        (channel, f"{PREFIX}/{{device_id}}/{channel.direction}/{channel.name}")
        for channel in CHANNELS
    ]


def _schemas() -> dict[str, Schema]:
    found: dict[str, Schema] = _document()["components"]["schemas"]
    return found


@cache
def _document() -> Schema:
    return document()


def _operation(method: str, path: str, raw: Schema) -> Operation:
    body = None
    if "requestBody" in raw:
        (content,) = raw["requestBody"]["content"].values()
        body = content["schema"]
    return Operation(
        name=raw["operationId"],
        method=method,
        path=path,
        tag=raw["tags"][0],
        summary=raw["summary"],
        told=_without_permission(raw.get("description", "")),
        permission=raw.get("x-permission", ""),
        caller=_caller(raw["security"]),
        parameters=[_parameter(item) for item in raw.get("parameters", ())],
        body=_kind(body) if body is not None else None,
        fields=_fields(_resolved(body)) if body is not None else [],
        replies=[_reply(status, item) for status, item in raw["responses"].items()],
        example=_example(body, "") if body is not None else None,
    )


def _without_permission(text: str) -> str:
    """Leave out the line that the page shows as a fact of its own."""
    kept = [part for part in text.split("\n\n") if not part.startswith("Needs `")]
    return "\n\n".join(kept)


def _caller(security: list[dict[str, Any]]) -> str:
    names = {name for item in security for name in item}
    if not names:
        return "Anybody"
    if "device" in names:
        return "A device, with its id and secret"
    return "Whoever has a refresh token" if "refresh" in names else ""


def _parameter(item: Schema) -> Field:
    return Field(
        name=item["name"],
        kind=_kind(item["schema"]),
        place=item["in"],
        is_required=item["required"],
        told=item.get("description", ""),
    )


def _fields(schema: Schema) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(
            name=name,
            kind=_kind(kind),
            is_required=name in required,
            told=kind.get("description", ""),
        )
        for name, kind in schema.get("properties", {}).items()
    ]


def _reply(status: str, item: Schema) -> Reply:
    if "$ref" in item:
        item = _document()["components"]["responses"][item["$ref"].rpartition("/")[2]]
    content = item.get("content", {})
    kind = None
    for media, found in content.items():
        kind = Kind(text="CSV") if media == "text/csv" else _kind(found["schema"])
    return Reply(status=status, told=item["description"], kind=kind)


def _told(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _resolved(schema: Schema) -> Schema:
    return _schemas()[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _kind(schema: Schema) -> Kind:
    """Write a schema in a few words, with its bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Kind(text=name, link=name)
    if "anyOf" in schema:
        kinds = [_kind(item) for item in schema["anyOf"]]
        return Kind(
            text=" or ".join(kind.text for kind in kinds),
            link=next((kind.link for kind in kinds if kind.link), ""),
        )
    if "enum" in schema:
        words = [str(value) for value in schema["enum"]]
        more = f" … ({len(words)})" if len(words) > ENUM_SHOWN else ""
        return Kind(text=" | ".join(words[:ENUM_SHOWN]) + more + _default(schema))
    if schema.get("type") == "array":
        inner = schema.get("items")
        kind = _kind(inner) if isinstance(inner, dict) else Kind(text="values")
        return Kind(text=f"list of {kind.text}", link=kind.link)
    text = str(schema.get("type", "anything"))
    return Kind(text=text + _bounds(schema) + _default(schema))


def _bounds(schema: Schema) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    if high == INT64_MAX:
        high = None
    unit = " characters" if schema.get("type") == "string" else ""
    if high is None:
        return f", at least {low}{unit}"
    return f", {low if low is not None else 0} to {high}{unit}"


def _default(schema: Schema) -> str:
    value = schema.get("default")
    return f", else {value}" if value not in (None, "", [], {}) else ""


def _example(schema: Schema, name: str) -> Any:
    """Make a value that shows what must be given."""
    schema = _resolved(schema)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], name)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            wanted = schema.get("required") or list(fields)[:1]
            return {field: _example(fields[field], field) for field in wanted if field in fields}
        case "array":
            inner = schema.get("items")
            return [_example(inner, name)] if isinstance(inner, dict) else []
        case "integer" | "number":
            return schema.get("default", schema.get("minimum", 1))
        case "boolean":
            return True
        case _:
            return name.upper() or "TEXT"
