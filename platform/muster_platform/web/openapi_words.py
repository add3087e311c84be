"""Words of the OpenAPI document that stand in docstrings."""

import inspect
import re
from typing import Any

_ATTRIBUTE = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<words>.*(?:\n {8}.*)*)", re.MULTILINE)


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Move what a struct's docstring says of its attributes to the properties themselves."""
    # Indented as it stands in the class, it would read as code.
    text, _, attributes = inspect.cleandoc(schema.get("description", "")).partition("Attributes:\n")
    if not text:
        return schema
    properties = dict(schema.get("properties", {}))
    for found in _ATTRIBUTE.finditer(attributes):
        for name in found["names"].split(", "):
            if name in properties:
                words = " ".join(found["words"].split())
                properties[name] = {**properties[name], "description": words}
    done = {**schema, "description": text.strip()}
    return {**done, "properties": properties} if properties else done
