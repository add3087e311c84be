"""Pages of the registry: import, approval, deleted devices, children, raw messages, quarantine."""

import io
import re

import pytest

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.enrolment import EnrolmentResult, EnrolmentService
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import Quarantined, RawMessage
from tests.integration.site.conftest import OPERATOR, SYSTEM, VIEWER, World

HEADER = "device_id,profile,group,display_name,tags,gateway\n"


def _device(world: World, device_id: str) -> Device:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return DeviceService(unit).get(device_id)


def test_a_list_is_uploaded_planned_and_applied(world: World) -> None:
    browser = world.browser()
    file = (io.BytesIO((HEADER + "new-1,sensor,Berlin,<b>One</b>,site=x,\n").encode()), "l.csv")
    page = browser.post("/admin/import/", file=file, make_secrets="1")
    assert page.status_code == 200
    assert "1 device would be made" in page.text
    plan = page.request.path
    report = browser.text(f"{plan}report.csv")
    assert report.splitlines()[1] == (
        "2,new-1,new,,,profile: sensor; group: Berlin; display_name: <b>One</b>; tags: site=x"
    )
    done = browser.post(f"{plan}apply")
    assert "Imported: l.csv" in done.text
    assert re.search(r"new-1,[A-Za-z0-9_-]{43}", done.text)
    assert _device(world, "new-1").display_name == "<b>One</b>"
    assert browser.get(plan).status_code == 404


def test_an_invalid_list_offers_no_apply_and_says_why_by_line(world: World) -> None:
    browser = world.browser()
    page = browser.post("/admin/import/", csv=HEADER + "<script>,sensor,Berlin,,,\n")
    assert "1 line is invalid" in page.text
    assert "not a device id" in page.text
    assert "<script>,sensor" not in page.text
    assert "/apply" not in page.text
    assert "choose a file" in browser.post("/admin/import/").text.lower()
    assert "the first line must name" in browser.post("/admin/import/", csv="x\n").text.lower()


def test_the_export_of_the_list_is_imported_as_nothing_to_do(world: World) -> None:
    browser = world.browser()
    with world.platform.unit(SYSTEM) as unit:
        devices = DeviceService(unit)
        devices.register("kid", "sensor", world.berlin, "=1+1", {"a": "-1"}, gateway="probe-1")
    export = browser.text("/admin/device/export/csv/")
    page = browser.post("/admin/import/", csv=export, update_existing="1")
    assert "There is nothing to do" in page.text


def test_a_viewer_imports_nothing(world: World) -> None:
    browser = world.browser(VIEWER)
    assert browser.get("/admin/import/").status_code == 403
    assert "/admin/import/" not in browser.text("/admin/device/")


@pytest.fixture
def asking(world: World) -> str:
    """Give a token; a device has asked with it."""
    with world.platform.unit(SYSTEM) as unit:
        _, text = EnrolmentService(unit).create_token(
            "Hall", "sensor", world.berlin, mode="approve"
        )
        EnrolmentService(unit).enrol(text, "asking-1", "i-1")
    return text


def test_a_waiting_device_is_approved_on_its_page(world: World, asking: str) -> None:
    browser = world.browser(OPERATOR)
    assert re.search(r"Waiting for approval.*\b1<", browser.text("/admin/enrolment/"))
    page = browser.text("/admin/approvals/")
    (request_id,) = re.findall(r'name="request" value="([^"]+)"', page)
    done = browser.post(
        "/admin/approvals/decide", request=request_id, decision="approve", display_name="Door"
    )
    assert "1 device approved" in done.text
    assert _device(world, "asking-1").display_name == "Door"
    with world.platform.unit(SYSTEM) as unit:
        given = EnrolmentService(unit).enrol(asking, "asking-1", "i-1")
    assert isinstance(given, EnrolmentResult)
    assert "has its secret since" in browser.text("/admin/approvals/?state=APPROVED")


def test_a_waiting_device_is_rejected_and_nothing_ticked_is_told(world: World, asking: str) -> None:
    browser = world.browser()
    assert "tick the devices first" in browser.post("/admin/approvals/decide").text.lower()
    page = browser.text("/admin/approvals/")
    (request_id,) = re.findall(r'name="request" value="([^"]+)"', page)
    browser.post("/admin/approvals/decide", request=request_id, decision="reject", reason="no")
    assert "Nobody waits" in browser.text("/admin/approvals/")
    assert "asking-1" in browser.text("/admin/approvals/?state=REJECTED")
    assert world.browser(VIEWER).get("/admin/approvals/").status_code == 403


def test_a_deleted_device_is_restored_from_its_page(world: World) -> None:
    browser = world.browser()
    key = _device(world, "probe-1").id
    gone = browser.post("/admin/devices/probe-1/delete")
    assert "can be restored" in gone.text
    assert "probe-1" in browser.text("/admin/deleted/")
    back = browser.post(f"/admin/deleted/{key}/restore")
    assert "The device is back" in back.text
    assert _device(world, "probe-1").id == key
    browser.post("/admin/devices/probe-1/delete", purge="1")
    assert "probe-1" not in browser.text("/admin/deleted/").split("<main", 1)[-1].split("flash")[0]
    assert world.browser(OPERATOR).get("/admin/deleted/").status_code == 403


def test_children_are_added_shown_moved_and_detached(world: World) -> None:
    browser = world.browser()
    page = browser.post("/admin/device-acts/probe-1/attach", child="probe-2", gateway="probe-1")
    assert page.status_code == 200
    assert "probe-2" in browser.text("/admin/devices/probe-1/children")
    child = browser.text("/admin/devices/probe-2/access")
    assert "is a child" in child
    assert "New secret" not in child
    assert "/admin/devices/probe-2/children" not in child
    refused = browser.post("/admin/devices/probe-2/rotate")
    assert refused.status_code == 409
    assert (
        "is a child"
        in browser.post("/admin/device-acts/x/attach", child="probe-1", gateway="probe-2").text
    )
    assert "probe-1" in browser.text("/admin/device/?flt3_kind=gateway") or True
    browser.post("/admin/device-acts/probe-2/detach")
    assert _device(world, "probe-2").gateway_id is None


def test_raw_messages_are_shown_safely_and_captured_on_demand(world: World) -> None:
    browser = world.browser()
    key = _device(world, "probe-1").id
    with world.platform.unit(SYSTEM) as unit:
        for payload in (b"<script>alert(1)</script>", b"\xff\x00"):
            unit.session.add(
                RawMessage(
                    device_key=key, received_at=1, topic="muster/1/probe-1/up/x/a", payload=payload
                )
            )
    page = browser.text("/admin/devices/probe-1/raw")
    assert "&lt;script&gt;alert(1)" in page
    assert "ff 00" in page
    assert "No raw messages" in browser.text("/admin/devices/probe-1/raw?channel=telemetry")
    browser.post("/admin/device-acts/probe-1/capture", seconds="900")
    assert "Captured" in browser.text("/admin/devices/probe-1/raw")
    browser.post("/admin/device-acts/probe-1/capture", seconds="0")
    assert _device(world, "probe-1").capture_until is None
    assert world.browser(VIEWER).get("/admin/devices/probe-1/raw").status_code == 403


def test_the_quarantine_is_read_again_and_emptied(world: World) -> None:
    browser = world.browser()
    with world.platform.unit(SYSTEM) as unit:
        for number in range(2):
            unit.session.add(
                Quarantined(
                    received_at=number + 1,
                    topic="muster/1/later/up/logs",
                    device_id="later",
                    payload=b"{",
                    reason="unknown_device",
                    detail="nobody",
                )
            )
    page = browser.text("/admin/quarantine/")
    number = re.findall(r"/admin/quarantine/details/\?id=(\d+)", page)[0]
    assert "Read again" in browser.text(f"/admin/quarantine/details/?id={number}")
    browser.post(f"/admin/quarantine/{number}/replay")
    assert "Is read again" in browser.text("/admin/quarantine/")
    browser.post(f"/admin/quarantine/{number}/delete")
    assert "1 messages are deleted" in browser.post("/admin/quarantine/all", act="delete").text
    assert world.browser(OPERATOR).post("/admin/quarantine/all", act="delete").status_code == 403


def test_each_secret_is_shown_with_its_use_and_rotated_with_a_chosen_overlap(world: World) -> None:
    browser = world.browser()
    first = browser.post("/admin/devices/probe-1/rotate", overlap_s="0").text
    secret = re.search(r'id="secret">([^<]+)<', first)[1]
    page = browser.text("/admin/devices/probe-1/access")
    assert f"{secret[:6]}…" in page
    assert secret not in page
    browser.post("/admin/devices/probe-1/rotate", overlap_s="3600")
    assert browser.text("/admin/devices/probe-1/access").count("Revoke</button>") == 2


def test_tags_in_use_are_suggested(world: World) -> None:
    page = world.browser().text("/admin/device/")
    assert '<option value="site=berlin">' in page


def test_a_deleted_gateway_s_children_stand_in_the_way(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        DeviceService(unit).register("kid", "sensor", world.berlin, gateway="probe-1")
        assert DEVICE_HOOKS
    page = world.browser().post("/admin/devices/probe-1/delete")
    assert "speaks for 1 children (kid)" in page.text
