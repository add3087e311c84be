"""What people type to search logs: read back as written, mistakes told with their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.errors import InvalidInput
from muster_platform.logs.text_query import QUERY_CHARS, TERMS, Term, matches, parse, write

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
terms = st.builds(Term, texts, st.booleans())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("  lens  lost ", [Term("lens"), Term("lost")]),
        (
            '"lens lost" -"by design" -x',
            [Term("lens lost"), Term("by design", True), Term("x", True)],
        ),
        (r'"say \"no\" \\ now"', [Term('say "no" \\ now')]),
        (
            "100% _a ' OR 1=1 --",
            [Term("100%"), Term("_a"), Term("'"), Term("OR"), Term("1=1"), Term("-", True)],
        ),
        ("-", [Term("-")]),
        ('a"b', [Term('a"b')]),
    ],
)
def test_a_query_is_read(query, expected):
    assert list(parse(query)) == expected


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ('lens "lost', 6),
        ('""', 1),
        ("lens - lost", 6),
        ("x " * TERMS + "y", 2 * TERMS + 1),
        ("x" * (QUERY_CHARS + 1), QUERY_CHARS + 1),
    ],
)
def test_a_mistake_is_told_with_its_place(query, position):
    with pytest.raises(InvalidInput) as caught:
        parse(query)
    assert caught.value.extra["position"] == position
    assert str(position) in caught.value.detail


@given(st.lists(terms, max_size=TERMS))
def test_what_is_written_reads_back_the_same(given_terms):
    wanted = tuple(given_terms)
    assert parse(write(wanted)) == wanted


@given(st.text(max_size=QUERY_CHARS))
def test_any_text_is_read_or_refused_and_never_an_error_of_ours(query):
    places = []
    try:
        found = parse(query)
    except InvalidInput as error:
        found = ()
        places = [error.extra["position"]]
    assert all(term.text for term in found)
    assert all(1 <= place <= QUERY_CHARS + 1 for place in places)


@given(texts, st.text(max_size=40))
def test_a_term_and_its_absence_never_both_hold(word, text):
    present, absent = (Term(word),), (Term(word, True),)
    assert matches(present, text) is not matches(absent, text)
