"""The lines of docs/guide/client.md do what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.client.conftest import Server

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "client.md"


def test_the_lines_of_the_guide_work_as_they_stand(server: Server, tmp_path: Path) -> None:
    text = GUIDE.read_text()
    with server.muster() as muster:
        made = muster.create_api_token(name="guide", scopes=[{"role": "administrator"}])
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")},
        "MUSTER": server.url,
        "MUSTER_TOKEN": str(made["token"]),
        "XDG_CONFIG_HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(language: str, *command: str) -> str:
        script = "\n".join(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))
        done = subprocess.run(
            [*command, script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = run("python", sys.executable, "-W", "error", "-c")
    assert "pump-1 UNKNOWN" in told
    assert "{'CANCELED': 1}" in told
    assert "by now it is at version 2" in told
    assert "pump-1 Cellar pump" in told
    told = run("sh", "bash", "-euo", "pipefail", "-c")
    assert server.url in told
    assert "Cellar pump" in told
    assert '"devices":1' in told
