"""Links in mails about alarms: opening one changes nothing, its button acknowledges."""

from sqlalchemy import select

from muster_platform.access.mail_models import Mail
from muster_platform.alerts.links import PATH
from muster_platform.alerts.models import Alarm, Rule
from muster_platform.alerts.raising import Subject, raise_alarm
from muster_platform.worker.telling import tell_alarms
from muster_protocol.ids import uuid7
from tests.integration.site.conftest import SYSTEM, World


def link(world: World) -> str:
    """Raise an alarm, have it mailed to the administrator, and give the link's path."""
    with world.platform.unit(SYSTEM) as unit:
        now = unit.now()
        rule = Rule(
            id=uuid7(), name="Offline", kind="offline", params={}, severity="critical",
            group_path="1/", device_filter={}, labels={}, author_kind="system", author_id="t",
            author_name="t", due_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        unit.session.add(rule)
        unit.session.flush()
        about = Subject(kind="part", id="p", name="p", group_path="1/")
        raise_alarm(unit, rule, about, {}, title="p <is> down")
    assert tell_alarms(world.platform) == 1
    with world.platform.unit(SYSTEM, write=False) as unit:
        text = unit.session.scalars(select(Mail.text)).one()
    return PATH + text.partition(PATH)[2].split()[0]


def state(world: World) -> str:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return unit.session.scalars(select(Alarm.state)).one()


def test_opening_a_link_changes_nothing_and_its_button_acknowledges_without_a_sign_in(
    world: World,
) -> None:
    path, nobody = link(world), world.app.test_client()
    for _ in range(2):
        page = nobody.get(path)
        assert page.status_code == 200
        assert "p &lt;is&gt; down" in page.text
        # With no-referrer, browsers send the form with `Origin: null`, which is refused below.
        assert page.headers["Referrer-Policy"] == "same-origin"
    assert state(world) == "ACTIVE_UNACK"
    for origin in ("https://evil.example", "null"):
        evil = nobody.post(path, headers={"Origin": origin})
        assert (evil.status_code, state(world)) == (403, "ACTIVE_UNACK")
    assert "Acknowledged" in nobody.post(path, headers={"Origin": "http://localhost"}).text
    assert state(world) == "ACTIVE_ACK"
    assert "acknowledged by admin@example.org" in nobody.get(path).text


def test_a_wrong_link_is_refused_and_tells_nothing(world: World) -> None:
    path, nobody = link(world), world.app.test_client()
    for wrong in (path[:-2] + "xx", PATH + "no-token-of-ours"):
        for answer in (nobody.get(wrong), nobody.post(wrong)):
            assert answer.status_code == 401
            assert "is&gt; down" not in answer.text
    assert state(world) == "ACTIVE_UNACK"


def test_the_page_of_an_alarm_says_who_was_told(world: World) -> None:
    link(world)
    with world.platform.unit(SYSTEM, write=False) as unit:
        alarm_id = unit.session.scalars(select(Alarm.id)).one()
    page = world.browser().text(f"/admin/alarms/{alarm_id}/")
    assert "Who was told" in page
    assert "no on-call list counts for this group" in page
