"""What nginx passes on: the headers of a client's own about itself never come through."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3

from tests.services import base

CONFIG = Path(__file__).parents[3] / "config" / "nginx" / "muster.conf"
SPOOFED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
}


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    def do_GET(self) -> None:
        body = "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def behind() -> Iterator[int]:
    with ThreadingHTTPServer((base.HOST, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def port(behind: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run nginx by our configuration, in front of an echo in place of each part."""
    nginx, folder = base.program("nginx"), tmp_path_factory.mktemp("nginx")
    command = [base.program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"]
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True)
    text, own = CONFIG.read_text(), base.free_port()
    for old, new in (
        ("/run/secrets/tls_cert", str(cert)),
        ("/run/secrets/tls_key", str(key)),
        ("listen 8443", f"listen {base.HOST}:{own}"),
        ("listen 8000", f"listen {base.HOST}:{base.free_port()}"),
        ("http://web:8080", f"http://{base.HOST}:{behind}"),
        ("http://live:8081", f"http://{base.HOST}:{behind}"),
        ("https://mosquitto:8083", f"http://{base.HOST}:{behind}"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    whole = folder / "nginx.conf"
    temp = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temp}{text}\n}}\n"
    )
    log = folder / "log"
    process = base.spawn([nginx, "-p", str(folder), "-c", str(whole)], log)
    try:
        base.wait_listening(process, own, log)
        yield own
    finally:
        base.stop(process)


def passed_on(port: int, path: str, headers: dict[str, str]) -> dict[str, str]:
    """Ask, and give the headers that reached the part behind."""
    with (
        urllib3.HTTPSConnectionPool(
            base.HOST, port, cert_reqs="CERT_NONE", assert_hostname=False
        ) as pool,
        pytest.warns(urllib3.exceptions.InsecureRequestWarning),
    ):
        answer = pool.request("GET", path, headers=headers, retries=False)
    assert answer.status == 200
    return dict(line.split(": ", 1) for line in answer.data.decode().splitlines())


@pytest.mark.parametrize("path", ["/api/v1/devices", "/live", "/mqtt"])
def test_what_a_client_says_of_itself_is_not_passed_on(port: int, path: str) -> None:
    found = passed_on(port, path, {**SPOOFED, "Host": "muster.example"})
    assert found["X-Forwarded-For"] == base.HOST
    assert found["X-Forwarded-Proto"] == "https"
    assert found["X-Forwarded-Host"] == found["Host"] == "muster.example"


@pytest.mark.parametrize("path", ["/live", "/mqtt"])
def test_only_an_upgrade_to_websocket_is_passed_on(port: int, path: str) -> None:
    found = passed_on(port, path, {"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (found["Upgrade"], found["Connection"]) == ("websocket", "upgrade")
    other = passed_on(port, path, {"Connection": "Upgrade", "Upgrade": "h2c"})
    assert "Upgrade" not in other
    assert other["Connection"] == "close"
