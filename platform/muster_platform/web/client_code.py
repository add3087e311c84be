"""The generated half of the Python client, made from the OpenAPI document.

python -m muster_platform.web.client_code types > client/muster_client/generated/types.py
python -m muster_platform.web.client_code operations > client/muster_client/generated/operations.py
"""

import keyword
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from muster_platform.web.api.idempotency import HEADER as IDEMPOTENCY_HEADER
from muster_platform.web.api.routing import OCTETS, PREFIX
from muster_platform.web.openapi import document

NOTE = "Generated from docs/api/openapi.json by `make docs`; changes here are lost."
HEAD = f'"""{{what}}.\n\n{NOTE}\n"""\n'
WIDTH = 96
LISTED = re.compile(r"Listed_(\w+)_")
SIGNED_IN = ("bearer",)
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

Schema = dict[str, Any]


def types() -> str:
    """Give the module of answer types: a TypedDict for each schema of an object."""
    lines = [
        HEAD.format(what="What the API takes and gives"),
        "from __future__ import annotations\n",
        "from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar\n",
        'T = TypeVar("T")\n\n',
        "class Listed(TypedDict, Generic[T]):",
        '    """A page of a list; `next_cursor` is None at its end."""\n',
        "    items: list[T]",
        "    next_cursor: str | None",
    ]
    schemas = document()["components"]["schemas"]
    lines.append("")
    for name in [name for name in schemas if "enum" in schemas[name]]:
        lines += ["", *_enum(name, schemas[name]["enum"])]
    for name, schema in schemas.items():
        if "enum" not in schema and not LISTED.fullmatch(name):
            lines += ["\n", *_typed_dict(name, schema)]
    return "\n".join(lines) + "\n"


def _enum(name: str, values: list[Any]) -> list[str]:
    return [f"{name} = Literal[", *(f"    {_text(value)}," for value in values), "]"]


def _typed_dict(name: str, schema: Schema) -> list[str]:
    # What is sent leaves out what has a default; what is answered holds every field.
    sent = schema.get("additionalProperties") is False
    required = set(schema.get("required", ())) if sent else set(schema.get("properties", {}))
    lines = [f"class {_name(name)}(TypedDict):", *_doc(_words_of(name, schema), "    ")]
    fields = [
        f"    {field}: {_type(kind, '')}"
        if field in required
        else f"    {field}: NotRequired[{_type(kind, '')}]"
        for field, kind in schema.get("properties", {}).items()
    ]
    return lines + (["", *fields] if fields else [])


def _words_of(name: str, schema: Schema) -> str:
    told = _list("Attributes", schema.get("properties", {}).items())
    return "\n\n".join(text for text in (schema.get("description", name), told) if text)


def _list(heading: str, fields: Iterable[tuple[str, Schema]]) -> str:
    lines = [
        f"    {_name(name)}: {' '.join(kind['description'].split())}"
        for name, kind in fields
        if kind.get("description")
    ]
    return "\n".join([f"{heading}:", *lines]) if lines else ""


def operations() -> str:
    """Give the module of methods: one for each operation that a signed-in caller has."""
    lines = [
        HEAD.format(what="One method for each operation of the API"),
        "from typing import Any, Literal\n",
        "from muster_client.core import Caller, Lines, part",
        "from muster_client.generated import types as t",
        "from muster_client.unset import UNSET, Unset\n\n",
        "class Operations(Caller):",
        '    """Every operation, by its operationId."""',
    ]
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if _for_people(operation):
                lines += ["", *_method(method.upper(), path.removeprefix(PREFIX), operation)]
    return "\n".join(lines) + "\n"


def _for_people(operation: Schema) -> bool:
    """Say whether a signed-in caller, or anybody, may call it (not: a device)."""
    wanted = operation["security"]
    answer = operation["responses"].get("200", {}).get("content", {})
    if OCTETS in {**operation.get("requestBody", {}).get("content", {}), **answer}:
        return False  # files have methods of their own, written by hand
    return not wanted or any(name in scheme for scheme in wanted for name in SIGNED_IN)


def _method(method: str, path: str, operation: Schema) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    in_path = [item for item in parameters if item["in"] == "path"]
    query = [item for item in parameters if item["in"] == "query"]
    headers = {item["name"] for item in parameters if item["in"] == "header"}
    body = _body(operation)
    signature = [f"{_name(item['name'])}: {_type(item['schema'])}" for item in in_path]
    named = [*_of_body(body), *(_optional(item, item["required"]) for item in query)]
    if "If-Match" in headers:
        named.append("if_match: str | int | None = None")
    if IDEMPOTENCY_HEADER in headers:
        named.append("idempotency_key: str | None = None")
    if named:
        signature += ["*", *named]
    answer = _answer(operation)
    yield f"    def {operation['operationId']}("
    yield from (f"        {item}," for item in ("self", *signature))
    yield f"    ) -> {answer}:"
    yield from _doc(_told(operation, body), " " * 8)
    yield "        " + ("" if answer == "None" else "found: " + answer + " = ") + "self.call("
    yield f'            "{method}",'
    yield f"            {_path(path)},"
    yield from _fields("query", [item["name"] for item in query])
    yield from _fields("body", list(body.get("properties", {})) if body else None)
    if "If-Match" in headers:
        yield "            if_match=if_match,"
    if IDEMPOTENCY_HEADER in headers:
        yield "            idempotent=True,"
        yield "            idempotency_key=idempotency_key,"
    if not operation["security"]:
        yield "            signed_in=False,"
    if answer == "Lines":
        yield "            lines=True,"
    yield "        )"
    if answer != "None":
        yield "        return found"


def _fields(what: str, names: list[str] | None) -> Iterator[str]:
    if names is None or (not names and what == "query"):
        return
    if not names:
        yield f"            {what}={{}},"
        return
    yield f"            {what}={{"
    yield from (f'                "{name}": {_name(name)},' for name in names)
    yield "            },"


def _body(operation: Schema) -> Schema | None:
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return None
    (schema,) = [kind["schema"] for kind in content.values()]
    found: Schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _of_body(body: Schema | None) -> Iterator[str]:
    """Give the fields of a body as arguments: those it cannot do without first."""
    required = (body or {}).get("required", ())
    fields = sorted((body or {}).get("properties", {}).items(), key=lambda f: f[0] not in required)
    for name, kind in fields:
        if name in required:
            yield f"{_name(name)}: {_type(kind)}"
        else:
            text = _type(kind)
            null = " | None" if text.endswith(" | None") else ""
            yield f"{_name(name)}: {text.removesuffix(' | None')} | Unset{null} = UNSET"


def _optional(item: Schema, required: bool) -> str:
    kind = _type(item["schema"]).removesuffix(" | None")
    return f"{_name(item['name'])}: {kind}" + ("" if required else " | None = None")


def _answer(operation: Schema) -> str:
    status = next(code for code in operation["responses"] if code.startswith("2"))
    content = operation["responses"][status].get("content", {})
    if not content:
        return "None"
    return (
        _type(content["application/json"]["schema"]) if "application/json" in content else "Lines"
    )


def _type(schema: Schema, where: str = "t.") -> str:
    """Write a schema as a type of Python."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        listed = LISTED.fullmatch(name)
        return f"{where}Listed[{where}{_name(listed[1])}]" if listed else where + _name(name)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(kind, where) for kind in schema["anyOf"]))
    if "enum" in schema:
        return f"Literal[{', '.join(_text(value) for value in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return f"list[{_type(items, where)}]" if isinstance(items, dict) else "list[Any]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {_type(values, where) if isinstance(values, dict) else 'Any'}]"
    return PLAIN.get(kind or "", "Any")


def _path(path: str) -> str:
    named = re.sub(r"{(\w+)}", lambda found: f"{{part({found[1]})}}", path)
    return f'f"{named}"' if named != path else f'"{path}"'


def _told(operation: Schema, body: Schema | None) -> str:
    parameters = [item for item in operation.get("parameters", []) if item["in"] != "header"]
    arguments = {item["name"]: item for item in parameters} | (body or {}).get("properties", {})
    more = [
        *(operation.get("description", ""), (body or {}).get("description", "")),
        _list("Args", arguments.items()),
    ]
    return "\n\n".join([operation["summary"] + ".", *(text for text in more if text)])


def _doc(text: str, indent: str) -> list[str]:
    summary, _, rest = text.partition("\n\n")
    lines = textwrap.wrap(" ".join(summary.split()), WIDTH - len(indent) - 3)
    for paragraph in rest.split("\n\n") if rest else ():
        lines.append("")
        for line in paragraph.splitlines():
            own = line[: len(line) - len(line.lstrip())]
            lines += textwrap.wrap(
                line.strip(),
                WIDTH - len(indent),
                initial_indent=own,
                subsequent_indent=own + "    " if own else "",
            )
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    first, *others = lines
    return [f'{indent}"""{first}', *((indent + line).rstrip() for line in others), f'{indent}"""']


def _name(name: str) -> str:
    clean = re.sub(r"\W", "_", name)
    return clean + "_" if keyword.iskeyword(clean) else clean


def _text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    sys.stdout.write({"types": types, "operations": operations}[sys.argv[1]]())
