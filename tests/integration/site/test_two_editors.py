"""Two people edit the same thing on the site: the second is told, and nothing is lost."""

from html.parser import HTMLParser

import pytest

from tests.integration.site.conftest import ADMIN, World

FORMS = {
    "/admin/device/edit/?id=probe-1": "display_name",
    "/admin/groups/edit/?id={berlin}": "name",
    "/admin/profiles/edit/?id=sensor": "title",
}


class Drawn(HTMLParser):
    """The fields of the page's edit form, as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._inside = False
        self._select = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = "form-card" in given.get("class", "")
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area = name
            self.fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._area = "" if tag == "textarea" else self._area
        self._inside = self._inside and tag != "form"


@pytest.mark.parametrize("path", FORMS)
def test_the_second_of_two_editors_is_told(world: World, path: str) -> None:
    browser, field = world.browser(ADMIN), FORMS[path]
    at = path.format(berlin=world.berlin)
    drawn = Drawn(browser.text(at)).fields
    assert drawn["version"].isdecimal(), "the form does not say what it was drawn from"
    first = browser.post(at, **{**drawn, field: "First"})
    assert "changed by somebody else" not in first.text
    second = browser.post(at, **{**drawn, field: "Second"})
    assert "changed by somebody else" in second.text
    assert Drawn(browser.text(at)).fields[field] == "First"
