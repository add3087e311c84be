"""A mail server of a test's own: takes mails, or answers as it was told to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class MailServer:
    """What the server took, and what it answers.

    Attributes:
        answers: command -> answer in place of the good one, such as {"RCPT": "550 nobody"}.
        hangs_up_after: command behind which the connection is cut.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_after: str = ""


GOOD = {"EHLO": "250 here", "MAIL": "250 ok", "RCPT": "250 ok", "RSET": "250 ok", "QUIT": "221 bye"}


@contextmanager
def running() -> Iterator[MailServer]:
    """Run one on a free port of 127.0.0.1."""
    found = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            converse(found, self.rfile, self.wfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def converse(server: MailServer, lines: Any, out: Any) -> None:
    """Speak SMTP on one connection, as far as the platform does (RFC 5321)."""
    sender, recipients = "", []
    out.write(b"220 test\r\n")
    for raw in lines:
        line = raw.decode().strip()
        command = line[:4].upper()
        answer = server.answers.get(command) or GOOD.get(command, "502 not here")
        if command == "MAIL":
            sender, recipients = line, []
        elif command == "RCPT" and answer.startswith("2"):
            recipients.append(line)
        elif command == "DATA" and command not in server.answers:
            out.write(b"354 go on\r\n")
            content = b"".join(iter(lines.readline, b".\r\n"))
            made = message_from_bytes(content, policy=policy.default)
            assert isinstance(made, EmailMessage)
            server.mails.append(made)
            server.envelopes.append((sender, recipients))
            answer = server.answers.get("TAKEN", "250 taken")
        out.write(answer.encode() + b"\r\n")
        if command in ("QUIT", server.hangs_up_after):
            return
