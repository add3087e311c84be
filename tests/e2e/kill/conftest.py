"""The stack of the kill matrix, once per installation, and the table at the end of the run."""

from collections.abc import Iterator

import pytest

from tests.e2e.kill.stack import Ear, Stack, eventually
from tests.services.postgresql import Postgres
from tests.services.valkey import Valkey

DEVICES = ("queued", "handed", "sent", "delivered", "running", "reported")
"""One device for each moment."""
ABSENT = "overdue"
"""A device that never comes: its command is ended by the worker alone."""

UNSAVED = "unsaved"
"""Kills a Mosquitto that has written down nothing since its start: more than its last second is
lost. Our own broker never writes anything down, there the row `broker` is that already."""

CELLS: dict[tuple[str, str, str], str] = {}
"""(installation, killed part, moment) -> outcome."""


INSTALLATIONS = {
    "sqlite": ("sqlite", "embedded"),
    "postgresql": ("postgresql", "embedded"),
    "mosquitto": ("postgresql", "mosquitto"),
}
"""Name in the table -> (database, broker)."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what no installation but Mosquitto's can be."""
    left_out = [item for item in items if _is_left_out(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _is_left_out(item: pytest.Item) -> bool:
    params = getattr(getattr(item, "callspec", None), "params", {})
    return params.get("part") == UNSAVED and params.get("stack") != "mosquitto"


@pytest.fixture(scope="module", params=INSTALLATIONS)
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _valkey_server: Valkey,
) -> Iterator[Stack]:
    """Give a running installation with its devices ONLINE."""
    folder = tmp_path_factory.mktemp(f"kill-{request.param}")
    database, broker = INSTALLATIONS[request.param]
    if database == "sqlite":
        url = f"sqlite:///{folder / 'muster.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.url(server.create())
    made = Stack(folder, request.param, url, _valkey_server.url, broker)
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
    for kind, part in dict.fromkeys((k, p) for k, p, _ in CELLS):
        cells = (CELLS.get((kind, part, moment), "-") for moment in moments)
        line = "".join(f"{cell:{width}}" for cell in cells)
        terminalreporter.write_line(f"{kind:11}{part:11}{line}")
