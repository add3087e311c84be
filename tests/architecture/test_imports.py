"""Who may import whom: the contracts of pyproject.toml hold, and cover every package."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.documents import ROOT


def test_the_import_contracts_hold():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_device_needs_neither_broker_nor_platform_nor_their_libraries():
    code = (
        "import sys, muster_agent.cli, muster_protocol.asyncapi;"
        "heavy = {'flask', 'sqlalchemy', 'celery', 'redis', 'amqtt', 'aiohttp', 'starlette',"
        " 'muster_broker', 'muster_platform'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_protocol_is_the_standard_library_and_msgspec():
    code = (
        "import sys, msgspec.json, msgspec.inspect; before = set(sys.modules);"
        "import muster_protocol.asyncapi, muster_protocol.acl, muster_protocol.clocks;"
        "print([name for name in sorted(set(sys.modules) - before)"
        " if 'site-packages' in (getattr(sys.modules[name], '__file__', None) or '')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_is_checked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tools = project["tool"]
    packages = [path.rpartition("/")[2] for path in project_packages(project)]
    assert tools["importlinter"]["root_packages"] == packages
    assert tools["mypy"]["packages"] == packages
    assert tools["mypy"]["strict"] is True


def project_packages(project):
    """Give the paths of the packages that the wheel holds."""
    return project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
