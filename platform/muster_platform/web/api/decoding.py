"""Turns what a caller sent into typed values, or says which place is wrong."""

import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, get_origin

import msgspec
from werkzeug.datastructures import MultiDict

from muster_platform.errors import InvalidInput, NotFound
from muster_platform.web.errors import BadBody

Typed = TypeVar("Typed")
Query = TypeVar("Query", bound=msgspec.Struct)

INTEGER_MAX = 2**63 - 1
DEPTH_MAX = 64
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<where>[^`]+)`)?$", re.DOTALL)
_FIELD = re.compile(r"(?:missing required|contains unknown) field `(?P<name>[^`]+)`")


def body(data: bytes, content_type: str, kind: type[Typed]) -> Typed:
    """Decode a JSON body.

    Raises:
        BadBody: not JSON.
        InvalidInput: a field is wrong; `where` is its JSON path.
    """
    if content_type.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise BadBody(
            f"the body must be JSON, sent with Content-Type: application/json, not {content_type!r}"
        )
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBody(f"the body is not JSON: {error}") from error
    except RecursionError:
        raise BadBody(f"the body nests deeper than {DEPTH_MAX} levels") from None
    check_storable(plain, "$")
    return convert(plain, kind, "$")


def query(arguments: "MultiDict[str, str]", kind: type[Query]) -> Query:
    """Decode query parameters; one that takes several is repeated or separated by commas.

    Raises:
        InvalidInput: unknown or wrong; `where` is `query.NAME`.
    """
    lists = {item.encode_name for item in msgspec.structs.fields(kind) if _is_list(item.type)}
    plain: dict[str, Any] = {}
    for name, values in arguments.lists():
        if name in lists:
            plain[name] = [part for value in values for part in value.split(",") if part]
        elif len(values) > 1:
            raise InvalidInput("given more than once", where=f"query.{name}")
        else:
            plain[name] = values[0]
    check_storable(plain, "query")
    return convert(plain, kind, "query", strict=False)


def path(values: Mapping[str, Any]) -> None:
    """Refuse path parameters that no thing can be named by.

    Raises:
        NotFound: text that cannot be stored, or a number too large.
    """
    for name, value in values.items():
        too_large = isinstance(value, int) and value > INTEGER_MAX
        if too_large or (isinstance(value, str) and _unstorable(value)):
            raise NotFound(name.removesuffix("_id"), ascii(value)[:100])


def version(if_match: str | None) -> int | None:
    """Read the version in an If-Match header; None when there is none or it is `*`.

    Raises:
        InvalidInput: not an entity tag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = re.fullmatch(r'\s*(?:W/)?"?([0-9]{1,18})(?:-[0-9a-f]+)?"?\s*', if_match)
    if found is None:
        raise InvalidInput(
            f'give the ETag as it was sent, such as "3", not {if_match!r}', where="header.If-Match"
        )
    return int(found[1])


def convert(plain: Any, kind: type[Typed], root: str, *, strict: bool = True) -> Typed:
    """Bring plain values to a type.

    Raises:
        InvalidInput: `where` begins with root.
    """
    try:
        return msgspec.convert(plain, kind, strict=strict)
    except msgspec.ValidationError as error:
        found = _AT.match(str(error))
        what = found["what"] if found else str(error)
        where = ((found["where"] if found else None) or "$").replace("$", root, 1)
        named = _FIELD.search(what)
        if named:
            where = f"{where}.{named['name']}"
        raise InvalidInput(f"{what} ({where})", where=where) from error


def check_storable(value: Any, where: str, depth: int = 0) -> None:
    """Refuse text that no database takes: NUL and lone surrogates.

    Raises:
        InvalidInput: naming the place.
    """
    if depth > DEPTH_MAX:
        raise InvalidInput(f"nested deeper than {DEPTH_MAX} levels", where=where[:200])
    if isinstance(value, str):
        if _unstorable(value):
            raise InvalidInput(f"text with a NUL or half a character ({where})", where=where)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, f"{where} (a key)", depth + 1)
            check_storable(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_storable(item, f"{where}[{index}]", depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > INTEGER_MAX:
        raise InvalidInput(f"a number beyond 64 bits ({where})", where=where)


def _unstorable(text: str) -> bool:
    if text.isascii():
        return "\x00" in text
    return "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (list, tuple, set, frozenset):
        return True
    return origin in (typing.Union, types.UnionType) and any(
        _is_list(part) for part in typing.get_args(kind)
    )
