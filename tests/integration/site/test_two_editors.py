"""Two people edit the same thing on the site: the second is told, and nothing is lost."""

import re

import pytest

from tests.integration.site.conftest import ADMIN, World

FORMS = {
    "/admin/device/edit/?id=probe-1": {"display_name": "{}", "group_id": "{berlin}", "tags": ""},
    "/admin/groups/edit/?id={berlin}": {"name": "{}", "parent_id": "1"},
    "/admin/profiles/edit/?id=sensor": {
        "title": "{}",
        "contact": "always",
        "expect_every_s": "300",
        "qos_down": "1",
    },
}


@pytest.mark.parametrize("path", FORMS)
def test_the_second_of_two_editors_is_told(world: World, path: str) -> None:
    browser = world.browser(ADMIN)
    at = path.format(berlin=world.berlin)
    drawn = browser.text(at)
    found = re.search(r'name="version"[^>]* value="(\d+)"', drawn)
    assert found is not None, "the form does not say what it was drawn from"

    def save(text: str) -> str:
        fields = {
            key: value.format(text, berlin=world.berlin) for key, value in FORMS[path].items()
        }
        return browser.post(at, **fields, version=found[1]).text

    assert "changed by somebody else" not in save("First")
    assert "changed by somebody else" in save("Second")
    assert 'value="First"' in browser.text(at)
