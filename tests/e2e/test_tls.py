"""TLS with an authority of one's own: Mosquitto as `muster up` starts it, and all that connect.

Our agent, mosquitto_pub, an app with MQTT.js over WebSocket, and the platform's own clients.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Installation, started
from tests.e2e.strangers.test_mosquitto_clients import client, eventually
from tests.e2e.strangers.test_phone_app import phone
from tests.services.base import free_port, program
from tests.services.certificates import Certificates, issue
from tests.services.muster import MusterProcess

LIMIT_S = 60.0
AGENT = """
[agent]
system_metrics_every_s = 1
reconnect_first_s = 0.2
reconnect_limit_s = 1
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Give an installation that speaks TLS on every listener of Mosquitto's."""
    program("mosquitto")
    settings = {
        "broker_tls": "true",
        "broker_tls_cert_file": str(certificates.cert),
        "broker_tls_key_file": str(certificates.key),
        "broker_ca_file": str(certificates.ca),
        "broker_platform_tls": "true",
        "broker_platform_port": str(free_port()),
    }
    folder = tmp_path_factory.mktemp("secured")
    with started(folder, "--broker", "mosquitto", **settings) as made:
        yield made


@pytest.fixture
def bench_token(secured: Installation, request: pytest.FixtureRequest) -> str:
    """Make a profile and a token for it, named as the test."""
    name = request.node.name.replace("_", "-")[:60]
    secured.muster("profile", "create", name)
    made = secured.muster("token", "create", name, "--profile", name, "--mode", "allow_new")
    token: str = made["token"]
    return token


def enrol(
    installation: Installation, token: str, device_id: str, state: Path, *options: str
) -> dict[str, str]:
    """Run `muster agent enrol`; give what is in its state folder."""
    words = ("agent", "enrol", "--server", installation.web_url, "--token", token)
    process = MusterProcess(
        (*words, "--device-id", device_id, "--state", str(state), *options),
        state.with_suffix(".enrol.log"),
    )
    assert process.wait(LIMIT_S) == 0, process.output()
    found: dict[str, str] = installation.muster("agent", "status", "--state", str(state))
    return found


def test_our_agent_reports_and_obeys_over_tls(
    secured: Installation, certificates: Certificates, bench_token: str, tmp_path: Path
) -> None:
    state, options = tmp_path / "agent", tmp_path / "agent.toml"
    options.write_text(AGENT)
    trust = ("--ca-file", str(certificates.ca))
    identity = enrol(secured, bench_token, "agent-1", state, *trust)
    assert [url.split(":")[0] for url in identity["brokers"]] == ["mqtts", "wss"]
    words = ("agent", "run", "--state", str(state), "--config", str(options))
    agent = MusterProcess(words, tmp_path / "agent.log")
    try:
        eventually(
            lambda: secured.muster("device", "show", "agent-1"),
            lambda d: d["presence"] == "ONLINE" and d["latest"],
        )
        run = (
            "command",
            "run",
            "--device",
            "agent-1",
            "--wait",
            "ping",
            "--args",
            '{"echo": {"x": 1}}',
        )
        [done] = secured.muster(*run)
        assert (done["state"], done["result"]["echo"]) == ("SUCCEEDED", {"x": 1})
        assert agent.terminate() == 0
    finally:
        agent.reap()


def test_an_agent_without_the_authority_does_not_connect(
    secured: Installation, bench_token: str, tmp_path: Path
) -> None:
    state, options = tmp_path / "agent", tmp_path / "agent.toml"
    options.write_text(AGENT)
    enrol(secured, bench_token, "agent-2", state)
    words = ("agent", "run", "--state", str(state), "--config", str(options))
    agent = MusterProcess(words, tmp_path / "agent.log")
    try:
        agent.wait_for("certificate verify failed", LIMIT_S)
        assert secured.muster("device", "show", "agent-2")["presence"] != "ONLINE"
    finally:
        agent.reap()


def test_mosquittos_clients_report_and_hear_over_tls(
    secured: Installation, certificates: Certificates, bench_token: str, tmp_path: Path
) -> None:
    enrol(secured, bench_token, "bench-1", tmp_path / "bench")
    secret = json.loads((tmp_path / "bench" / "identity.json").read_text())["secret"]
    device = {"id": "bench-1", "secret": secret}
    trust = ("--cafile", str(certificates.ca), "-q", "1")
    publish = client(secured, device, "mosquitto_pub", *trust)
    message = ("-t", "muster/1/bench-1/up/telemetry", "-m", '{"temperature": 21.5}')
    # Mosquitto knows a fresh secret after a moment.
    eventually(
        lambda: subprocess.run([*publish, *message], capture_output=True, timeout=LIMIT_S),
        lambda done: done.returncode == 0,
    )
    eventually(
        lambda: secured.muster("device", "show", "bench-1"),
        lambda d: d["latest"] == {"temperature": 21.5},
    )
    topic = "muster/1/bench-1/down/commands"
    listen = client(secured, device, "mosquitto_sub", *trust, "-c", "-C", "1", "-W", "60")
    with subprocess.Popen([*listen, "-t", topic], stdout=subprocess.PIPE, text=True) as listener:
        secured.muster("command", "run", "blink", "--device", "bench-1")
        out, _ = listener.communicate(timeout=LIMIT_S)
    assert json.loads(out)["name"] == "blink"
    untrusting = client(secured, device, "mosquitto_pub", "-q", "1")
    plain = subprocess.run([*untrusting, *message], capture_output=True, timeout=LIMIT_S)
    assert plain.returncode != 0, "nothing is served without TLS"


def test_an_app_with_mqtt_js_reports_and_obeys_over_secure_websocket(
    secured: Installation,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(certificates.ca))
    with phone(secured, tmp_path, "phone-1", "phone"):
        eventually(
            lambda: secured.muster("device", "show", "phone-1"), lambda d: "battery" in d["latest"]
        )
        run = ("command", "run", "--device", "phone-1", "--wait")
        [done] = secured.muster(*run, "vibrate", "--args", '{"ms": 300}')
        assert (done["state"], done["result"]) == ("SUCCEEDED", {"vibrated_ms": 300})
