"""The tree is as ARCHITECTURE.md says, and small pieces stay small."""

import tomllib
from pathlib import Path

import pytest

from tests.architecture.documents import ROOT

ROOTS = {
    "protocol": "muster_protocol",
    "broker": "muster_broker",
    "platform": "muster_platform",
    "agent": "muster_agent",
    "client": "muster_client",
}
MODULE_LINES = 400
ALEMBIC = "db/migrations"
"""Run by Alembic from files, not imported; a migration lists tables, as long as they are."""
GENERATED = "muster_client/generated"
"""Nobody reads it at one go: it has a method for each operation."""
NO_SOURCE = {"node_modules", "static", "__pycache__"}


def modules():
    """Give every Python file of the product, the tests and the benchmarks."""
    for folder in (*ROOTS, "tests", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not NO_SOURCE & set(path.parts):
                yield path


@pytest.mark.parametrize(("folder", "package"), ROOTS.items())
def test_a_source_root_holds_one_package_and_nothing_else(folder, package):
    # platform/__init__.py would hide the standard library's platform from everybody.
    found = {path.name for path in (ROOT / folder).iterdir()} - {"__pycache__"}
    assert found == {package}
    assert (ROOT / folder / package / "__init__.py").is_file()
    assert (ROOT / folder / package / "py.typed").is_file()


def test_every_folder_with_modules_is_a_package():
    for package in ROOTS.values():
        base = next(ROOT.glob(f"*/{package}"))
        folders = {path.parent for path in base.rglob("*.py")}
        bare = [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]
        assert [folder for folder in bare if ALEMBIC not in folder] == []


def test_the_wheel_holds_exactly_these_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == [f"{folder}/{package}" for folder, package in ROOTS.items()]


def test_no_module_is_too_long_to_be_read_at_one_go():
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules()
        if not any(apart in str(path) for apart in (ALEMBIC, GENERATED))
        and (count := len(path.read_text().splitlines())) > MODULE_LINES
    }
    assert long == {}, f"split what is beyond {MODULE_LINES} lines"


def test_nothing_is_left_undone_in_silence():
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3 + ":", "raise NotImplemented" + "Error")
    found = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in modules()
        for mark in marks
        if mark in path.read_text()
    ]
    assert found == []


def test_tests_are_skipped_in_one_place_only():
    skip = "pytest." + "skip("
    found = [path.relative_to(ROOT) for path in modules() if skip in path.read_text()]
    assert found == [Path("tests/services/base.py")]
