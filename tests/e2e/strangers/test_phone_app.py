"""The phone app of examples/, as it stands there, over WebSocket with MQTT.js."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import Installation
from tests.e2e.mission.story import Person
from tests.e2e.strangers.test_mosquitto_clients import eventually
from tests.services import node

ROOT = Path(__file__).parents[3]


@contextmanager
def phone(
    installation: Installation, folder: Path, device_id: str, profile: str, *options: str
) -> Iterator[None]:
    """Make a profile and a token for it, and run the app; it ends by itself when it is asked."""
    node.package("mqtt")
    installation.muster("profile", "create", profile, "--contact", "periodic")
    token = installation.muster(
        "token", "create", profile, "--profile", profile, "--mode", "allow_new"
    )
    shutil.copy(ROOT / "examples/phone-app/phone.mjs", folder)
    (folder / "node_modules").symlink_to(node.MODULES)
    command = [node.binary(), "phone.mjs", "--server", installation.web_url]
    command += ["--token", token["token"], "--device-id", device_id, "--profile", profile]
    with subprocess.Popen(
        [*command, *options], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            eventually(
                lambda: installation.muster("device", "show", device_id, fails=True),
                lambda d: d.get("presence") == "ONLINE",
            )
            yield
        finally:
            process.terminate()
            process.communicate(timeout=30)
    assert process.returncode == 0


def test_the_phone_app_enrols_reports_obeys_and_says_goodbye(
    installation: Installation, tmp_path: Path
) -> None:
    with phone(installation, tmp_path, "phone-1", "phone"):
        device = eventually(
            lambda: installation.muster("device", "show", "phone-1"),
            lambda d: "battery" in d["latest"],
        )
        assert device["plain"] is False
        assert device["capabilities"] == ["notify", "vibrate"]
        run = ("command", "run", "--device", "phone-1", "--wait")
        [done] = installation.muster(*run, "vibrate", "--args", '{"ms": 300}')
        assert (done["state"], done["result"]) == ("SUCCEEDED", {"vibrated_ms": 300})
    eventually(
        lambda: installation.muster("device", "show", "phone-1"),
        lambda d: (d["presence"], d["reason"]) == ("SLEEPING", "disconnected"),
    )
    ledger = installation.muster("device", "ledger", "phone-1")
    assert all(not row["missing"] and not row["doubled"] for row in ledger)


def test_the_phone_app_is_told_of_an_update_and_its_inventory_completes_the_rollout(
    installation: Installation, tmp_path: Path
) -> None:
    with phone(installation, tmp_path, "phone-2", "driver-phone", "--accept-updates"):
        release = installation.muster(
            *("releases", "create", "Driver app", "2.0.0", "--component", "app=2.0.0"),
            *("--profile", "driver-phone", "--title", "Version 2", "--body", "It shows the gate."),
        )
        installation.muster("releases", "publish", release["id"])
        rollout = installation.muster(
            "rollouts", "start", release["id"], "--device", "phone-2", "--mode", "notify"
        )
        done = eventually(
            lambda: installation.muster("rollouts", "show", rollout["id"]),
            lambda found: found["job"]["state"] == "COMPLETED",
        )
        assert done["job"]["counts"] == {"SUCCEEDED": 1}
        person = Person(installation.web_url, installation.email, installation.password)
        found = person.ask("GET", "/devices/phone-2/inventory")["items"]
        assert [(item["component"], item["version"]) for item in found] == [("app", "2.0.0")]
