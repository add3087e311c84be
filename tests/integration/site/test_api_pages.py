"""The API's reference on the site: whole, linked in itself, and without any other host."""

import re

from muster_platform.web.openapi import document
from muster_platform.web.site import api_reference
from tests.integration.site.conftest import World


def test_every_operation_has_a_page_and_the_list_leads_to_it(world: World) -> None:
    browser = world.browser()
    listed = browser.text("/admin/api/")
    for name, item in api_reference.operations().items():
        assert f'href="/admin/api/operations/{name}"' in listed
        page = browser.text(f"/admin/api/operations/{name}")
        assert item.path in page
        assert "curl -sS" in page
        if item.permission:
            assert f"<code>{item.permission}</code>" in page


def test_every_type_has_a_page_and_no_page_leads_nowhere(world: World) -> None:
    browser = world.browser()
    types = set(document()["components"]["schemas"])
    led_to = set()
    for name in types:
        led_to |= set(re.findall(r'href="/admin/api/types/(\w+)"',
                                 browser.text(f"/admin/api/types/{name}")))  # fmt: skip
    assert led_to <= types
    assert "DEVICES" not in browser.text("/admin/api/types/PresenceState")
    assert "<code>ONLINE</code>" in browser.text("/admin/api/types/PresenceState")


def test_the_search_finds_by_path_name_and_meaning(world: World) -> None:
    browser = world.browser()
    for words, name in (("/executions why", "why_execution"), ("get_device", "get_device")):
        page = browser.get("/admin/api/", query_string={"q": words}).text
        assert f"/admin/api/operations/{name}" in page
        assert "/admin/api/operations/list_groups" not in page
    page = browser.get("/admin/api/", query_string={"q": "<script>alert(1)</script>"}).text
    assert "<script>alert(1)" not in page
    assert "No operation holds these words" in page


def test_what_is_not_there_is_not_found(world: World) -> None:
    browser = world.browser()
    assert browser.get("/admin/api/operations/nothing").status_code == 404
    assert browser.get("/admin/api/types/nothing").status_code == 404


def test_the_pages_ask_no_other_host(world: World) -> None:
    browser = world.browser()
    for path in ("/admin/api/", "/admin/api/channels", "/admin/api/operations/get_device"):
        page = browser.text(path)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_channels_are_all_there_with_their_document(world: World) -> None:
    browser = world.browser()
    page = browser.text("/admin/api/channels")
    for channel, topic in api_reference.channels():
        assert topic in page
        assert channel.summary in page
    told = browser.get("/api/v1/asyncapi.json").json
    assert told["asyncapi"].startswith("3.")


def test_nobody_is_let_in_without_signing_in(world: World) -> None:
    answer = world.app.test_client().get("/admin/api/")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]


def test_the_curl_line_calls_what_it_shows() -> None:
    item = api_reference.operations()["send_command"]
    line = item.curl("https://muster.example.com/")
    assert '"https://muster.example.com/api/v1/devices/$device_id/commands"' in line
    assert "-X POST" in line
    assert '"name"' in line
