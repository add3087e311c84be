"""Unit tests know no network: whatever reaches for a socket fails at once."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="module")
def _no_sockets() -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a unit test reached for the network: it belongs in tests/integration")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "bind", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        yield
