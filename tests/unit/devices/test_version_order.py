"""Versions in the order that people expect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.devices.version_order import version_key


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.9.0", "1.10.0"),
        ("v1.2", "1.2.1"),
        ("1.2.0-rc1", "1.2.0"),
        ("1.2.0-rc1", "1.2.0-rc2"),
        ("1.1.9", "1.2.0-rc1"),
        ("2026.09", "2026.10"),
        ("r8", "r12"),
        ("", "1"),
    ],
)
def test_the_newer_one_comes_behind(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1"), ("v2.1", "2.1"), ("1.0+build7", "1.0")])
def test_what_means_the_same_is_the_same(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)


@given(st.lists(st.text(max_size=40), min_size=2, max_size=5))
def test_whatever_devices_say_can_be_ordered(versions: list[str]) -> None:
    assert sorted(versions, key=version_key)
