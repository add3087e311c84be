"""Whatever a device or person writes stays text: in pages, fragments and exports."""

import csv
import io

import pytest

from muster_platform.devices.models import Device
from muster_platform.devices.rows import add_event
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LatestValue, Metric, Quarantined
from muster_platform.logs.models import LogRecord
from tests.integration.site.conftest import SYSTEM, World

CORPUS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
)
MARKS = ("<script>alert", "<img src=x", "<svg onload", "</textarea><script")

PAGES = (
    "/admin/",
    "/admin/device/",
    "/admin/devices/probe-1/",
    *(
        f"/admin/devices/probe-1/{tab}"
        for tab in ("commands", "timeline", "settings", "inventory", "access")
    ),
    "/admin/device/edit/?id=probe-1",
    "/admin/logs/?range=all",
    "/admin/quarantine/",
    "/admin/quarantine/details/?id=1",
    "/admin/audit/",
    "/admin/jobs/",
)


def poison(world: World, text: str) -> None:
    """Write the text wherever a device or person can write."""
    with world.platform.unit(SYSTEM) as unit:
        device: Device = DeviceService(unit).update("probe-1", display_name=text[:128])
        now = unit.now()
        device.agent = text
        device.capabilities = [text]
        device.attributes = {text: text}
        device.plain = False
        add_event(unit, device, "app_event", text, {"x": text})
        metric = Metric(name=text, kind="text")
        unit.session.add(metric)
        unit.session.flush()
        unit.session.add(LatestValue(device_key=device.id, metric_id=metric.id, ts=now, txt=text))
        unit.session.add(
            LogRecord(
                id="1",
                device_key=device.id,
                ts=now,
                ts_device=now,
                received_at=now,
                clamped=False,
                level=50,
                logger=text[:128],
                message=text,
                fields={},
                exception_type=text,
                exception_message=text,
                stacktrace=text,
                fingerprint="f",
                log_session=None,
            )
        )
        unit.session.add(
            Quarantined(
                received_at=now,
                topic=text,
                device_id="probe-1",
                device_key=device.id,
                payload=text.encode(),
                reason="field",
                detail=text,
            )
        )


@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_never_becomes_markup(world: World, text: str) -> None:
    poison(world, text)
    browser = world.browser()
    browser.post("/admin/devices/probe-1/send", name=text[:100], args="{}")
    for path in PAGES:
        page = browser.text(path)
        for mark in MARKS:
            assert mark not in page, f"{mark} in {path}"
        assert "49{%" not in page, "a template in a value was run"
        assert 'href="javascript:' not in page


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']
)
def test_an_export_holds_no_formula(world: World, name: str) -> None:
    with world.platform.unit(SYSTEM) as unit:
        device = DeviceService(unit).get("probe-1")
        device.display_name = name
    text = world.browser().text("/admin/device/export/csv/")
    rows = list(csv.DictReader(io.StringIO(text)))
    exported = next(row for row in rows if row["Device id"] == "probe-1")
    assert exported["Display name"] == f"'{name}"


def test_assets_are_served_for_ever_and_nothing_beside_them(world: World) -> None:
    client = world.app.test_client()
    page = client.get("/admin/sign-in").text
    path = page.split('rel="stylesheet" href="')[1].split('"')[0]
    with client.get(path, headers={"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Encoding"] == "br"
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Type"].startswith("text/css")
    for wrong in ("manifest.json", ".stamp", "..%2f__init__.py", "%2e%2e/pages.py"):
        assert client.get(f"/assets/{wrong}").status_code == 404
