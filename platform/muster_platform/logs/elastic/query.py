"""From a LogQuery to the query of Elasticsearch, with the meaning it has in the database. Pure.

Text is found by containing. `message` is split at white space only: a word without any is inside
one token, so a wildcard on tokens finds it anywhere; a phrase begins in the end of one token and
ends in the beginning of another. The type and message of an error are one token each.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from muster_platform.logs.store import LogQuery
from muster_platform.logs.text_query import Term

SLICE = 65_536
"""Most values of one `terms` query (index.max_terms_count)."""

Query = dict[str, Any]
_WHOLE = ("error.type", "error.message")


def query_of(wanted: LogQuery, keys: Sequence[int]) -> Query:
    """Write the query.

    Args:
        keys: of the devices that count, as `wanted.devices` selects them.
    """
    must: list[Query] = [among_devices(keys)]
    if wanted.levels is not None:
        must.append({"terms": {"event.severity": sorted(wanted.levels)}})
    border = {"gte": wanted.since, "lt": wanted.until}
    chosen = {name: value for name, value in border.items() if value is not None}
    if chosen:
        must.append({"range": {"@timestamp": {**chosen, "format": "epoch_millis"}}})
    if wanted.logger:
        must.append({"prefix": {"log.logger": wanted.logger}})
    for name, text in (
        ("error.type", wanted.exception_type),
        ("muster.fingerprint", wanted.fingerprint),
        ("muster.log_session", wanted.log_session),
        *((f"labels.{name}", value) for name, value in wanted.fields),
    ):
        if text is not None:
            must.append({"term": {name: text}})
    must += [_holds(term) for term in wanted.terms if not term.absent]
    absent = [_holds(term) for term in wanted.terms if term.absent]
    found: Query = {"filter": must}
    if absent:
        found["must_not"] = absent
    return {"bool": found}


def among_devices(keys: Sequence[int]) -> Query:
    """Narrow to devices by key, in slices of SLICE; none at all where there are none."""
    left = iter(keys)
    slices = []
    while part := list(islice(left, SLICE)):
        slices.append({"terms": {"device.key": part}})
    if not slices:
        return {"match_none": {}}
    return slices[0] if len(slices) == 1 else _any(slices)


def _holds(term: Term) -> Query:
    anywhere = [_wildcard(name, f"*{_escaped(term.text)}*") for name in _WHOLE]
    words = term.text.split()
    outer = term.text[0].isspace(), term.text[-1].isspace()
    if len(words) == 1 and not any(outer):
        anywhere.append(_wildcard("message", f"*{_escaped(words[0])}*"))
    elif words:
        anywhere.append(_phrase(words, *outer))
    return _any(anywhere)


def _phrase(words: list[str], begins: bool, ends: bool) -> Query:
    """Find words in a row; `begins`, `ends`: white space stands before, behind them."""
    last = len(words) - 1
    clauses = []
    for place, word in enumerate(words):
        left = "*" if place == 0 and not begins else ""
        right = "*" if place == last and not ends else ""
        part = _wildcard("message", f"{left}{_escaped(word)}{right}")
        clauses.append({"span_multi": {"match": part}})
    return {"span_near": {"clauses": clauses, "slop": 0, "in_order": True}}


def _wildcard(name: str, pattern: str) -> Query:
    return {"wildcard": {name: {"value": pattern, "case_insensitive": True}}}


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\*?" else char for char in text)


def _any(queries: list[Query]) -> Query:
    return {"bool": {"should": queries, "minimum_should_match": 1}}
