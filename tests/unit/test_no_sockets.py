"""The guard of tests/unit/conftest.py works."""

import socket

import pytest


@pytest.mark.parametrize(
    "reach",
    [
        lambda opened: opened.connect(("127.0.0.1", 9)),
        lambda opened: opened.connect_ex(("127.0.0.1", 9)),
        lambda opened: opened.bind(("127.0.0.1", 0)),
    ],
    ids=["connect", "connect_ex", "bind"],
)
def test_a_unit_test_that_reaches_for_the_network_fails(reach):
    with socket.socket() as opened, pytest.raises(RuntimeError, match="tests/integration"):
        reach(opened)
