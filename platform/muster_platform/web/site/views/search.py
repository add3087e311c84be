"""The search box in the frame: what matches while one types, and the page of all results."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from flask import current_app, request, url_for
from flask_admin import expose

from muster_platform.web.find import SIZE, SIZE_MAX, Hit, find
from muster_platform.web.site import gate
from muster_platform.web.site.links import list_url


class Section(NamedTuple):
    """The hits of one kind.

    Attributes:
        hits: with the address of each.
        more: address of the list with the same search, "" where there is none.
    """

    title: str
    icon: str
    hits: list[tuple[Hit, str]]
    more: str


TITLES: dict[str, tuple[str, str]] = {
    "device": ("Devices", "router"),
    "user": ("People", "users"),
    "job": ("Jobs", "list-check"),
    "release": ("Releases", "send"),
    "group": ("Groups", "folders"),
}
"""Kind -> heading and icon."""


class Search(gate.SiteView):
    """Finding anything by its name."""

    @expose("/")
    def index(self) -> str:
        """Show all results."""
        text = request.args.get("text", "")
        with gate.reading() as unit:
            sections = _sections(find(unit, text, SIZE_MAX), text)
            return self.render("site/search.html", text=text, sections=sections)

    @expose("/hits")
    def hits(self) -> str:
        """Draw the first results for the box."""
        text = request.args.get("text", "")
        with gate.reading() as unit:
            sections = _sections(find(unit, text, SIZE), text)
            return self.render("site/search/hits.html", text=text, sections=sections)


def _sections(hits: Iterable[Hit], text: str) -> list[Section]:
    return [
        Section(*TITLES[kind], [(hit, _address(hit)) for hit in found], _more(kind, text))
        for kind, found in groupby(hits, key=lambda hit: hit.kind)
    ]


def _address(hit: Hit) -> str:
    match hit.kind:
        case "device":
            return url_for("devices.page", device_id=hit.id)
        case "job":
            return url_for("jobs.page", job_id=hit.id)
        case "release":
            return url_for("releases.page", release_id=hit.id)
        case "user" if "user.details_view" in current_app.view_functions:
            return url_for("user.details_view", id=hit.id)
        case "user":
            return ""
        case _:
            return list_url("device.index_view", group=hit.id)


def _more(kind: str, text: str) -> str:
    if kind == "device":
        return list_url("device.index_view", search=text)
    if kind == "job":
        return url_for("jobs.index", search=text)
    return url_for("releases.index", search=text) if kind == "release" else ""
