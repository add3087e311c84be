"""The slow path of decoding: which key of which object is at fault.

msgspec names fields and indices but writes ``[...]`` for the key of a free-form object
(``$.points[3].values[...]``). What a person needs is that key, so it is searched for by halving
the object and decoding again; nothing here runs for a good payload.
"""

import re
from collections.abc import Callable

import msgspec

Decode = Callable[[bytes], object]
"""Decodes, or raises what msgspec raises."""
Fails = Callable[[bytes], bool]
"""Says whether a payload has the same fault."""

FAULTS = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""All that decoding hostile bytes was seen to raise; OverflowError and RecursionError are not
ValueErrors."""

KEY_CHARS = 64
"""How much of a key is shown."""

_ANY_KEY = "[...]"
_STEP = re.compile(r"\.(?P<field>[^.\[\]]+)|\[(?P<index>\d+)\]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OF_KEY = " - at `key` in `"
_AT = " - at `"

Step = str | int


def split(text: str) -> tuple[str, str, bool]:
    """Take msgspec's message apart.

    Returns:
        What is wrong, where (a JSON path), and whether it is the key there, not its value.
    """
    for mark, of_key in ((_OF_KEY, True), (_AT, False)):
        what, found, where = text.rpartition(mark)
        if found:
            return what, where.rstrip("`"), of_key
    return text, "$", False


def locate(decode: Decode, payload: bytes, error: BaseException) -> tuple[str, str]:
    """Say what is wrong and where, with names in the place of every ``[...]``.

    Args:
        decode: raised the error on the payload.

    Returns:
        What, and the JSON path; with ``[...]`` left in it where no single key is at fault.
    """
    what, where, of_key = split(str(error))

    def fails(candidate: bytes) -> bool:
        try:
            decode(candidate)
        except FAULTS as other:
            return split(str(other))[0] == what
        return False

    try:
        return what, _named(fails, payload, where, of_key)
    except (*FAULTS, LookupError):
        return what, where


def _named(fails: Fails, payload: bytes, where: str, of_key: bool) -> str:
    steps: list[Step] = []
    shown = ""
    for number, part in enumerate(where.removeprefix("$").split(_ANY_KEY)):
        if number:
            key = _guilty_key(fails, payload, steps)
            payload = _put(payload, steps, {key: _get(payload, [*steps, key])})
            steps.append(key)
            shown += _show(key)
        steps += _steps(part)
        shown += part
    if of_key:
        shown += _show(_guilty_key(fails, payload, steps))
    return f"${shown}"


def _guilty_key(fails: Fails, payload: bytes, steps: list[Step]) -> str:
    """Find the first key of the object at the path that makes decoding fail.

    Raises:
        LookupError: none does alone (the fault is in a key that stands twice).
    """
    entries = msgspec.json.decode(_get(payload, steps), type=dict[str, msgspec.Raw])
    keys = list(entries)
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        guilty = fails(_put(payload, steps, {key: entries[key] for key in half}))
        keys = half if guilty else keys[len(half) :]
    if not keys or not fails(_put(payload, steps, {keys[0]: entries[keys[0]]})):
        raise LookupError(steps)
    return keys[0]


def _steps(path: str) -> list[Step]:
    return [
        int(found["index"]) if found["index"] else found["field"] for found in _STEP.finditer(path)
    ]


def _get(raw: bytes | msgspec.Raw, steps: list[Step]) -> msgspec.Raw:
    for step in steps:
        if isinstance(step, int):
            raw = msgspec.json.decode(raw, type=list[msgspec.Raw])[step]
        else:
            raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[step]
    return msgspec.Raw(bytes(raw))


def _put(raw: bytes | msgspec.Raw, steps: list[Step], new: dict[str, msgspec.Raw]) -> bytes:
    """Write the payload again with another object at the path."""
    if not steps:
        return msgspec.json.encode(new)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
        items[step] = msgspec.Raw(_put(items[step], rest, new))
        return msgspec.json.encode(items)
    entries = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    entries[step] = msgspec.Raw(_put(entries[step], rest, new))
    return msgspec.json.encode(entries)


def _show(key: str) -> str:
    short = key if len(key) <= KEY_CHARS else key[:KEY_CHARS] + "…"
    if _PLAIN_KEY.fullmatch(short):
        return f".{short}"
    return f"[{msgspec.json.encode(short).decode()}]"
