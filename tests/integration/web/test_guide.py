"""The commands of docs/guide/api.md do what the page says."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from muster_platform.bootstrap import build
from muster_platform.settings import Settings
from tests.integration.web.conftest import ADMIN, PASSWORD
from tests.integration.web.test_serve import running
from tests.services.base import program

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "api.md"


def test_the_lines_of_the_guide_work_as_they_stand(
    migrated: Path, free_port: Callable[[], int]
) -> None:
    program("curl", how="apt-get install curl")
    settings = Settings(state_dir=migrated, database_url=f"sqlite:///{migrated}/state/muster.db")
    platform = build(settings)
    with platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        user, _ = users.create(ADMIN, "A", PASSWORD)
        users.bind(user.id, "administrator")
    platform.close()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    port = free_port()
    with running(migrated, port):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={
                **os.environ,
                "MUSTER": f"http://127.0.0.1:{port}",
                "EMAIL": ADMIN,
                "PASSWORD": PASSWORD,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ('"name":"administrator@example.org"', '"state":"CANCELED"', '"included_count":1'):
        assert told in done.stdout
    assert '"version":1,"desired":{"interval_s":30}' in done.stdout
    assert '"component":"app","version":"1.4.2"' in done.stdout
    assert "urn:muster:problem" not in done.stdout
