"""On-call lists as people see them: whose list counts, what they may see, test mails."""

import pytest
from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.auth import actor_of
from muster_platform.access.groups import GroupService
from muster_platform.access.mail_models import Mail
from muster_platform.access.users import UserService
from muster_platform.alerts.models import Rule
from muster_platform.alerts.oncall import OnCallDraft, OnCallService
from muster_platform.alerts.oncall_rules import Absence, Entry
from muster_platform.alerts.oncall_trial import send_test
from muster_platform.alerts.oncall_views import duties
from muster_platform.alerts.raising import Subject, raise_alarm
from muster_platform.alerts.told import last_mails
from muster_platform.errors import Conflict, NotFound, PermissionDenied
from muster_platform.worker.telling import tell_alarms
from muster_protocol.ids import uuid7
from tests.services.database import ADMIN, TestPlatform

HOUR_MS = 3_600_000


def person(platform: TestPlatform, name: str, role: str, group_id: int | None = None) -> str:
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create(f"{name}@example.org", name, "correct horse battery")
        UserService(unit).bind(user.id, role, group_id)
        return user.id


def group(platform: TestPlatform, name: str) -> int:
    with platform.unit(ADMIN) as unit:
        return GroupService(unit).create(name).id


def put(platform: TestPlatform, group_id: int, *ids: str, away: tuple[Absence, ...] = ()) -> None:
    draft = OnCallDraft(entries=tuple(Entry(user_id=one) for one in ids), absences=away)
    with platform.unit(ADMIN) as unit:
        OnCallService(unit).put(group_id, draft)


def as_person(platform: TestPlatform, user_id: str) -> Actor:
    with platform.unit(ADMIN, write=False) as unit:
        return actor_of(unit.session, user_id)


def test_a_group_without_a_list_shows_the_list_around_it_and_who_comes_next(
    platform: TestPlatform,
) -> None:
    berlin = group(platform, "Berlin")
    ana = person(platform, "ana", "on_call")
    ben = person(platform, "ben", "on_call", berlin)
    now = platform.time.now_ms()
    away = Absence(user_id=ana, start=now + HOUR_MS, end=now + 2 * HOUR_MS)
    put(platform, 1, ana, away=(away,))
    with platform.unit(as_person(platform, ben), write=False) as unit:
        [one] = duties(unit)
    assert (one.group_name, one.own, one.people) == ("Fleet / Berlin", False, ("ana",))
    assert one.gone_to == "the on-call list of Fleet"
    assert (one.until, one.then) == (now + HOUR_MS, ())


def test_nobody_sees_lists_of_groups_that_are_not_theirs(platform: TestPlatform) -> None:
    berlin, paris = group(platform, "Berlin"), group(platform, "Paris")
    ana, ben = (person(platform, n, "on_call", g) for n, g in (("ana", berlin), ("ben", paris)))
    put(platform, berlin, ana)
    put(platform, paris, ben)
    with platform.unit(as_person(platform, ben), write=False) as unit:
        assert [one.group_id for one in duties(unit)] == [paris]
        with pytest.raises(NotFound):
            OnCallService(unit).get(berlin)


def test_a_test_mail_goes_to_everybody_on_the_list_once_a_minute(platform: TestPlatform) -> None:
    ana, ben, cleo = (person(platform, name, "on_call") for name in ("ana", "ben", "cleo"))
    put(platform, 1, ana, ben, ana, away=(Absence(user_id=ben, start=1, end=2, instead_id=cleo),))
    for _ in range(2):
        with platform.unit(ADMIN) as unit:
            assert [user.name for user in send_test(unit, 1)] == ["ana", "ben", "cleo"]
    with platform.unit(ADMIN, write=False) as unit:
        mails = list(unit.session.scalars(select(Mail).order_by(Mail.to_address)))
    assert [mail.to_address for mail in mails] == [
        f"{n}@example.org" for n in ("ana", "ben", "cleo")
    ]
    assert {mail.subject for mail in mails} == {"Test: mails about alarms of Fleet"}
    platform.time.advance(s=61)
    with platform.unit(ADMIN) as unit:
        send_test(unit, 1)
        assert len(list(unit.session.scalars(select(Mail.id)))) == 6


def test_a_test_mail_takes_the_right_to_write_the_list_and_somebody_on_it(
    platform: TestPlatform,
) -> None:
    ana = person(platform, "ana", "on_call")
    with platform.unit(ADMIN) as unit, pytest.raises(NotFound):
        send_test(unit, 1)
    put(platform, 1)
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict, match="nobody on the list"):
        send_test(unit, 1)
    with platform.unit(as_person(platform, ana)) as unit, pytest.raises(PermissionDenied):
        send_test(unit, 1)


def test_mails_are_shown_as_far_as_the_reader_may_see_their_alarms(platform: TestPlatform) -> None:
    berlin, paris = group(platform, "Berlin"), group(platform, "Paris")
    ana, ben = person(platform, "ana", "on_call"), person(platform, "ben", "on_call", paris)
    put(platform, 1, ana)
    with platform.unit(ADMIN) as unit:
        now = unit.now()
        made = Rule(
            id=uuid7(), name="Offline", kind="offline", params={}, severity="critical",
            group_path="1/", device_filter={}, labels={}, author_kind="system", author_id="t",
            author_name="t", due_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        unit.session.add(made)
        for place in (berlin, paris):
            about = Subject(kind="part", id=f"p-{place}", name="p", group_path=f"1/{place}/")
            raise_alarm(unit, made, about, {}, title=f"alarm in {place}")
    tell_alarms(platform)
    with platform.unit(ADMIN, write=False) as unit:
        [mail] = last_mails(unit, 8)
        assert (mail.name, mail.alarms, mail.urgent, mail.state) == ("ana", 2, True, "queued")
    with platform.unit(as_person(platform, ben), write=False) as unit:
        [mail] = last_mails(unit, 8)
        assert (mail.title, mail.alarms) == (f"alarm in {paris}", 1)
