"""The phone app of examples/, as it stands there, over WebSocket with MQTT.js."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import Installation
from tests.e2e.strangers.test_mosquitto_clients import eventually
from tests.services import node

ROOT = Path(__file__).parents[3]


def test_the_phone_app_enrols_reports_obeys_and_says_goodbye(
    installation: Installation, tmp_path: Path
) -> None:
    node.package("mqtt")
    installation.muster("profile", "create", "phone", "--contact", "periodic")
    token = installation.muster("token", "create", "p", "--profile", "phone", "--mode", "allow_new")
    shutil.copy(ROOT / "examples/phone-app/phone.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(node.MODULES)
    command = [
        node.binary(),
        "phone.mjs",
        "--server",
        installation.web_url,
        "--token",
        token["token"],
    ]
    with subprocess.Popen(
        [*command, "--device-id", "phone-1", "--seconds", "60"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as phone:
        try:
            device = eventually(
                lambda: installation.muster("device", "show", "phone-1", fails=True),
                lambda d: d.get("presence") == "ONLINE" and "battery" in d.get("latest", {}),
            )
            assert device["plain"] is False
            assert device["capabilities"] == ["notify", "vibrate"]
            run = ("command", "run", "--device", "phone-1", "--wait")
            [done] = installation.muster(*run, "vibrate", "--args", '{"ms": 300}')
            assert (done["state"], done["result"]) == ("SUCCEEDED", {"vibrated_ms": 300})
        finally:
            phone.terminate()
            phone.communicate(timeout=30)
    assert phone.returncode == 0
    eventually(
        lambda: installation.muster("device", "show", "phone-1"),
        lambda d: (d["presence"], d["reason"]) == ("SLEEPING", "disconnected"),
    )
    ledger = installation.muster("device", "ledger", "phone-1")
    assert all(not row["missing"] and not row["doubled"] for row in ledger)
