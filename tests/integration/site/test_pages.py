"""Pages: who sees what, what a refusal says, what forms do."""

import json
import re

import pytest

from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound
from muster_platform.jobs.executions import ExecutionService
from muster_platform.paging import PageRequest
from tests.integration.site.conftest import ADMIN, OPERATOR, SYSTEM, VIEWER, World

PAGES = (
    "/admin/",
    "/admin/device/",
    "/admin/device/new/",
    "/admin/device/edit/?id=probe-1",
    "/admin/devices/probe-1/",
    *(
        f"/admin/devices/probe-1/{tab}"
        for tab in ("commands", "timeline", "settings", "inventory", "access")
    ),
    "/admin/groups/",
    "/admin/groups/new/",
    "/admin/profiles/",
    "/admin/profiles/new/",
    "/admin/profiles/edit/?id=sensor",
    "/admin/settings/profile/sensor",
    "/admin/settings/group/1",
    "/admin/enrolment/",
    "/admin/enrolment/new/",
    "/admin/bulk/",
    "/admin/bulk/new?act=tag&device=probe-1",
    "/admin/bulk/new?act=disable&device=probe-1",
    "/admin/bulk/new?act=command&device=probe-1",
    "/admin/jobs/",
    "/admin/logs/",
    "/admin/quarantine/",
    "/admin/audit/",
    "/admin/account/",
)


def test_lists_of_groups_and_profiles_are_opened_by_links(world: World) -> None:
    assert f'href="/admin/groups/details/?id={world.berlin}"' in world.browser().text(
        "/admin/groups/"
    )
    assert 'href="/admin/settings/profile/sensor"' in world.browser().text("/admin/profiles/")


def test_quarantine_is_found_by_whoever_may_read_logs(world: World) -> None:
    link = 'href="/admin/quarantine/"'
    assert link in world.browser().text("/admin/device/")
    assert link in world.browser(OPERATOR).text("/admin/device/")
    assert link not in world.browser(VIEWER).text("/admin/device/")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_and_without_inline_handlers_or_styles(world: World, path: str) -> None:
    answer = world.browser().get(path)
    assert answer.status_code == 200, answer.text[:2000]
    assert not re.search(r"\son[a-z]+=", answer.text), "an inline handler"
    assert not re.search(r"\sstyle=|<style", answer.text), "an inline style"
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text), "another host"
    scripts = re.findall(r"<script[^>]*>", answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert scripts
    for script in scripts:
        nonce = re.search(r'nonce="([^"]+)"', script)
        assert nonce is not None
        assert f"'nonce-{nonce.group(1)}'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_sign_in_and_back(world: World, path: str) -> None:
    answer = world.app.test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/admin/sign-in?next=")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_sign_in_sends_nobody_to_another_site(world: World, target: str) -> None:
    answer = world.app.test_client().post(
        "/admin/sign-in",
        data={"email": ADMIN, "password": "correct horse battery", "next": target},
    )
    assert (answer.status_code, answer.location) == (303, "/admin/")


def test_a_wrong_password_says_so_keeps_the_address_and_signs_nobody_in(world: World) -> None:
    client = world.app.test_client()
    answer = client.post("/admin/sign-in", data={"email": ADMIN, "password": "wrong"})
    assert answer.status_code == 401
    assert "is wrong" in answer.text
    assert f'value="{ADMIN}"' in answer.text
    assert client.get("/admin/").status_code == 302


def test_a_device_of_a_foreign_group_is_not_there(world: World) -> None:
    browser = world.browser(OPERATOR)
    listed = browser.text("/admin/device/")
    assert "probe-1" in listed
    assert "probe-2" not in listed
    for path in ("", "timeline", "telemetry.json", "log.json", "part/status"):
        assert browser.get(f"/admin/devices/probe-2/{path}").status_code == 404
    assert "probe-2" not in browser.text("/admin/device/export/csv/")


def test_a_denial_names_the_permission_and_the_group(world: World) -> None:
    answer = world.browser(OPERATOR).post("/admin/devices/probe-1/delete")
    assert answer.status_code == 403
    assert "devices:delete" in answer.text
    assert "Berlin" in answer.text
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert DeviceService(unit).get("probe-1").deleted_at is None


def test_a_viewer_sees_no_buttons_it_may_not_press_and_no_log(world: World) -> None:
    page = world.browser(VIEWER).text("/admin/devices/probe-1/")
    assert "data-command-form" not in page
    assert "data-logtail" not in page
    assert "/disable" not in page
    assert world.browser(VIEWER).get("/admin/devices/probe-1/log.json").status_code == 403
    assert world.browser(VIEWER).get("/admin/audit/").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/admin/devices/probe-1/delete",
        "/admin/devices/probe-1/send",
        "/admin/devices/probe-1/rotate",
        "/admin/device/new/",
        "/admin/account/password",
        "/admin/sign-out",
    ],
)
@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_without_the_csrf_token_changes_nothing(
    world: World, path: str, token: str | None
) -> None:
    browser = world.browser()
    data = {"name": "reboot", "device_id": "new-1"} | (
        {} if token is None else {"csrf_token": token}
    )
    assert browser.client.post(path, data=data).status_code == 403
    assert browser.get("/admin/").status_code == 200, "still signed in"
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert DeviceService(unit).get("probe-1").disabled_at is None
        assert not ExecutionService(unit).of_device("probe-1", PageRequest()).items
        with pytest.raises(NotFound):
            DeviceService(unit).get("new-1")


def test_a_device_is_registered_edited_and_deleted(world: World) -> None:
    browser = world.browser()
    made = browser.post(
        "/admin/device/new/",
        device_id="lamp-1",
        display_name="Lamp",
        profile="sensor",
        group_id=str(world.berlin),
        tags="site=berlin, spare",
    )
    assert made.request.path == "/admin/devices/lamp-1/"
    assert "site=berlin" in made.text
    browser.post(
        "/admin/device/edit/?id=lamp-1",
        display_name="Lamp two",
        group_id=str(world.paris),
        tags="floor=2",
    )
    page = browser.text("/admin/devices/lamp-1/")
    assert "Lamp two" in page
    assert "Paris" in page
    assert "site=berlin" not in page
    gone = browser.post("/admin/devices/lamp-1/delete")
    assert "lamp-1 was deleted" in gone.text
    assert browser.get("/admin/devices/lamp-1/").status_code == 404


def test_a_refused_form_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed(
    world: World,
) -> None:
    answer = world.browser().post(
        "/admin/device/new/",
        device_id="no spaces allowed",
        display_name="Kept name",
        profile="sensor",
        group_id=str(world.berlin),
    )
    assert answer.status_code == 200
    assert "Not a device id" in answer.text
    assert "is-invalid" in answer.text
    assert 'value="Kept name"' in answer.text


def test_forms_offer_only_groups_that_the_person_may_use(world: World) -> None:
    form = world.browser(OPERATOR).text("/admin/device/new/")
    assert "Berlin" in form
    assert "Paris" not in form


def test_a_command_is_sent_shown_explained_and_canceled(world: World) -> None:
    browser = world.browser(OPERATOR)
    page = browser.post("/admin/devices/probe-1/send", name="reboot", args='{"delay_s": 5}')
    assert "reboot" in page.text
    assert "Queued" in page.text
    with world.platform.unit(SYSTEM, write=False) as unit:
        [run] = ExecutionService(unit).of_device("probe-1", PageRequest()).items
    why = browser.text(f"/admin/executions/{run.id}/why")
    assert "probe-1" in why
    canceled = browser.post(f"/admin/executions/{run.id}/cancel", next="/admin/devices/probe-1/")
    assert "Cancel was requested" in canceled.text
    assert "Canceled" in browser.text(f"/admin/jobs/{run.job_id}/")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "reboot", "args": "{"}, "Not JSON"),
        ({"name": "reboot", "args": "[1]"}, "Expected one JSON object"),
        ({"name": "reboot", "timeout_s": "-1"}, "whole number"),
        ({"name": "", "args": '{"kept": 1}'}, "name has 1 to"),
    ],
)
def test_a_bad_command_is_refused_with_the_reason_and_nothing_typed_is_lost(
    world: World, fields: dict[str, str], said: str
) -> None:
    answer = world.browser().post("/admin/devices/probe-1/send", **fields)
    assert said in answer.text
    for value in fields.values():
        assert value.replace('"', "&#34;") in answer.text
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert not ExecutionService(unit).of_device("probe-1", PageRequest()).items


def test_settings_changed_by_another_meanwhile_are_not_overwritten(world: World) -> None:
    browser = world.browser()
    browser.post("/admin/devices/probe-1/settings/save", desired='{"a": 1}', version="0")
    late = browser.post("/admin/devices/probe-1/settings/save", desired='{"b": 2}', version="0")
    assert "read them again" in late.text
    assert "&#34;b&#34;" in late.text, "what was typed is still there"
    assert "&#34;a&#34;" in browser.text("/admin/devices/probe-1/settings")


def test_a_secret_is_shown_once(world: World) -> None:
    browser = world.browser()
    page = browser.post("/admin/devices/probe-1/rotate").text
    found = re.search(r'id="secret">([^<]+)<', page)
    assert found is not None
    assert found.group(1) not in browser.text("/admin/devices/probe-1/access")


def test_an_enrolment_token_is_shown_once_and_revoked(world: World) -> None:
    browser = world.browser()
    page = browser.post(
        "/admin/enrolment/new/",
        name="Hall 2",
        profile="sensor",
        group_id=str(world.berlin),
        mode="allow_new",
        days="7",
    ).text
    found = re.search(r'id="secret">(mst_[^<]+)<', page)
    assert found is not None
    listed = browser.text("/admin/enrolment/")
    assert found.group(1) not in listed
    token_id = re.search(r'name="id" value="([^"]+)"', listed)
    assert token_id is not None
    revoked = browser.post("/admin/enrolment/delete/", id=token_id.group(1))
    assert "Revoked" in revoked.text


def test_lists_filter_and_page_on_the_server(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        for number in range(120):
            DeviceService(unit).register(f"bulk-{number:03d}", "sensor", world.berlin)
    browser = world.browser()
    first = browser.text("/admin/device/?search=bulk")
    assert first.count('data-href="/admin/devices/bulk-') == 50
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = browser.text(following.group(1).replace("&amp;", "&"))
    assert "bulk-050" in second
    assert "bulk-049" not in second
    assert "search=bulk" in following.group(1)
    assert "Nothing matches" in browser.text("/admin/device/?flt0_presence_is=ONLINE")


def test_a_filter_that_is_none_is_told_and_not_an_error_of_ours(world: World) -> None:
    browser = world.browser()
    for path in (
        "/admin/device/?flt0_presence_is=SHINY",
        "/admin/device/?cursor=nonsense",
        "/admin/jobs/?state=SHINY",
        "/admin/logs/?level=LOUD",
        "/admin/logs/?range=ever",
        "/admin/devices/probe-1/telemetry.json?range_ms=x",
    ):
        assert browser.get(path).status_code == 422, path


def test_json_parts_say_what_pages_need(world: World) -> None:
    browser = world.browser()
    log = browser.get("/admin/devices/probe-1/log.json")
    assert json.loads(log.text) == {"records": []}
    telemetry = browser.get("/admin/devices/probe-1/telemetry.json?range_ms=1000")
    assert set(telemetry.json or {}) == {"from", "to", "series", "latest"}


def test_a_fetch_of_a_signed_out_page_is_refused_and_not_redirected(world: World) -> None:
    answer = world.app.test_client().get("/admin/part/fleet", headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 401


def test_signing_out_ends_the_session(world: World) -> None:
    browser = world.browser(VIEWER)
    browser.post("/admin/sign-out")
    assert browser.get("/admin/").status_code == 302
    del world.browsers[VIEWER]


def test_a_page_that_stays_open_renews_its_session(world: World) -> None:
    browser = world.browser()
    assert browser.get("/admin/session", headers={"X-Requested-With": "fetch"}).status_code == 204
    stranger = world.app.test_client()
    assert stranger.get("/admin/session", headers={"X-Requested-With": "fetch"}).status_code == 401
