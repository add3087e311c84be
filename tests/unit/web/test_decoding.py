"""What is wrong in a request is told with its place; what cannot be stored never gets in."""

import contextlib
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from muster_platform.errors import InvalidInput, MusterError, NotFound
from muster_platform.web.api import decoding
from muster_platform.web.api.common import Input, PageQuery
from muster_platform.web.errors import BadBody

JSON = "application/json"


class Inner(Input):
    value: Annotated[int, msgspec.Meta(ge=1)]


class Outer(Input):
    name: str
    inner: list[Inner] = []
    free: dict[str, Any] = {}


class Query(PageQuery):
    presence: list[str] = []
    plain: bool = False


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"name": 1}', "$.name"),
        (b"{}", "$.name"),
        (b'{"name": "a", "nmae": "b"}', "$.nmae"),
        (b'{"name": "a", "inner": [{"value": 1}, {"value": 0}]}', "$.inner[1].value"),
        (b'{"name": "a", "inner": [{"valeu": 1}]}', "$.inner[0].valeu"),
        (b'{"name": "a\\u0000"}', "$.name"),
        (b'{"name": "a", "free": {"k": ["x", "\\u0000"]}}', "$.free.k[1]"),
        (b'{"name": "a", "free": {"k": 99999999999999999999}}', "$.free.k"),
        (b"[]", "$"),
    ],
)
def test_a_wrong_field_is_told_by_its_json_path(body: bytes, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decoding.body(body, JSON, Outer)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"name": "a"} x', b"[" * 100_000, b"NaN", b'{"a": 1e999}']
)
def test_what_is_no_json_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadBody):
        decoding.body(body, JSON, Outer)


def test_deep_nesting_is_refused_with_its_place() -> None:
    deep = b'{"name": "a", "free": {"k": ' + b"[" * 200 + b"]" * 200 + b"}}"
    with pytest.raises(InvalidInput, match="deeper"):
        decoding.body(deep, JSON, Outer)


def test_another_content_type_is_refused_and_json_with_a_charset_is_not() -> None:
    with pytest.raises(BadBody, match="Content-Type"):
        decoding.body(b'{"name": "a"}', "text/plain", Outer)
    assert decoding.body(b'{"name": "a"}', "application/json; charset=utf-8", Outer).name == "a"


def test_query_parameters_are_typed_and_several_values_may_stand_in_one() -> None:
    given_ = MultiDict(
        [("limit", "7"), ("presence", "ONLINE,SUSPECT"), ("presence", "OFFLINE"), ("plain", "true")]
    )
    found = decoding.query(given_, Query)
    assert (found.limit, found.plain) == (7, True)
    assert found.presence == ["ONLINE", "SUSPECT", "OFFLINE"]


@pytest.mark.parametrize(
    ("given_", "where"),
    [
        ([("limit", "many")], "query.limit"),
        ([("limit", "0")], "query.limit"),
        ([("limit", "1"), ("limit", "2")], "query.limit"),
        ([("limits", "1")], "query.limits"),
        ([("cursor", "a\x00")], "query.cursor"),
    ],
)
def test_a_wrong_query_parameter_is_named(given_: list[tuple[str, str]], where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decoding.query(MultiDict(given_), Query)
    assert caught.value.where == where


@pytest.mark.parametrize("value", ["a\x00", "\ud800", 2**63])
def test_nothing_is_named_by_what_cannot_be_stored(value: object) -> None:
    with pytest.raises(NotFound):
        decoding.path({"device_id": value})


@pytest.mark.parametrize(
    ("header", "version"), [(None, None), ("*", None), ('"3"', 3), ("3", 3), ('W/"12"', 12)]
)
def test_if_match_gives_the_version(header: str | None, version: int | None) -> None:
    assert decoding.version(header) == version


def test_a_foreign_entity_tag_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        decoding.version('"abc"')
    assert caught.value.where == "header.If-Match"


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused_by_our_error(data: bytes) -> None:
    with contextlib.suppress(MusterError):
        assert isinstance(decoding.body(data, JSON, Outer), Outer)


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=3)))
def test_any_query_decodes_or_is_refused_by_our_error(values: dict[str, list[str]]) -> None:
    with contextlib.suppress(InvalidInput):
        assert isinstance(decoding.query(MultiDict(values), Query), Query)
