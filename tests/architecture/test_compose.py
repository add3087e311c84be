"""docker-compose.yml is one that compose takes, and every name in it is one that exists."""

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from muster_agent.cli import add_plugins, build_app
from muster_platform.settings import Settings
from muster_platform.stream.mosquitto import write_installation
from tests.services import base

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SOURCE = ROOT / "tests" / "services" / "compose"
NGINX = ROOT / "config" / "nginx" / "muster.conf"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def ours(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: service
        for name, service in document["services"].items()
        if service["image"].startswith("muster:")
    }


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the project as the compose specification's own loader reads it."""
    go = base.program("go", "/usr/local/go/bin", how="https://go.dev/dl (1.23 or newer)")
    folder = tmp_path_factory.mktemp("compose")
    for path in SOURCE.iterdir():
        shutil.copy(path, folder)
    subprocess.run([go, "build", "-o", "loader", "."], cwd=folder, check=True, timeout=300)
    command = [str(folder / "loader"), str(COMPOSE), str(ROOT / ".env.example")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    project: dict[str, Any] = json.loads(done.stdout)
    return project


def test_the_specifications_loader_takes_it_with_all_profiles(loaded, document):
    assert set(loaded["services"]) == set(document["services"])
    assert loaded["services"]["web"]["environment"]["MUSTER_PUBLIC_URL"].startswith("https://")


def test_every_muster_command_is_one_of_the_command_line(document):
    app = build_app()
    assert add_plugins(app) == []
    for name, service in ours(document).items():
        command = typer.main.get_command(app)
        words = [str(word) for word in service["command"]]
        context = command.make_context("muster", list(words), resilient_parsing=True)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, f"{name}: {words}"
            command, words = command.commands[words[0]], words[1:]
            context = command.context_class(command, parent=context)
        if words:  # the arguments are read as they would be
            command.parse_args(context, list(words))


def test_every_variable_of_ours_is_a_setting(document):
    known = {f"MUSTER_{item.name.upper()}" for item in fields(Settings)}
    for name, service in document["services"].items():
        for variable in service.get("environment", {}):
            if variable.startswith("MUSTER_"):
                assert variable.removesuffix("_FILE") in known or variable in known, name


def test_every_variable_of_the_file_is_explained_in_the_example():
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = {line.partition("=")[0] for line in lines if line and line[0] != "#"}
    assert explained - {"COMPOSE_PROFILES"} == used
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            assert lines[number - 1].startswith(("#", *explained)), f"{line}: not explained"


def test_every_file_that_is_mounted_is_there(document):
    mounted = re.findall(r"(\./(?:config|dashboards)[^:\s]+):", COMPOSE.read_text())
    assert len(mounted) > 4
    for path in mounted:
        assert (ROOT / path).is_file(), path


def test_every_secret_that_is_read_is_handed_over(document):
    for name, service in document["services"].items():
        text = json.dumps(service)
        for secret in set(re.findall(r"/run/secrets/(\w+)", text)):
            declared = secret in service.get("secrets", [])
            # What only writes the path into Mosquitto's configuration never reads the file.
            assert declared or name == "mosquitto-files", f"{name}: {secret}"
    assert set(document["secrets"]) == {
        secret for service in document["services"].values() for secret in service.get("secrets", [])
    }


def test_ports_meet(document, tmp_path, monkeypatch):
    """What nginx, the platform and the publications name is what the parts listen on."""
    environment = document["services"]["mosquitto-files"]["environment"]
    for name, value in {**document["services"]["web"]["environment"], **environment}.items():
        if not name.endswith("_FILE") and "${" not in value:
            monkeypatch.setenv(name, value)
    settings = read_settings(tmp_path)
    conf = write_installation(settings)[0].read_text()
    listening = {int(port) for port in re.findall(r"^listener (\d+)", conf, re.MULTILINE)}
    assert listening == {8883, 8083, 1884}
    nginx = NGINX.read_text()
    assert f"http://web:{settings.web_port};" in nginx
    assert f"http://live:{settings.live_port};" in nginx
    assert f"https://mosquitto:{settings.broker_ws_port};" in nginx
    own = {int(port) for port in re.findall(r"listen (\d+)", nginx)}
    for name, inside in (("nginx", own), ("mosquitto", {settings.broker_port})):
        published = {int(p.rpartition(":")[2]) for p in document["services"][name]["ports"]}
        assert published == inside, name
    platform = document["services"]["run"]["environment"]["MUSTER_BROKER_PLATFORM_PORT"]
    assert int(platform) in listening, "the platform's port, which is published nowhere"


def read_settings(folder: Path) -> Settings:
    from muster_platform import config

    return config.load(
        state_dir=folder,
        mosquitto_dir=str(folder / "files"),
        jwt_secret="x",
        mqtt_password="x",
        broker_token="x",
    )


def test_images_are_pinned_and_nobody_is_root(document):
    for name, service in document["services"].items():
        image = service["image"]
        assert re.search(r":(v?\d+\.\d+[\w.-]*|\$\{MUSTER_TAG:-local\})$", image), (
            f"{name}: {image}"
        )
        assert service.get("user") != "root", name
        if name in ours(document):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
    last = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert not re.search("npm|pip|apt-get", last), "no build tools in the runtime"


def test_what_the_dockerfile_copies_is_there_and_not_ignored():
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for path in line.split()[1:-1]:
                assert (ROOT / path).exists(), path
                assert f"!{path.split('/')[0]}" in allowed, path


def test_nginx_takes_its_configuration(tmp_path):
    nginx = base.program("nginx")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [base.program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True)
    text = NGINX.read_text()
    text = text.replace("/run/secrets/tls_cert", str(cert)).replace(
        "/run/secrets/tls_key", str(key)
    )
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{text}\n}}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(whole)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.replace("could not open error log", ""), done.stderr
