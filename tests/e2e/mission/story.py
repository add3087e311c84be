"""What the mission's story is told with: people over the API, a gateway, a phone, a mail server."""

import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import urllib3
from aiosmtpd.controller import Controller

from tests.services import node
from tests.services.base import HOST, free_port
from tests.services.muster import MusterProcess

LIMIT_S = 120.0
ROOT = Path(__file__).parents[3]
HTTP = urllib3.PoolManager(retries=False, timeout=30)


def eventually(check: Callable[[], Any], what: str) -> Any:
    """Wait until it holds and give it; the limit only ends a test that has failed."""
    until = time.monotonic() + LIMIT_S
    while not (found := check()):
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.2)
    return found


@dataclass
class Person:
    """Somebody who is signed in."""

    web_url: str
    email: str
    password: str
    token: str = field(init=False)

    def __post_init__(self) -> None:
        answer = self.ask("POST", "/auth/sign-in", email=self.email, password=self.password)
        self.token = answer["access_token"]

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API; give status and answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        elif body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        answer = HTTP.request(method, f"{self.web_url}/api/v1{path}", body=body, headers=headers)
        return answer.status, json.loads(answer.data) if answer.data else None

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Call, and insist that it is done."""
        status, answer = self.call(method, path, body or None)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def refused(self, method: str, path: str, **body: Any) -> str:
        """Call, insist on 403, and give the permission that is missing."""
        status, answer = self.call(method, path, body or None)
        assert status == 403, (method, path, status, answer)
        return str(answer["permission"])


class Mailbox:
    """What a real SMTP server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        made = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.mails.append(made)
        return "250 taken"

    def to(self, email: str, words: str) -> EmailMessage | None:
        """Give the first mail to somebody whose subject holds these words."""
        for mail in self.mails:
            if email in mail["To"] and words in mail["Subject"]:
                return mail
        return None


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    """Run an SMTP server on a free port."""
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname=HOST, port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


@contextmanager
def gateway(folder: Path, web_url: str, token: str) -> Iterator[MusterProcess]:
    """Run the agent as the gateway gw-1, its app installed in two slots."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("pump_app.py"), folder)
    (folder / "agent.toml").write_text(
        '[agent]\nhandlers = "pump_app:setup"\nflush_s = 0.5\nsystem_metrics_every_s = 0\n'
        '[inventory]\napp = "1.0.0"\n'
        '[updates]\nslots = "slots"\nhealth_command = "grep -q two app.txt"\n'
    )
    state = ("--state", str(folder / "state"))
    enrol = ("agent", "enrol", "--server", web_url, "--token", token, "--device-id", "gw-1")
    enrolled = MusterProcess((*enrol, *state), folder / "enrol.log", cwd=folder)
    eventually(lambda: not enrolled.running(), "enrolled")
    run = ("agent", "run", "--config", "agent.toml", *state)
    process = MusterProcess(run, folder / "agent.log", cwd=folder)
    try:
        yield process
        assert process.terminate() == 0
    finally:
        process.reap()
        enrolled.reap()


@contextmanager
def phone(folder: Path, web_url: str, token: str) -> Iterator[None]:
    """Run the phone app of examples/ as phone-1; its person takes every update."""
    folder.mkdir()
    node.package("mqtt")
    shutil.copy(ROOT / "examples/phone-app/phone.mjs", folder)
    (folder / "node_modules").symlink_to(node.MODULES)
    command = [node.binary(), "phone.mjs", "--server", web_url, "--token", token]
    command += ["--device-id", "phone-1", "--accept-updates"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def archive(text: str) -> bytes:
    """Make the gateway's new app: an archive with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("app.txt")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()
