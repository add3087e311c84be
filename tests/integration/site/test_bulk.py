"""Bulk changes on the site: ticked or filtered, planned, begun, watched, taken back."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.worker import passes
from tests.integration.site.conftest import OPERATOR, SYSTEM, VIEWER, Browser, World

NEW = "/admin/bulk/new?"
BOTH = [("device", "probe-1"), ("device", "probe-2")]


def plan_form(browser: Browser, query: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Open a plan and give the hidden fields of the form that begins it."""
    text = browser.text(NEW + urlencode(query))
    form = text[text.index('action="/admin/bulk/start"') :]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(unescape(value))
    return fields


def tags(world: World, device_id: str) -> dict[str, str]:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return tags_of(DeviceService(unit).get(device_id))


def test_the_list_offers_what_the_person_may_do_to_many(world: World) -> None:
    select = (
        world.browser().text("/admin/device/").split('<select class="form-select" name="act"')[1]
    )
    acts = re.findall(r'<option value="(\w+)"', select.split("</select>")[0])
    assert acts == ["command", "move", "tag", "disable", "enable", "delete"]
    operator = world.browser(OPERATOR).text("/admin/device/")
    assert 'value="tag"' in operator
    assert '<option value="delete"' not in operator
    assert "data-bulk" not in world.browser(VIEWER).text("/admin/device/")


def test_a_tag_is_planned_set_on_all_and_taken_back(world: World) -> None:
    browser = world.browser()
    query = [("act", "tag"), *BOTH, ("add", "floor=2"), ("remove", "")]
    fields = plan_form(browser, query)
    assert fields["device"] == ["probe-1", "probe-2"]
    assert tags(world, "probe-2") == {}, "a plan changes nothing"
    answer = browser.post("/admin/bulk/start", follow=False, **fields, reason="moved upstairs")
    assert answer.status_code == 303
    passes.advance_bulk(world.platform)
    page = browser.text(answer.location)
    assert "moved upstairs" in page
    assert tags(world, "probe-1") == {"floor": "2", "site": "berlin"}
    assert tags(world, "probe-2") == {"floor": "2"}
    back = browser.post(f"{answer.location}undo", follow=False)
    passes.advance_bulk(world.platform)
    assert "Taken back by" in browser.text(answer.location)
    assert "Takes back" in browser.text(back.location)
    assert "Change tags: taking back an earlier change</h1>" in browser.text(back.location)
    assert tags(world, "probe-1") == {"site": "berlin"}
    assert tags(world, "probe-2") == {}
    assert "Take back</button>" not in browser.text(answer.location)
    assert "takes another change back" in browser.text("/admin/bulk/")


def test_all_that_match_are_those_of_the_filter(world: World) -> None:
    browser = world.browser()
    text = browser.text("/admin/device/?search=probe-2")
    found = re.search(r'name="filter" value="([^"]*)"', text)
    assert found is not None
    query = [("act", "disable"), ("all", "1"), ("filter", unescape(found.group(1)))]
    assert "All devices with search probe-2" in browser.text(NEW + urlencode(query))
    browser.post("/admin/bulk/start", **plan_form(browser, query))
    passes.advance_bulk(world.platform)
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert DeviceService(unit).get("probe-1").disabled_at is None
        assert DeviceService(unit).get("probe-2").disabled_at is not None


def test_the_plan_says_who_is_out_and_nobody_of_a_foreign_group_is_named(world: World) -> None:
    page = world.browser(OPERATOR).text(NEW + urlencode([("act", "enable"), *BOTH]))
    assert "it is so already" in page
    assert "there is no such device" in page
    assert "Nobody would be changed" in page
    answer = world.browser(VIEWER).get(NEW + urlencode([("act", "disable"), *BOTH]))
    assert answer.status_code == 403
    assert "devices:write" in answer.text


def test_a_fleet_that_changed_since_the_plan_shows_the_new_plan(world: World) -> None:
    browser = world.browser()
    fields = plan_form(browser, [("act", "disable"), ("all", "1"), ("filter", "{}")])
    with world.platform.unit(SYSTEM) as unit:
        DeviceService(unit).register("probe-3", "sensor")
    answer = browser.post("/admin/bulk/start", **fields)
    assert answer.status_code == 200
    assert "changed since the plan" in answer.text
    assert "3 devices</button>" in answer.text


def test_a_command_to_many_is_a_job(world: World) -> None:
    browser = world.browser()
    query = [("act", "command"), *BOTH, ("name", "reboot"), ("args", "")]
    answer = browser.post("/admin/bulk/start", follow=False, **plan_form(browser, query))
    assert answer.location.startswith("/admin/jobs/")
    assert "probe-1, probe-2" in browser.text(answer.location)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"profile": "sensor"}, "devices with profile sensor"),
        ({"presence": ["UNKNOWN"]}, "devices with presence UNKNOWN"),
        ({}, "all devices"),
    ],
)
def test_the_page_of_a_job_says_which_filter_it_was_sent_to(
    world: World, wanted: dict[str, Any], said: str
) -> None:
    browser = world.browser()
    query = [("act", "command"), ("all", "1"), ("filter", json.dumps(wanted))]
    fields = plan_form(browser, [*query, ("name", "reboot"), ("args", "")])
    answer = browser.post("/admin/bulk/start", follow=False, **fields)
    assert said in browser.text(answer.location)


def test_what_was_typed_stays_beside_the_refusal(world: World) -> None:
    query = [("act", "command"), *BOTH, ("name", "reboot"), ("args", "{oops")]
    page = world.browser().text(NEW + urlencode(query))
    assert "Not JSON" in page
    assert "{oops</textarea>" in page
    assert "/admin/bulk/start" not in page


def test_nobody_ticked_goes_back_to_the_list(world: World) -> None:
    answer = world.browser().get(NEW + "act=disable")
    assert (answer.status_code, answer.location) == (302, "/admin/device/")
    assert (
        "Tick the devices first"
        in world.browser().get(NEW + "act=disable", follow_redirects=True).text
    )


def test_a_hostile_filter_is_a_clear_mistake(world: World) -> None:
    for text in ("[1]", "{", '{"colour": "red"}', '{"presence": ["MAYBE"]}', '{"group_id": "x"}'):
        answer = world.browser().get(
            NEW + urlencode([("act", "disable"), ("all", "1"), ("filter", text)]),
            follow_redirects=True,
        )
        assert answer.status_code == 200, text
        assert "ilter" in answer.text


def test_what_became_of_each_device_can_be_taken_away_as_a_file(world: World) -> None:
    browser = world.browser()
    query = [("act", "disable"), *BOTH]
    answer = browser.post("/admin/bulk/start", follow=False, **plan_form(browser, query))
    passes.advance_bulk(world.platform)
    lines = browser.text(f"{answer.location}devices.csv").splitlines()
    assert lines == ["Device,Outcome,Code,Why", "probe-1,CHANGED,,", "probe-2,CHANGED,,"]
    timeline = browser.text("/admin/devices/probe-1/timeline.csv")
    assert "disable" in timeline.lower()


def test_jobs_and_their_executions_can_be_taken_away_as_files(world: World) -> None:
    browser = world.browser()
    query = [("act", "command"), *BOTH, ("name", "reboot"), ("args", "")]
    job = browser.post("/admin/bulk/start", follow=False, **plan_form(browser, query)).location
    assert ",reboot,IN_PROGRESS,2," in browser.text("/admin/jobs/export.csv")
    assert ",probe-1,1,QUEUED," in browser.text(f"{job}executions.csv")
    assert "probe" not in browser.text(f"{job}executions.csv?state=SUCCEEDED")
    foreign = world.browser(OPERATOR)
    assert "probe-2" not in foreign.text("/admin/jobs/export.csv")
    assert browser.get("/admin/jobs/export.csv?state=WHAT").status_code == 422


@pytest.mark.parametrize(
    "given", ["[" * 5_000, '{"search": "\\u0000"}', "[]", '{"search": 1}', '{"group_id": 1e400}']
)
def test_a_filter_that_nobody_could_have_chosen_is_refused(world: World, given: str) -> None:
    query = urlencode([("act", "disable"), ("all", "1"), ("filter", given)])
    answer = world.browser().get(NEW + query)
    assert answer.status_code == 302
