"""The audit page: in words, with what changed, and whether the chain stands."""

import json
import re

import pytest
from sqlalchemy import text

from muster_platform.access import audit, audit_guard
from muster_platform.devices.service import DeviceService
from muster_platform.worker.audit import verify_audit
from tests.integration.site.conftest import SYSTEM, VIEWER, World


def rename(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        DeviceService(unit).update("probe-1", display_name="Back door")


def test_entries_are_read_in_words_and_lead_to_what_changed_and_to_their_subject(
    world: World,
) -> None:
    rename(world)
    browser = world.browser()
    listed = browser.text("/admin/audit/?flt1_act_is=device.update")
    assert "changed the device" in listed
    assert "made the group" not in listed.partition("<tbody>")[2]
    link = re.search(r'href="(/admin/audit/details/\?id=\d+)"', listed)
    assert link is not None
    entry = browser.text(link.group(1))
    assert "First probe</del>" in entry
    assert "Back door</ins>" in entry
    assert 'href="/admin/devices/probe-1/"' in entry
    others = re.search(r'href="([^"]+)">all acts<', entry)
    assert others is not None
    assert "made the group" in browser.text(others.group(1).replace("&amp;", "&"))
    assert "ana@" not in browser.text(others.group(1)).partition("<tbody>")[2]


def test_a_subject_that_is_gone_has_no_link(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        audit.record(unit, "device.delete", "device", 999, "probe-1")
    newest = world.browser().text("/admin/audit/?flt3_on_what_is=999")
    link = re.search(r'href="(/admin/audit/details/\?id=\d+)"', newest)
    assert link is not None
    assert 'href="/admin/devices/probe-1/"' not in world.browser().text(link.group(1))


@pytest.mark.parametrize("query", ["flt4_since_day_is=yesterday", "flt5_until_day_is=2026-13-01"])
def test_a_day_that_is_none_is_told(world: World, query: str) -> None:
    for path in ("", "export/csv/", "export.jsonl"):
        answer = world.browser().get(f"/admin/audit/{path}?{query}")
        assert answer.status_code == 422, path
        assert "2026-11-24" in answer.text


def test_days_and_text_narrow_the_list_and_its_exports(world: World) -> None:
    rename(world)
    browser = world.browser()
    assert "Nothing matches" in browser.text("/admin/audit/?flt5_until_day_is=2020-01-01")
    lines = browser.text("/admin/audit/export.jsonl?search=back+door").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["device.update"]


def test_the_page_says_whether_the_chain_stands(world: World) -> None:
    browser = world.browser()
    assert "was not checked yet" in browser.text("/admin/audit/")
    verify_audit(world.platform)
    assert "Chain intact up to entry" in browser.text("/admin/audit/")
    with world.platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        connection.execute(text("UPDATE audit_entries SET reason = 'x' WHERE id = 2"))
        connection.execute(text("UPDATE audit_check SET round_at = 0"))
        audit_guard.put_up(connection)
    verify_audit(world.platform)
    page = browser.text("/admin/audit/")
    assert 'role="alert"' in page
    assert "tampered with: entry 2 was changed" in page


def test_who_may_not_read_it_sees_no_entry(world: World) -> None:
    browser = world.browser(VIEWER)
    for path in ("", "details/?id=1", "export/csv/", "export.jsonl"):
        assert browser.get(f"/admin/audit/{path}").status_code == 403


def test_the_timeline_of_a_device_says_it_in_words(world: World) -> None:
    rename(world)
    assert "test changed the device" in world.browser().text("/admin/devices/probe-1/timeline")
