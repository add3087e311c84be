"""The stack of the kill matrix, once per database, and the table at the end of the run."""

from collections.abc import Iterator

import pytest

from tests.e2e.kill.stack import Ear, Stack, eventually
from tests.services.postgresql import Postgres
from tests.services.valkey import Valkey

DEVICES = ("queued", "handed", "sent", "delivered", "running", "reported")
"""One device for each moment."""
ABSENT = "overdue"
"""A device that never comes: its command is ended by the worker alone."""

CELLS: dict[tuple[str, str, str], str] = {}
"""(database, killed part, moment) -> outcome."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _valkey_server: Valkey,
) -> Iterator[Stack]:
    """Give a running installation with its devices ONLINE."""
    folder = tmp_path_factory.mktemp(f"kill-{request.param}")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'muster.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(server.create())
    made = Stack(folder, url, _valkey_server.url)
    made.kind = request.param
    try:
        made.start("web", "broker", "ingest", "dispatch", "worker")
        for device in DEVICES:
            made.add_device(device)
        made.add_absent_device(ABSENT)
        made.start(*DEVICES)
        for device in DEVICES:
            eventually(lambda name=device: made.presence(name) == "ONLINE", f"{device} ONLINE")
        yield made
    finally:
        made.close()


@pytest.fixture
def ear(stack: Stack) -> Iterator[Ear]:
    """Give what hears reports."""
    made = Ear(stack.settings)
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix: rows are what was killed, columns the moment."""
    if not CELLS:
        return
    moments = list(dict.fromkeys(moment for _, _, moment in CELLS))
    width = max(len(text) for text in (*CELLS.values(), *moments)) + 2
    terminalreporter.section("kill -9: how the command of each moment ended")
    terminalreporter.write_line(f"{'':22}" + "".join(f"{m:{width}}" for m in moments))
    for database, part in dict.fromkeys((d, p) for d, p, _ in CELLS):
        cells = (CELLS.get((database, part, moment), "-") for moment in moments)
        line = "".join(f"{cell:{width}}" for cell in cells)
        terminalreporter.write_line(f"{database:11}{part:11}{line}")
