"""On-call lists on the site: written without scripts, nothing typed is lost, home shows duty."""

from muster_platform.access.users import UserService
from muster_platform.alerts.oncall import OnCallService
from tests.integration.site.conftest import ADMIN, OPERATOR, SYSTEM, VIEWER, World

LINE = {"day-0": list("1234567"), "start-0": "08:00", "end-0": "08:00"}
PACE = {"zone": "Europe/Berlin", "wait": "15", "remind": "30", "reminders": "2"}


def user_id(world: World, email: str) -> str:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return UserService(unit).by_email(email).id


def path(world: World) -> str:
    return f"/admin/on-call/{world.berlin}/"


def save(world: World, **fields: object) -> str:
    sent = {**PACE, **LINE, "person-0": user_id(world, OPERATOR), "do": "save", **fields}
    return world.browser(OPERATOR).post(path(world), **sent).text


def test_a_list_is_saved_shown_and_deleted(world: World) -> None:
    page = save(world)
    assert "Saved; alarms go by it from now on." in page
    with world.platform.unit(SYSTEM, write=False) as unit:
        row = OnCallService(unit).get(world.berlin)
        assert (row.zone, row.wait_s, row.remind_s, row.reminders) == (
            "Europe/Berlin",
            900,
            1800,
            2,
        )
        assert row.entries[0]["days"] == [1, 2, 3, 4, 5, 6, 7]
    assert "the on-call list of Berlin" in world.browser(OPERATOR).text("/admin/on-call/")
    page = world.browser(OPERATOR).post(f"{path(world)}delete").text
    assert "no on-call list counts" in page


def test_rows_are_moved_and_added_without_saving_anything(world: World) -> None:
    admin, operator = user_id(world, ADMIN), user_id(world, OPERATOR)
    both = {"person-0": operator, "person-1": admin, "day-1": ["3"], "start-1": "x", "end-1": ""}
    page = save(world, do="up-1", **both)
    first, second = (
        page.index(f'value="{admin}" selected'),
        page.index(f'value="{operator}" selected'),
    )
    assert first < second
    assert 'name="person-2"' in save(world, do="add", **both)
    assert 'name="person-1"' not in save(world, do="drop-0", **both)
    assert "no list of its own" in world.browser(OPERATOR).text("/admin/on-call/")


def test_what_is_wrong_is_named_and_what_was_typed_stays(world: World) -> None:
    for wrong, said in (
        ({"zone": "Berlin"}, "No such time zone"),
        ({"wait": "soon"}, "Next person after: write a number"),
        ({"wait": "0"}, "Next person after: 1 to 1440 minutes"),
        ({"person-0": ""}, "Line 1: choose a person"),
        ({"start-0": "25:00"}, "Line 1: write times as 08:00"),
        ({"day-0": []}, "Line 1: tick a day"),
        ({"away-0": "x", "from-0": "", "until-0": ""}, "Absence 1: say from when"),
        ({"person-0": "nobody"}, "No such person"),
    ):
        page = save(world, **wrong)
        assert said in page, wrong
        assert 'name="remind" value="30"' in page, wrong
    assert "no list of its own" in world.browser(OPERATOR).text("/admin/on-call/")


def test_a_preview_is_of_the_form_and_saves_nothing(world: World) -> None:
    page = save(world, do="preview")
    assert "As the form stands; it is not saved yet." in page
    assert "no list of its own" in world.browser(OPERATOR).text("/admin/on-call/")


def test_the_edit_of_somebody_else_is_not_overwritten(world: World) -> None:
    save(world, version="0")
    page = save(world, version="0", reminders="9")
    assert "Saved; alarms go by it from now on." not in page
    assert 'name="reminders" value="9"' in page
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert OnCallService(unit).get(world.berlin).reminders == 2


def test_lists_of_others_are_not_there_and_viewers_see_none(world: World) -> None:
    operator = world.browser(OPERATOR)
    assert operator.get(f"/admin/on-call/{world.paris}/").status_code == 404
    assert operator.post(f"/admin/on-call/{world.paris}/", **PACE).status_code == 404
    assert world.browser(VIEWER).get("/admin/on-call/").status_code == 403


def test_the_panels_say_who_is_on_call_and_what_is_open(world: World) -> None:
    save(world)
    operator = world.browser(OPERATOR)
    assert "the on-call list of Berlin".lower() in operator.text("/admin/part/on_duty").lower()
    assert "No alarm is open." in operator.text("/admin/part/open_alarms")
    assert "No mail about alarms" in operator.text("/admin/part/alarm_mails")
