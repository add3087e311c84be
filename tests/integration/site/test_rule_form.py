"""Pages of rules: a mistake is named by its field and takes nothing away; no link is dead."""

from typing import Any

from muster_platform.alerts.rule_service import RuleService
from muster_platform.devices.service import DeviceService
from tests.integration.site.conftest import SYSTEM, World
from tests.integration.web import alarm_samples

TYPED: dict[str, Any] = {
    "kind": "telemetry_threshold",
    "name": "Hot",
    "p_metric": "temperature",
    "do": "save",
}


def test_a_missing_limit_is_named_and_what_was_typed_stays(world: World) -> None:
    page = world.browser().post("/admin/rules/new", **TYPED, p_comparison=">", group_id="1").text
    assert "Limit: say what it is." in page
    assert 'name="p_metric" value="temperature"' in page
    assert 'name="name" maxlength="128" value="Hot"' in page


def test_a_limit_that_is_no_number_stays_to_be_mended(world: World) -> None:
    typed = {**TYPED, "p_value": "8o", "p_comparison": ">", "group_id": "1"}
    page = world.browser().post("/admin/rules/new", **typed).text
    assert "is no number" in page
    assert 'name="p_value" value="8o"' in page


def test_a_saved_rule_says_that_it_is(world: World) -> None:
    typed = {**TYPED, "p_value": "80", "p_comparison": ">", "severity": "warning"}
    page = world.browser().post("/admin/rules/new", **typed, group_id="1", enabled="1").text
    assert "The rule is saved" in page
    assert "temperature &gt; 80" in page


def test_an_alarm_leads_to_its_rule_until_that_is_deleted(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        device = DeviceService(unit).get("probe-1")
        made = alarm_samples.make(unit, device, 1)
    alarm, rule = f"/admin/alarms/{made['alarm_id']}/", f"/admin/rules/{made['rule_id']}/"
    assert rule in world.browser().text(alarm)
    with world.platform.unit(SYSTEM) as unit:
        RuleService(unit).delete(made["rule_id"])
    page = world.browser().text(alarm)
    assert rule not in page
    assert "Hot 1" in page
