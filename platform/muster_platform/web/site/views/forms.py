"""Reading what people type into plain forms."""

import json
from typing import Any

from muster_platform.errors import InvalidInput

INTEGER_MAX = 2**53


def json_object(text: str, where: str) -> dict[str, Any]:
    """Read one JSON object; nothing typed is an empty one.

    Raises:
        InvalidInput: not JSON, or not an object; says at which line and column.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", where=where
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON that can be read: {error}", where=where) from error
    if not isinstance(value, dict):
        raise InvalidInput('expected one JSON object, such as {"seconds": 5}', where=where)
    return value


def positive_integer(text: str, where: str) -> int:
    """Read a whole number of at least 1.

    Raises:
        InvalidInput: it is none.
    """
    digits = text.lstrip("0") if text.isascii() and text.isdecimal() else ""
    if digits and 1 <= int(digits[:20]) <= INTEGER_MAX:
        return int(digits)
    raise InvalidInput(f"expected a whole number of at least 1, got {text[:40]!r}", where=where)


def read_tags(text: str) -> dict[str, str]:
    """Read `name=value, name` as tags."""
    tags = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip():
            tags[name.strip()] = value.strip()
    return tags


def version_of(form: Any) -> int | None:
    """Give the version that a form was drawn from, in its hidden field; None where it is none."""
    text = str(form.version.data or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None
