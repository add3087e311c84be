"""The form of a rule: a mistake is named by its field, and takes nothing away."""

from typing import Any

from tests.integration.site.conftest import World

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
