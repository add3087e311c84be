"""Pages of settings: a device's keys, layers of groups and profiles, the plan before a change."""

import json
import re

import pytest
from sqlalchemy import select

from muster_platform.devices.ingest.registry import apply_settings_report
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.settings_layers import LayerService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.worker import passes
from muster_protocol.messages import SettingsReport
from tests.integration.site.conftest import OPERATOR, SYSTEM, VIEWER, World

DEVICE = "/admin/devices/probe-1/settings"


def _layer(world: World, target: int | str) -> dict:
    with world.platform.unit(SYSTEM, write=False) as unit:
        return LayerService(unit).get(target).desired


def _group(world: World) -> str:
    return f"/admin/settings/group/{world.berlin}"


def _fields(text: str) -> dict[str, str]:
    """Give the hidden fields of the plan's form."""
    form = text[text.index('id="plan-title"') :]
    form = form[: form.index("</form>")]
    found = dict(re.findall(r'type="hidden" name="(desired|version)" value="([^"]*)"', form))
    return {name: value.replace("&#34;", '"') for name, value in found.items()}


def test_a_change_of_a_group_is_planned_then_applied(world: World) -> None:
    browser = world.browser(OPERATOR)
    planned = browser.post(_group(world), act="plan", desired='{"camera.fps": 5}').text
    assert "1 device</strong>" in planned
    assert "camera.fps = 5" in planned
    assert _layer(world, world.berlin) == {}
    done = browser.post(_group(world), act="apply", **_fields(planned)).text
    assert "Saved; each device hears of it" in done
    assert "1 of 1 devices are still to be looked at" in done
    assert _layer(world, world.berlin) == {"camera.fps": 5}
    passes.bring_settings(world.platform)
    page = browser.text(DEVICE)
    assert "camera.fps" in page
    assert "Berlin" in page
    assert "Device offline" not in page  # never heard: it may be there
    assert "Waiting for device" in page


def test_a_plan_that_was_overtaken_is_not_applied(world: World) -> None:
    browser = world.browser()
    planned = browser.post(_group(world), act="plan", desired='{"a": 1}').text
    with world.platform.unit(SYSTEM) as unit:
        LayerService(unit).set_desired(world.berlin, {"b": 2})
    answer = browser.post(_group(world), act="apply", **_fields(planned)).text
    assert "are at version 1 by now" in answer
    assert _layer(world, world.berlin) == {"b": 2}


def test_the_settings_of_a_profile_are_planned_and_applied(world: World) -> None:
    browser, page = world.browser(), "/admin/settings/profile/sensor"
    planned = browser.post(page, act="plan", desired='{"interval_s": 30}').text
    assert "2 devices</strong>" in planned
    browser.post(page, act="apply", **_fields(planned))
    assert _layer(world, "sensor") == {"interval_s": 30}


@pytest.mark.parametrize("typed", ["{", "[1]", '{"a": null}', '{"": 1}', "nonsense", '{"a": NaN}'])
def test_what_was_typed_stays_where_it_is_refused(world: World, typed: str) -> None:
    answer = world.browser().post(_group(world), act="plan", desired=typed)
    assert answer.status_code == 200
    assert 'id="plan-title"' not in answer.text
    assert "alert" in answer.text or "notice" in answer.text
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert shown is not None
    assert shown[1].replace("&#34;", '"').strip() == typed


def test_who_may_only_read_is_offered_no_change_and_refused_one(world: World) -> None:
    browser = world.browser(VIEWER)
    text = browser.text(_group(world))
    assert "Show what would change" not in text
    assert browser.post(_group(world), act="apply", desired="{}").status_code == 403
    assert browser.get(f"/admin/settings/group/{world.paris}").status_code == 404
    assert browser.get("/admin/settings/profile/sensor").status_code == 403


def test_one_key_of_a_device_is_set_and_reset(world: World) -> None:
    browser = world.browser(OPERATOR)
    with world.platform.unit(SYSTEM) as unit:
        LayerService(unit).set_desired(world.berlin, {"fps": 5})
    passes.bring_settings(world.platform)
    browser.post("/admin/settings/device/probe-1/set", key="fps", value="9")
    page = browser.text(DEVICE)
    assert "this device" in page
    assert "instead of 5" in page
    browser.post("/admin/settings/device/probe-1/set", key="name", value="Door 3")
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert SettingsService(unit).get("probe-1").desired == {"fps": 9, "name": "Door 3"}
    browser.post("/admin/settings/device/probe-1/reset", key="fps")
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert SettingsService(unit).get("probe-1").desired == {"fps": 5, "name": "Door 3"}


@pytest.mark.parametrize(("key", "value"), [("", "1"), ("a", ""), ("a", "null"), ("x" * 200, "1")])
def test_a_key_that_cannot_be_set_is_refused_in_words(world: World, key: str, value: str) -> None:
    answer = world.browser().post("/admin/settings/device/probe-1/set", key=key, value=value)
    assert answer.status_code == 200
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert SettingsService(unit).get("probe-1").own == {}


def test_the_devices_own_words_are_shown_with_its_error(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        SettingsService(unit).set_desired("probe-1", {"fps": 5, "bad": 1})
        device = unit.session.scalars(select(Device).where(Device.device_id == "probe-1")).first()
        report = SettingsReport(
            version=1, reported={"fps": 5, "<b>own</b>": 1}, errors={"bad": "<i>no such</i>"}
        )
        apply_settings_report(unit, device, report, unit.now())
    for page in (DEVICE, "/admin/devices/probe-1/part/settings"):
        text = world.browser(VIEWER).text(page)
        assert "In sync" in text
        assert "Rejected" in text
        assert "&lt;i&gt;no such&lt;/i&gt;" in text
        assert "&lt;b&gt;own&lt;/b&gt;" in text
        assert "Only reported" in text
        assert ">Reset<" not in text


def test_a_profiles_limits_are_set_by_its_form_and_bad_ones_told_beside_the_field(
    world: World,
) -> None:
    browser, page = world.browser(), "/admin/profiles/edit/?id=sensor"
    good = {
        "title": "Sensor",
        "contact": "always",
        "expect_every_s": "300",
        "qos_down": "1",
        "message_bytes_max": "0",
        "metrics_max": "20",
        "telemetry_kept_days": "30",
        "logs_kept_days": "",
    }
    assert browser.post(page, **good).status_code == 200
    with world.platform.unit(SYSTEM, write=False) as unit:
        profile = ProfileService(unit).get("sensor")
        assert (profile.metrics_max, profile.telemetry_kept_days) == (20, 30)
        assert profile.logs_kept_days is None
    assert "telemetry 30 d" in browser.text("/admin/profiles/")
    refused = browser.post(page, **{**good, "telemetry_kept_days": "99999"}).text
    assert "telemetry_kept_days is 0 to 3650" in refused.lower()
    with world.platform.unit(SYSTEM, write=False) as unit:
        assert ProfileService(unit).get("sensor").telemetry_kept_days == 30


def test_a_value_that_would_be_markup_stays_text(world: World) -> None:
    evil = {"k": "<script>alert(1)</script>"}
    with world.platform.unit(SYSTEM) as unit:
        LayerService(unit).set_desired(world.berlin, evil)
    text = world.browser().text(_group(world))
    assert "<script>alert" not in text
    planned = world.browser().post(_group(world), act="plan", desired=json.dumps({"<b>": evil}))
    assert "<b>" not in planned.text
