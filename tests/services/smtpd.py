"""A mail server that others wrote (aiosmtpd), on a port that stays its own while it is away.

`smtp.py` misbehaves as it is told to; this one reads what we send by the book.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.services.base import HOST, free_port


@dataclass
class Mailbox:
    """What was delivered, in order."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail; the name is aiosmtpd's."""
        made = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.mails.append(made)
        return "250 taken"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Run the server."""
        controller = Controller(self, hostname=HOST, port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()
