"""Who imports a library names it in the right place of pyproject.toml."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {
    "muster_protocol",
    "muster_broker",
    "muster_platform",
    "muster_agent",
    "muster_client",
    "tests",
    "benchmarks",
}
TYPING_ONLY = {"_typeshed"}
"""Stubs that come with mypy and exist for it alone."""


def named(*extras):
    """Give the distributions that the base and these extras name."""
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][one] for one in extras)]
    found = (re.split(r"[<>=\[ ;]", line)[0] for group in lists for line in group)
    return {name.lower().replace("_", "-") for name in found}


ALLOWED = {
    "protocol": {"msgspec"},
    "agent": named(),
    "client": named(),
    "broker": named("broker"),
    "platform": named("broker", "platform"),
    "tests": named("broker", "platform", "dev"),
    "benchmarks": named("broker", "platform", "dev"),
}


def imported(folder):
    """Give the top names of all modules imported below the folder, each with one file."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_every_library_is_named_where_it_is_used(folder):
    distributions = packages_distributions()
    foreign = set(imported(folder)) - set(sys.stdlib_module_names) - OURS - TYPING_ONLY
    unnamed = {
        name: imported(folder)[name]
        for name in foreign
        if not {each.lower().replace("_", "-") for each in distributions.get(name, [])}
        & ALLOWED[folder]
    }
    assert unnamed == {}


def test_every_named_library_is_locked():
    for file, extras in (
        ("runtime.txt", ("broker", "platform")),
        ("dev.txt", ("broker", "platform", "dev")),
    ):
        lock = (ROOT / "requirements" / file).read_text()
        locked = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))
        assert named(*extras) - {"muster"} <= locked, "run `make lock`"


def test_lock_files_name_no_index_and_pin_by_hash():
    for file in ("requirements/runtime.txt", "requirements/dev.txt"):
        text = (ROOT / file).read_text()
        assert "://" not in text
        for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]:
            assert "--hash=sha256:" in entry
    for file in (
        "tests/package-lock.json",
        "platform/muster_platform/web/assets/package-lock.json",
    ):
        assert '"resolved"' not in (ROOT / file).read_text()
