"""Documents of `muster.records` as a bulk request, and what the answer says of each. Pure.

A document is moved as its bytes stand: of all of it only its id and its day are read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from muster_platform.logs.elastic.indices import index_of

PATH = "/_bulk?filter_path=items.*.status,items.*.error"
REASON_CHARS = 500
ID_BYTES = 512
"""Longest id that Elasticsearch takes; a longer one would have it refuse the whole request."""
_DAY = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T")


class _Event(msgspec.Struct):
    id: str


class _Head(msgspec.Struct):
    timestamp: str = msgspec.field(name="@timestamp")
    event: _Event


class _Cause(msgspec.Struct):
    type: str = ""
    reason: str | None = ""


class _Error(_Cause):
    caused_by: _Cause | None = None


class _Result(msgspec.Struct):
    status: int
    error: _Error | None = None


class _Item(msgspec.Struct):
    create: _Result


class _Answer(msgspec.Struct):
    items: list[_Item]


_head = msgspec.json.Decoder(_Head)
_answer = msgspec.json.Decoder(_Answer)
_encode = msgspec.json.encode


@dataclass(slots=True)
class Settled:
    """What became of the documents of a request.

    Attributes:
        again: places of those to try later (429, 5xx).
        refused: place and reason of those that will never be taken.
        created, known: how many are new, and were there already.
    """

    again: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    created: int = 0
    known: int = 0


def action(prefix: str, value: bytes) -> bytes:
    """Write a document and the line that says where it belongs.

    Raises:
        msgspec.DecodeError: it is no document of ours, or has no id or time.
    """
    head = _head.decode(value)
    if not _DAY.match(head.timestamp):
        raise msgspec.ValidationError("`@timestamp` is not a time as ISO 8601 writes it")
    if not 1 <= len(head.event.id.encode()) <= ID_BYTES:
        raise msgspec.ValidationError(f"`event.id` takes 1 to {ID_BYTES} bytes")
    day = index_of(prefix, head.timestamp)
    if b"\n" in value:
        value = _encode(msgspec.json.decode(value))
    identity = _encode(head.event.id)
    return b'{"create":{"_index":"%b","_id":%b}}\n%b\n' % (day.encode(), identity, value)


def settle(answer: bytes, number: int) -> Settled:
    """Read the answer to a request of so many documents.

    Raises:
        msgspec.DecodeError: it is none.
    """
    items = _answer.decode(answer).items
    if len(items) != number:
        raise msgspec.DecodeError(f"{len(items)} results for {number} documents")
    made = Settled()
    for place, item in enumerate(items):
        status = item.create.status
        if status == 201:
            made.created += 1
        elif status == 409:
            made.known += 1
        elif status == 429 or status >= 500:
            made.again.append(place)
        else:
            made.refused.append((place, _reason(item.create)))
    return made


def _reason(result: _Result) -> str:
    if result.error is None:
        return f"status {result.status}"
    causes: Sequence[_Cause | None] = (result.error, result.error.caused_by)
    said = [f"{cause.type}: {cause.reason}" for cause in causes if cause is not None]
    return "; ".join(said)[:REASON_CHARS]
