"""Mails: none lost, none doubled, nothing in their headers but what belongs there."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from muster_platform.access import mails
from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.mail_models import FAILED, QUEUED, SENT, Mail
from muster_platform.adapters.mail import FolderMailer, SmtpMailer, mailer, message
from muster_platform.errors import ConfigurationError, Conflict
from muster_platform.outbox import Wake
from muster_platform.settings import Settings
from muster_platform.worker.mails import clean_sign_ins, send_mails
from tests.services import smtp
from tests.services.database import TestPlatform

SYSTEM = system_actor("test")
TO = "ana@example.org"


@pytest.fixture
def server() -> Iterator[smtp.MailServer]:
    with smtp.running() as found:
        yield found


def put(platform: TestPlatform, **changes: Any) -> str:
    """Write a mail in a transaction of its own; gives its id."""
    values = {"title": "Hello", "name": "Ana", "what": "It <happened>.", "action": ""}
    with platform.unit(SYSTEM) as unit:
        mail = mails.write(unit, TO, "notice", **(values | changes))
        assert mail is not None
        return mail.id


def get(platform: TestPlatform, mail_id: str) -> Mail:
    with platform.unit(SYSTEM, write=False) as unit:
        return unit.session.get_one(Mail, mail_id)


def plain(server: smtp.MailServer, **changes: Any) -> SmtpMailer:
    values: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "smtp_timeout_s": 5,
    }
    return SmtpMailer(Settings(**(values | changes)))


class Broken:
    """A mailer that fails as often as it is told."""

    def __init__(self, error: Exception, times: int = 1_000) -> None:
        self.error, self.times, self.sent = error, times, 0

    def send(self, mail: Mail) -> None:
        if self.times > 0:
            self.times -= 1
            raise self.error
        self.sent += 1


def test_a_mail_wakes_the_worker_and_goes_out_once(
    platform: TestPlatform, server: smtp.MailServer
) -> None:
    mail_id = put(platform)
    assert Wake("mails") in platform.recorded.sent
    assert send_mails(platform, plain(server)) == 1
    assert send_mails(platform, plain(server)) == 0
    (made,) = server.mails
    assert made["To"] == TO
    assert made["Subject"] == "Hello"
    assert "It <happened>." in made.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "It &lt;happened&gt;." in made.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert get(platform, mail_id).state == SENT


def test_a_mail_of_an_act_that_was_rolled_back_is_never_sent(platform: TestPlatform) -> None:
    def act() -> None:
        with platform.unit(SYSTEM) as unit:
            mails.write(unit, TO, "notice", title="T", name="N", what="W", action="")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert send_mails(platform, Broken(OSError("no"))) == 0


def test_the_same_key_is_one_mail_and_the_rest_of_the_act_stays(platform: TestPlatform) -> None:
    values = {"title": "T", "name": "N", "what": "W", "action": ""}
    with platform.unit(SYSTEM) as unit:
        assert mails.write(unit, TO, "notice", dedup="alarm-1", **values) is not None
    with platform.unit(SYSTEM) as unit:
        assert mails.write(unit, TO, "notice", dedup="alarm-1", **values) is None
        assert mails.write(unit, TO, "notice", dedup="alarm-2", **values) is not None
    with platform.unit(SYSTEM, write=False) as unit:
        assert set(unit.session.scalars(select(Mail.dedup))) == {"alarm-1", "alarm-2"}


def test_a_server_that_is_away_is_tried_again_later_and_later(platform: TestPlatform) -> None:
    mail_id, carrier = put(platform), Broken(OSError("away"), times=2)
    for wait_ms in (30_000, 60_000):
        assert send_mails(platform, carrier) == 1
        assert send_mails(platform, carrier) == 0, "not before its time"
        mail = get(platform, mail_id)
        assert (mail.state, mail.error) == (QUEUED, "OSError: away")
        assert mail.next_at - platform.clock.now_ms() == wait_ms
        platform.time.advance(ms=wait_ms)
    assert send_mails(platform, carrier) == 1
    assert (carrier.sent, get(platform, mail_id).state) == (1, SENT)


def test_a_mail_is_given_up_after_some_attempts_and_sent_again_by_an_administrator(
    platform: TestPlatform,
) -> None:
    mail_id, carrier = put(platform), Broken(OSError("away"))
    while get(platform, mail_id).state == QUEUED:
        send_mails(platform, carrier)
        platform.time.advance(ms=mails.LONGEST_WAIT_MS)
    assert get(platform, mail_id).attempts == mails.ATTEMPTS
    with platform.unit(SYSTEM) as unit:
        mails.MailService(unit).send_again(mail_id)
    with platform.unit(SYSTEM) as unit, pytest.raises(Conflict):
        mails.MailService(unit).send_again(mail_id)
    assert send_mails(platform, Broken(OSError(), times=0)) == 1
    assert get(platform, mail_id).state == SENT


def test_a_claimed_mail_is_nobody_elses_until_its_sender_is_given_up(
    platform: TestPlatform,
) -> None:
    put(platform)
    with platform.unit(SYSTEM) as unit:
        assert len(mails.claim(unit, 10)) == 1
    carrier = Broken(OSError(), times=0)
    assert send_mails(platform, carrier) == 0
    platform.time.advance(ms=mails.LEASE_MS)
    assert send_mails(platform, carrier) == 1


@pytest.mark.parametrize(
    ("command", "answer", "state"),
    [
        ("RCPT", "550 nobody of that name", FAILED),
        ("RCPT", "450 try later", QUEUED),
        ("MAIL", "552 too much", FAILED),
        ("DATA", "451 not now", QUEUED),
        ("TAKEN", "554 looks like spam", FAILED),
    ],
)
def test_what_a_server_says_decides_whether_it_is_tried_again(
    platform: TestPlatform, server: smtp.MailServer, command: str, answer: str, state: str
) -> None:
    server.answers[command] = answer
    mail_id = put(platform)
    send_mails(platform, plain(server))
    mail = get(platform, mail_id)
    assert mail.state == state
    assert answer in mail.error


@pytest.mark.parametrize("answers", [{"QUIT": "421 going down"}, {"QUIT": "500 what"}])
def test_a_rude_goodbye_after_the_mail_was_taken_does_not_send_it_again(
    platform: TestPlatform, server: smtp.MailServer, answers: dict[str, str]
) -> None:
    server.answers |= answers
    mail_id = put(platform)
    send_mails(platform, plain(server))
    assert get(platform, mail_id).state == SENT
    assert len(server.mails) == 1


def test_a_connection_that_breaks_before_the_mail_was_taken_keeps_it(
    platform: TestPlatform, server: smtp.MailServer
) -> None:
    server.hangs_up_after = "RCPT"
    mail_id = put(platform)
    send_mails(platform, plain(server))
    assert get(platform, mail_id).state == QUEUED
    server.hangs_up_after = ""
    platform.time.advance(ms=mails.FIRST_WAIT_MS)
    send_mails(platform, plain(server))
    assert get(platform, mail_id).state == SENT


def test_a_server_without_encryption_gets_no_mail_unless_that_was_chosen(
    platform: TestPlatform, server: smtp.MailServer
) -> None:
    mail_id = put(platform)
    send_mails(platform, plain(server, smtp_security="starttls"))
    assert server.mails == []
    assert "STARTTLS" in get(platform, mail_id).error


def test_without_a_server_mails_are_files_that_nobody_else_reads(
    platform: TestPlatform, tmp_path: Path
) -> None:
    mail_id, settings = put(platform), Settings(state_dir=tmp_path)
    assert isinstance(mailer(settings), FolderMailer)
    send_mails(platform, mailer(settings))
    path = tmp_path / "mails" / f"{mail_id}.eml"
    made = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(made, EmailMessage)
    assert made["To"] == TO
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("evil", ["a\r\nBcc: all@example.org", "a\nX: y", "a\x00b", "\u2028Bcc: x"])
def test_no_text_begins_a_header_of_its_own(
    platform: TestPlatform, server: smtp.MailServer, evil: str
) -> None:
    put(platform, title=evil, name=evil)
    send_mails(platform, plain(server, mail_from=f"{evil} <muster@example.org>"))
    (made,) = server.mails
    assert made["Bcc"] is None
    assert made["X"] is None
    assert len(server.envelopes[0][1]) == 1


@pytest.mark.parametrize("to", ["a@b\r\nRCPT TO:<c@d>", "", "no address", "a@b, c@d", "a@\ud800"])
def test_what_is_no_address_is_given_up_and_does_not_stop_the_others(
    platform: TestPlatform, server: smtp.MailServer, to: str
) -> None:
    with platform.unit(SYSTEM) as unit:
        bad = mails.write(unit, to, "notice", title="T", name="N", what="W", action="")
        assert bad is not None
    platform.time.advance(ms=1)
    good = put(platform)
    send_mails(platform, plain(server))
    assert get(platform, bad.id).state == FAILED
    assert get(platform, good).state == SENT
    assert len(server.mails) == 1


def test_attempts_of_one_mail_have_one_message_id(platform: TestPlatform) -> None:
    mail = get(platform, put(platform))
    ids = {message(mail, "Muster <m@example.org>")["Message-ID"] for _ in range(2)}
    assert ids == {f"<{mail.id}@example.org>"}


def test_a_word_for_encryption_that_nobody_knows_is_told() -> None:
    with pytest.raises(ConfigurationError, match="smtp_security"):
        mailer(Settings(smtp_host="mail.example.org", smtp_security="ssl"))


def test_links_are_masked_for_all_but_who_may_do_anything_anyway() -> None:
    text = "go to https://m.example/admin/link/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCde now"
    assert mails.masked(text) == "go to https://m.example/admin/link/******** now"
    assert mails.masked("/admin/links") == "/admin/links"


def test_old_mails_are_forgotten_and_waiting_ones_never(platform: TestPlatform) -> None:
    done, waiting = put(platform), put(platform)
    with platform.unit(SYSTEM) as unit:
        mails.sent(unit, done)
    platform.time.advance(s=platform.settings.mails_kept_days * 86_400 + 1)
    clean_sign_ins(platform)
    with platform.unit(Actor("system", "t", "t"), write=False) as unit:
        assert list(unit.session.scalars(select(Mail.id))) == [waiting]
