"""A device that knows no Muster code: curl's request, mosquitto_pub, then mosquitto_sub."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.services.base import program

LIMIT_S = 120.0
"""Only ends a test that has failed."""


@pytest.fixture(scope="module")
def bench_device(installation: Installation) -> dict[str, str]:
    """Enrol `bench-1` as README's curl line does."""
    program("mosquitto_pub")
    installation.muster("profile", "create", "bench")
    token = installation.muster("token", "create", "b", "--profile", "bench", "--mode", "allow_new")
    body = {"token": token["token"], "device_id": "bench-1", "install_id": "1"}
    request = urllib.request.Request(
        f"{installation.web_url}/api/v1/device/enrol",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return {"id": "bench-1", "secret": json.load(answer)["secret"]}


def client(installation: Installation, device: dict[str, str], *arguments: str) -> list[str]:
    return [
        *(arguments[0], "-h", "127.0.0.1", "-p", str(installation.mqtt_port)),
        *("-i", device["id"], "-u", device["id"], "-P", device["secret"], *arguments[1:]),
    ]


def eventually(ask: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while not wanted(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_a_flat_payload_becomes_telemetry_and_presence(
    installation: Installation, bench_device: dict[str, str]
) -> None:
    payload = '{"temperature": 21.5, "door_open": false, "note": "caf\u00e9"}'
    topic = "muster/1/bench-1/up/telemetry"
    publish = client(installation, bench_device, "mosquitto_pub", "-q", "1", "-t", topic)
    subprocess.run([*publish, "-m", payload], check=True, timeout=LIMIT_S)
    device = eventually(
        lambda: installation.muster("device", "show", "bench-1"), lambda d: len(d["latest"]) == 3
    )
    assert device["latest"] == {"temperature": 21.5, "door_open": False, "note": "caf\u00e9"}
    assert device["presence"] == "ONLINE"
    assert device["plain"] is True


def test_a_command_waits_for_mosquitto_sub_and_is_delivered_once(
    installation: Installation, bench_device: dict[str, str]
) -> None:
    topic = "muster/1/bench-1/down/commands"
    listen = client(
        *(installation, bench_device, "mosquitto_sub", "-q", "1", "-c", "-C", "1", "-W", "30"),
        *("-t", topic),
    )
    with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as listener:
        made = installation.muster(
            "command", "run", "blink", "--device", "bench-1", "--args", '{"times": 3}'
        )
        out, _ = listener.communicate(timeout=LIMIT_S)
    command = json.loads(out)
    assert (command["action"], command["name"], command["args"]) == ("run", "blink", {"times": 3})
    [execution] = eventually(
        lambda: installation.muster("job", "show", made["job"]),
        lambda rows: rows[0]["state"] == "SENT",
    )
    assert execution["id"] == command["execution"]
    report = {"execution": command["execution"], "state": "SUCCEEDED", "result": {"blinked": 3}}
    publish = client(installation, bench_device, "mosquitto_pub", "-q", "1")
    answer_topic = "muster/1/bench-1/up/commands"
    subprocess.run(
        [*publish, "-t", answer_topic, "-m", json.dumps(report)], check=True, timeout=LIMIT_S
    )
    eventually(
        lambda: installation.muster("job", "show", made["job"]),
        lambda rows: rows[0]["state"] == "SUCCEEDED",
    )


def test_what_cannot_be_read_is_kept_whole_and_the_rest_goes_on(
    installation: Installation, bench_device: dict[str, str]
) -> None:
    publish = client(installation, bench_device, "mosquitto_pub", "-q", "1")
    topic = "muster/1/bench-1/up/telemetry"
    for payload in ('{"humidity": [1, 2]}', "hello?", '{"humidity": 40}'):
        subprocess.run([*publish, "-t", topic, "-m", payload], check=True, timeout=LIMIT_S)
    eventually(
        lambda: installation.muster("device", "show", "bench-1")["latest"],
        lambda latest: latest.get("humidity") == 40,
    )


def test_a_wrong_password_and_a_foreign_topic_are_refused(
    installation: Installation, bench_device: dict[str, str]
) -> None:
    wrong = client(installation, bench_device | {"secret": "guess"}, "mosquitto_pub", "-q", "1")
    done = subprocess.run([*wrong, "-t", "muster/1/bench-1/up/telemetry", "-m", "{}"], timeout=30)
    assert done.returncode != 0
    listen = client(installation, bench_device, "mosquitto_sub", "-q", "1", "-W", "5", "-t", "#")
    refused = subprocess.run(listen, capture_output=True, text=True, timeout=30)
    assert "All subscription requests were denied" in refused.stderr
