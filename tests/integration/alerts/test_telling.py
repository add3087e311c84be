"""Who is told of alarms: each once, few mails in a storm, none lost while the server is away."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from muster_platform.access.groups import GroupService
from muster_platform.access.mail_models import FAILED, SENT, WITHDRAWN, Mail
from muster_platform.access.users import UserService
from muster_platform.adapters.mail import SmtpMailer
from muster_platform.alerts import links
from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.models import Alarm, Rule
from muster_platform.alerts.oncall import OnCallDraft, OnCallService
from muster_platform.alerts.oncall_models import AlarmNotice
from muster_platform.alerts.oncall_rules import Entry
from muster_platform.alerts.raising import Subject, clear, open_alarm, raise_alarm
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import InvalidInput, PermissionDenied
from muster_platform.settings import Settings
from muster_platform.worker.mails import send_mails
from muster_platform.worker.telling import tell_alarms
from muster_protocol.ids import uuid7
from tests.services import smtp, smtpd
from tests.services.base import free_port
from tests.services.database import ADMIN, TestPlatform

MINUTE_MS = 60_000


@pytest.fixture
def server() -> Iterator[smtp.MailServer]:
    with smtp.running() as found:
        yield found


def carrier(port: int) -> SmtpMailer:
    return SmtpMailer(
        Settings(smtp_host="127.0.0.1", smtp_port=port, smtp_security="none", smtp_timeout_s=5)
    )


@pytest.fixture
def people(platform: TestPlatform) -> dict[str, str]:
    """Give ana and ben, on call in this order, and the administrator, by first name."""
    found = {}
    with platform.unit(ADMIN) as unit:
        users = UserService(unit)
        for name, role in (("ana", "on_call"), ("ben", "on_call"), ("root", "administrator")):
            user, _ = users.create(f"{name}@example.org", name, "correct horse battery")
            users.bind(user.id, role)
            found[name] = user.id
        entries = tuple(Entry(user_id=found[name]) for name in ("ana", "ben"))
        OnCallService(unit).put(1, OnCallDraft(entries=entries))
    return found


def rule(platform: TestPlatform, severity: str = "critical") -> str:
    with platform.unit(ADMIN) as unit:
        now = unit.now()
        made = Rule(
            id=uuid7(), name="Device offline", kind="offline", params={}, severity=severity,
            group_path="1/", device_filter={}, labels={}, author_kind="system", author_id="t",
            author_name="t", due_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        unit.session.add(made)
        return made.id


def subject(number: int) -> Subject:
    return Subject(kind="part", id=f"d-{number}", name=f"d-{number}", group_path="1/")


def up(platform: TestPlatform, rule_id: str, *numbers: int) -> list[str]:
    """Raise an alarm for each number."""
    with platform.unit(ADMIN) as unit:
        row = unit.session.get_one(Rule, rule_id)
        return [
            raise_alarm(unit, row, subject(n), {}, title=f"d-{n} is offline").id for n in numbers
        ]


def down(platform: TestPlatform, rule_id: str, *numbers: int) -> None:
    with platform.unit(ADMIN) as unit:
        row = unit.session.get_one(Rule, rule_id)
        for number in numbers:
            alarm = open_alarm(unit, row, subject(number))
            assert alarm is not None
            clear(unit, alarm)


def written(platform: TestPlatform) -> list[tuple[str, str]]:
    """Give (to, subject) of all mails, oldest first."""
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.execute(
            select(Mail.to_address, Mail.subject).order_by(Mail.created_at, Mail.id)
        )
        return [(row.to_address.partition("@")[0], row.subject) for row in rows]


def pass_time(platform: TestPlatform, minutes: int) -> None:
    """Let the worker run twice a minute."""
    for _ in range(2 * minutes):
        platform.time.advance(s=30)
        tell_alarms(platform)


def test_the_first_is_told_at_once_and_the_next_when_nobody_acknowledges(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    up(platform, rule(platform), 1)
    tell_alarms(platform)
    tell_alarms(platform)
    assert written(platform) == [("ana", "CRITICAL: d-1 is offline")]
    pass_time(platform, 14)
    assert len(written(platform)) == 1
    pass_time(platform, 2)
    assert sorted(written(platform)[1:]) == [
        ("ana", "Reminder: CRITICAL: d-1 is offline"),
        ("ben", "CRITICAL: d-1 is offline"),
    ]


def test_reminders_end(platform: TestPlatform, people: dict[str, str]) -> None:
    up(platform, rule(platform), 1)
    pass_time(platform, 12 * 60)
    assert len(written(platform)) == 2 * (1 + 4)


def test_who_was_not_told_before_it_was_acknowledged_is_told_when_that_is_taken_back(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    rule_id = rule(platform)
    up(platform, rule_id, 1)
    tell_alarms(platform)
    (second,) = up(platform, rule_id, 2)
    tell_alarms(platform)
    with platform.unit(ADMIN) as unit:
        AlarmService(unit).acknowledge(second)
    with platform.unit(ADMIN) as unit:
        AlarmService(unit).unacknowledge(second)
    pass_time(platform, 3)
    assert written(platform)[1:] == [("ana", "CRITICAL: d-2 is offline")]


def test_a_mail_that_was_withdrawn_told_nobody(
    platform: TestPlatform, people: dict[str, str], server: smtp.MailServer
) -> None:
    (alarm_id,) = up(platform, rule(platform), 1)
    tell_alarms(platform)
    with platform.unit(ADMIN) as unit:
        AlarmService(unit).acknowledge(alarm_id)
    send_mails(platform, carrier(server.port))
    assert server.mails == []
    with platform.unit(ADMIN) as unit:
        AlarmService(unit).unacknowledge(alarm_id)
    pass_time(platform, 3)
    send_mails(platform, carrier(server.port))
    assert [mail["subject"] for mail in server.mails] == ["CRITICAL: d-1 is offline"]


def test_acknowledging_stops_everything(platform: TestPlatform, people: dict[str, str]) -> None:
    rule_id = rule(platform)
    (alarm_id,) = up(platform, rule_id, 1)
    tell_alarms(platform)
    with platform.unit(ADMIN) as unit:
        AlarmService(unit).acknowledge(alarm_id)
    down(platform, rule_id, 1)
    pass_time(platform, 60)
    assert len(written(platform)) == 1


def test_an_alarm_that_is_over_before_it_was_told_wakes_nobody(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    rule_id = rule(platform)
    up(platform, rule_id, 1)
    down(platform, rule_id, 1)
    up(platform, rule(platform, "info"), 2)
    pass_time(platform, 30)
    assert written(platform) == []


def test_that_it_is_over_is_told_once_to_whoever_was_mailed(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    rule_id = rule(platform)
    up(platform, rule_id, 1)
    tell_alarms(platform)
    down(platform, rule_id, 1)
    pass_time(platform, 30)
    assert written(platform)[1:] == [("ana", "Over: d-1 is offline")]


def test_a_thousand_devices_offline_at_once_are_at_most_five_mails(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    rule_id = rule(platform)
    for start in range(0, 1_000, 100):  # as evaluation finds them, the worker in between
        up(platform, rule_id, *range(start, start + 100))
        platform.time.advance(s=2)
        tell_alarms(platform)
    pass_time(platform, 10)
    assert written(platform) == [
        ("ana", "CRITICAL: 100 alarms of Device offline"),
        ("ana", "CRITICAL: 900 alarms of Device offline"),
    ]
    with platform.unit(ADMIN, write=False) as unit:
        count = select(func.count()).select_from(AlarmNotice).where(AlarmNotice.state == "mailed")
        assert unit.session.scalar(count) == 1_000, "each alarm is in one mail"
    pass_time(platform, 6)
    assert len(written(platform)) <= 5, "with the first reminder and the second person"
    down(platform, rule_id, *range(1_000))


def test_a_server_away_for_half_an_hour_loses_and_doubles_nothing(
    platform: TestPlatform, people: dict[str, str], server: smtp.MailServer
) -> None:
    away, rule_id = free_port(), rule(platform)
    for minute in range(30):
        if minute in (0, 10, 20):
            up(platform, rule_id, minute)
        tell_alarms(platform)
        send_mails(platform, carrier(away))
        platform.time.advance(ms=MINUTE_MS)
    wrote = len(written(platform))
    assert wrote >= 3
    for _ in range(3):
        send_mails(platform, carrier(server.port))
        platform.time.advance(ms=MINUTE_MS)
    ids = [str(mail["Message-ID"]) for mail in server.mails]
    assert len(ids) == len(set(ids)) == wrote
    with platform.unit(ADMIN, write=False) as unit:
        assert set(unit.session.scalars(select(Mail.state))) == {SENT}


def test_a_server_of_others_gets_each_mail_once_though_it_goes_and_comes(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    box, rule_id = smtpd.Mailbox(), rule(platform)
    for number in range(3):
        up(platform, rule_id, number)
        pass_time(platform, 6)
        send_mails(platform, carrier(box.port))
        platform.time.advance(s=120)
        with box.open():
            send_mails(platform, carrier(box.port))
    assert len(box.mails) == len(written(platform))
    assert len({str(mail["Message-ID"]) for mail in box.mails}) == len(box.mails)
    text = box.mails[0].get_body(("plain",))
    assert text is not None
    assert links.PATH in text.get_content()


def test_what_ends_while_the_server_is_away_is_not_sent_afterwards(
    platform: TestPlatform, people: dict[str, str], server: smtp.MailServer
) -> None:
    rule_id = rule(platform)
    up(platform, rule_id, 1)
    tell_alarms(platform)
    send_mails(platform, carrier(free_port()))
    down(platform, rule_id, 1)
    pass_time(platform, 3)
    send_mails(platform, carrier(server.port))
    assert server.mails == []
    with platform.unit(ADMIN, write=False) as unit:
        assert set(unit.session.scalars(select(Mail.state))) == {WITHDRAWN}


def test_alarms_go_before_other_mails(
    platform: TestPlatform, people: dict[str, str], server: smtp.MailServer
) -> None:
    from muster_platform.access import mails

    with platform.unit(ADMIN) as unit:
        mails.write(unit, "x@example.org", "notice", title="T", name="N", what="W", action="")
    platform.time.advance(s=5)
    up(platform, rule(platform), 1)
    tell_alarms(platform)
    send_mails(platform, carrier(server.port))
    assert [mail["Subject"] for mail in server.mails] == ["CRITICAL: d-1 is offline", "T"]


def test_a_refused_mail_is_given_up_at_once(
    platform: TestPlatform, people: dict[str, str], server: smtp.MailServer
) -> None:
    server.answers["RCPT"] = "550 nobody of that name"
    up(platform, rule(platform), 1)
    tell_alarms(platform)
    send_mails(platform, carrier(server.port))
    with platform.unit(ADMIN, write=False) as unit:
        mail = unit.session.scalars(select(Mail)).one()
        assert (mail.state, "550" in mail.error) == (FAILED, True)


def test_nobody_on_call_leads_to_the_administrators_and_says_so(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("root@example.org", "root", "correct horse battery")
        UserService(unit).bind(user.id, "administrator")
        found = OnCallService(unit).who(1)
        assert [one.email for one in found.people] == ["root@example.org"]
        assert "no on-call list" in found.gone_to
    up(platform, rule(platform), 1)
    tell_alarms(platform)
    assert written(platform) == [("root", "CRITICAL: d-1 is offline")]


def test_whoever_may_not_read_the_alarms_cannot_be_on_the_list(platform: TestPlatform) -> None:
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("no@example.org", "No", "correct horse battery")
        draft = OnCallDraft(entries=(Entry(user_id=user.id),))
        with pytest.raises(InvalidInput, match="may not read the alarms of Fleet"):
            OnCallService(unit).put(1, draft)


# --- links --------------------------------------------------------------------------------


def link_of(platform: TestPlatform) -> str:
    with platform.unit(ADMIN, write=False) as unit:
        text: Any = unit.session.scalars(select(Mail.text).order_by(Mail.id)).first()
    return str(text).partition(links.PATH)[2].split()[0]


def test_a_link_acknowledges_in_the_name_of_its_recipient_and_only_what_was_told(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    rule_id = rule(platform)
    first, _ = up(platform, rule_id, 1, 2)
    tell_alarms(platform)
    (other,) = up(platform, rule_id, 3)
    with platform.unit(ADMIN) as unit:
        assert links.acknowledge(unit, link_of(platform)) == 2
    with platform.unit(ADMIN) as unit:
        row = unit.session.get_one(Alarm, first)
        assert (row.state, row.acknowledged_by) == ("ACTIVE_ACK", "ana@example.org")
        assert unit.session.get_one(Alarm, other).state == "ACTIVE_UNACK"
        assert links.acknowledge(unit, link_of(platform)) == 0
        assert len(links.look(unit, link_of(platform)).others) == 2


def test_a_link_is_worth_nothing_changed_too_old_or_after_a_change_of_rights(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    up(platform, rule(platform), 1)
    tell_alarms(platform)
    token = link_of(platform)
    with platform.unit(ADMIN, write=False) as unit:
        for place in range(0, len(token), 7):
            wrong = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            with pytest.raises(links.LinkEnded):
                links.look(unit, wrong)
        for wrong in ("", "x", "é" * 20, token * 3, token[:-4]):
            with pytest.raises(links.LinkEnded):
                links.look(unit, wrong)
    with platform.unit(ADMIN) as unit:
        user = UserService(unit).get(people["ana"])
        UserService(unit).unbind(user.bindings[0].id)
    with platform.unit(ADMIN) as unit, pytest.raises((links.LinkEnded, PermissionDenied)):
        links.acknowledge(unit, token)
    platform.time.advance(ms=links.LIFE_MS)
    with platform.unit(ADMIN) as unit, pytest.raises(links.LinkEnded, match="too old"):
        links.acknowledge(unit, token)


def test_a_link_shows_and_acknowledges_what_its_recipient_sees_today(
    platform: TestPlatform, people: dict[str, str]
) -> None:
    """A device was deleted, another moved to a group of others, since the mail."""
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).create("sensor")
        near, far = (GroupService(unit).create(name) for name in ("near", "far"))
        keys = [DeviceService(unit).register(f"d-{n}", "sensor", near.id).id for n in range(3)]
        users = UserService(unit)
        users.unbind(users.get(people["ana"]).bindings[0].id)
        users.bind(people["ana"], "on_call", near.id)
        OnCallService(unit).put(near.id, OnCallDraft(entries=(Entry(user_id=people["ana"]),)))
        near_path, far_id = near.path, far.id
    rule_id = rule(platform)
    with platform.unit(ADMIN) as unit:
        row = unit.session.get_one(Rule, rule_id)
        for n, key in enumerate(keys):
            about = Subject(
                kind="device", id=f"d-{n}", name="", group_path=near_path, device_key=key
            )
            raise_alarm(unit, row, about, {}, title=f"d-{n} is offline")
    tell_alarms(platform)
    token = link_of(platform)
    with platform.unit(ADMIN) as unit:
        service = DeviceService(unit)
        service.delete("d-0", hooks=DEVICE_HOOKS)
        unit.session.get_one(Device, keys[1]).group_id = far_id
    with platform.unit(ADMIN) as unit:
        assert [alarm.title for alarm in links.look(unit, token).open] == ["d-2 is offline"]
        assert links.acknowledge(unit, token) == 1
