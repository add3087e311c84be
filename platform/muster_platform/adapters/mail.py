"""Carries mails: to a mail server, or to files where there is none."""

import contextlib
import os
import smtplib
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

from muster_platform.access.mail_models import Mail
from muster_platform.access.mails import Mailer, MailRefused, MailServerAway, one_line
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings

STARTTLS, TLS, NONE = "starttls", "tls", "none"
LATER = range(400, 500)
"""SMTP answers that mean: not now."""
SETUP = frozenset({530, 534, 535, 538})
"""Answers about our own sign-in: to be mended here, then the mails go out."""


def mailer(settings: Settings) -> Mailer:
    """Give what carries this installation's mails.

    Raises:
        ConfigurationError: `smtp_security` is none of its words.
    """
    if not settings.smtp_host:
        return FolderMailer(settings)
    if settings.smtp_security not in (STARTTLS, TLS, NONE):
        raise ConfigurationError(
            f"smtp_security: {settings.smtp_security!r} is none of {STARTTLS}, {TLS}, {NONE}"
        )
    return SmtpMailer(settings)


def message(mail: Mail, sender: str) -> EmailMessage:
    """Make the message: text and HTML, with a Message-ID that stays the same for every attempt.

    Raises:
        MailRefused: the address cannot stand in a header.
    """
    made = EmailMessage(policy=SMTP)
    name, address = parseaddr(one_line(sender))
    try:
        made["From"] = Address(display_name=name, addr_spec=address)
        made["To"] = Address(addr_spec=one_line(mail.to_address))
    except Exception as error:  # the parser of addresses raises whatever it trips over
        raise MailRefused(f"not an address that mail can go to: {error!r}") from error
    made["Subject"] = one_line(mail.subject)
    made["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at / 1000, UTC))
    made["Message-ID"] = f"<{mail.id}@{address.rpartition('@')[2] or 'muster'}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    made.add_alternative(mail.html, subtype="html")
    return made


class FolderMailer:
    """Writes each mail to a file that mail programs open (.eml)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, mail: Mail) -> None:
        """Write one; the same mail again is the same file."""
        folder = self._settings.mails_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = message(mail, self._settings.mail_from).as_bytes()
        part = folder / f".{mail.id}.part"
        _write_private(part, content)
        part.replace(folder / f"{mail.id}.eml")


class SmtpMailer:
    """Hands mails to a server by SMTP, encrypted unless it was chosen otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, mail: Mail) -> None:
        """Send one over a connection of its own.

        Raises:
            MailRefused: the server said for good that it does not take it.
            MailServerAway: it cannot be reached.
            OSError: the server went away, or said: not now.
        """
        made = message(mail, self._settings.mail_from)
        try:
            server = self._connect()
            try:
                server.send_message(made)
            finally:
                _leave(server)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            _refuse(code, answer)
        except smtplib.SMTPResponseException as error:
            _refuse(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError as error:
            raise MailRefused(f"{error}; smtp_security says how to connect") from error

    def _connect(self) -> smtplib.SMTP:
        settings, context = self._settings, ssl.create_default_context()
        server = self._reach(context)
        try:
            if settings.smtp_security == STARTTLS:
                server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
        except BaseException:
            server.close()
            raise
        return server

    def _reach(self, context: ssl.SSLContext) -> smtplib.SMTP:
        settings = self._settings
        where = (settings.smtp_host, settings.smtp_port)
        try:
            if settings.smtp_security == TLS:
                return smtplib.SMTP_SSL(*where, timeout=settings.smtp_timeout_s, context=context)
            return smtplib.SMTP(*where, timeout=settings.smtp_timeout_s)
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            # The same answer awaits every other mail; SMTPException is an OSError, too.
            if isinstance(error, smtplib.SMTPResponseException):
                raise
            raise MailServerAway(f"{settings.smtp_host} cannot be reached: {error}") from error


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; what the server says to it changes nothing: the mail is taken, or is not."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _refuse(code: int, answer: bytes | str) -> None:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    told = f"the mail server answered {code} {text}"
    if code in LATER or code in SETUP:
        raise OSError(told)
    raise MailRefused(told)


def _write_private(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
