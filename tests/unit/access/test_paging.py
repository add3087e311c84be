"""Cursors: what comes back is what was given, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.errors import InvalidInput
from muster_platform.paging import PageRequest, decode_cursor, encode_cursor

# What is stored holds no NUL (db.text.clean).
stored = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50)
values = st.tuples(st.integers(-(2**53), 2**53), stored)


@given(values)
def test_a_cursor_comes_back(given_values):
    cursor = encode_cursor("list", given_values)
    assert decode_cursor(cursor, "list", (int, str)) == list(given_values)


@given(st.text(max_size=100))
def test_anything_else_is_refused_with_our_error(text):
    with pytest.raises(InvalidInput) as caught:
        decode_cursor(text, "list", (int, str))
    assert caught.value.where == "cursor"


@pytest.mark.parametrize(
    ("order", "kinds"),
    [("other", (int, str)), ("list", (int,)), ("list", (str, str)), ("list", (bool, str))],
)
def test_a_cursor_of_another_list_is_refused(order, kinds):
    with pytest.raises(InvalidInput):
        decode_cursor(encode_cursor("list", (1, "a")), order, kinds)


def test_what_no_database_takes_is_refused_before_it_gets_there():
    with pytest.raises(InvalidInput):
        decode_cursor(encode_cursor("list", (1, "a\x00")), "list", (int, str))


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_has_a_size(size):
    with pytest.raises(InvalidInput):
        PageRequest(size)
