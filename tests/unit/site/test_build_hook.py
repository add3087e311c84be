"""The build hook's stamp: fresh only for the whole result of exactly these inputs."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Load hatch_build.py, which no package holds."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stamp_changes_with_every_input(hook: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    seen = set()
    for name, text in (("package.json", "{}"), ("src/a.ts", "1"), ("src/a.ts", "2")):
        (tmp_path / name).write_text(text)
        seen.add(hook.fingerprint(tmp_path))
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("not an input")
    seen.add(hook.fingerprint(tmp_path))
    assert len(seen) == 3


def test_a_missing_file_or_another_stamp_is_not_fresh(hook: ModuleType, tmp_path: Path) -> None:
    assert not hook.is_fresh(tmp_path, "s")
    (tmp_path / ".stamp").write_text("s")
    (tmp_path / "manifest.json").write_text(json.dumps({"app.js": "app-1.js"}))
    assert not hook.is_fresh(tmp_path, "s")
    (tmp_path / "app-1.js").write_text("")
    assert hook.is_fresh(tmp_path, "s")
    assert not hook.is_fresh(tmp_path, "t")


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "platform/muster_platform/web/assets/package-lock.json").read_text()
    assert "resolved" not in lock
    assert "http" not in lock.replace("https://github.com/sponsors", "").replace(
        "https://opencollective.com", ""
    )
