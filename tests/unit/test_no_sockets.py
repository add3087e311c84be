"""The guard of tests/unit/conftest.py works."""

import socket
import urllib.request

import pytest


def test_a_connection_is_refused():
    with (
        socket.socket() as opened,
        pytest.raises(RuntimeError, match="belongs in tests/integration"),
    ):
        opened.connect(("127.0.0.1", 9))


def test_a_library_that_connects_is_refused():
    with pytest.raises(RuntimeError, match="belongs in tests/integration"):
        urllib.request.urlopen("http://127.0.0.1:9/")
