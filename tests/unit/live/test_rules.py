"""Topics that browsers may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.errors import InvalidInput
from muster_platform.live.rules import KIND_PERMISSION, Wanted, parse


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("device:12:log", Wanted("device", "12", "log")),
        ("job:0199-a:execution", Wanted("job", "0199-a", "execution")),
        ("fleet:presence", Wanted("fleet", "", "presence")),
    ],
)
def test_a_topic_is_read_and_written_back(text: str, wanted: Wanted) -> None:
    assert parse(text) == wanted
    assert str(wanted) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "device",
        "device:12",
        "device::log",
        "device:x:log",
        "device:-1:log",
        "device:١٢:log",
        "device:12:log:more",
        "device:12:secrets",
        "fleet:12:log",
        "job::execution",
        "fleet:" + "x" * 200,
        None,
        12,
        ["fleet:log"],
    ],
)
def test_anything_else_is_refused_with_what_a_topic_looks_like(text: object) -> None:
    with pytest.raises(InvalidInput, match="device:KEY:KIND"):
        parse(text)


@given(st.text() | st.integers() | st.none())
def test_no_input_does_anything_but_parse_or_refuse(text: object) -> None:
    try:
        wanted = parse(text)
    except InvalidInput:
        return
    assert wanted.kind in KIND_PERMISSION
