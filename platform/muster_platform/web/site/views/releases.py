"""Releases: list, page with files, form with a preview of the notes."""

import json
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from markupsafe import Markup
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.devices.profiles import ProfileService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.updates import releases
from muster_platform.updates.artifacts import ArtifactService
from muster_platform.updates.catalog import ReleaseState
from muster_platform.updates.models import Release
from muster_platform.updates.notes import rendered
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseFilter, ReleaseService, label
from muster_platform.updates.rollouts import RolloutService
from muster_platform.web.allowed import is_allowed
from muster_platform.web.context import platform
from muster_platform.web.site import exports, gate
from muster_platform.web.site.views.forms import json_object, read_tags
from muster_platform.web.site.words import Look

PAGE = 50
ROLLOUTS = 10
"""Rollouts of a release that its page names."""
LOOKS: dict[str, Look] = {
    ReleaseState.DRAFT: Look("Draft", "pencil", "mute"),
    ReleaseState.PUBLISHED: Look("Published", "circle-check", "ok"),
    ReleaseState.REVOKED: Look("Revoked", "ban", "bad"),
}
FIELDS = ("name", "version", "components", "notes", "title", "body", "url", "data")
DIGITS = 15


class Releases(gate.SiteView):
    """What may be installed."""

    @expose("/")
    def index(self) -> str:
        """List releases, newest first."""
        wanted = _wanted()
        with gate.reading() as unit:
            found = ReleaseService(unit).list(
                wanted, PageRequest(PAGE, request.args.get("cursor") or None)
            )
        return self.render(
            "site/releases/list.html",
            rows=[(row, LOOKS[row.state]) for row in found.items],
            wanted=wanted,
            states=list(LOOKS.items()),
            older_url=gate.older(found.next_cursor),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        wanted = _wanted()
        found = exports.rows(lambda unit, page: ReleaseService(unit).list(wanted, page))
        return exports.csv("releases", HEADER, map(_cells, found))

    @expose("/new", methods=("GET", "POST"))
    def create(self) -> Any:
        """Make a draft."""
        gate.actor().require(Permission.RELEASES_WRITE)
        if request.method == "POST" and request.form.get("act") != "preview":
            return self._save(None)
        return self._form(None, _typed())

    @expose("/<release_id>/")
    def page(self, release_id: str) -> str:
        """Show a release."""
        with gate.reading() as unit:
            service = ReleaseService(unit)
            release = service.get(release_id)
            draft = release.state == ReleaseState.DRAFT
            files = ArtifactService(unit, platform().artifacts)
            may_see = is_allowed(gate.actor(), Permission.ROLLOUTS_READ)
            return self.render(
                "site/releases/page.html",
                release=release,
                look=LOOKS[release.state],
                notes=Markup(rendered(release.notes)),  # noqa: S704  sanitised by nh3
                data=json.dumps(release.data, indent=2, ensure_ascii=False) if release.data else "",
                missing=service.missing(release) if draft else (),
                uploads=files.uploads(release_id) if draft else (),
                draft=draft,
                rollouts=RolloutService(unit).of_release(release_id, ROLLOUTS) if may_see else (),
            )

    @expose("/<release_id>/edit", methods=("GET", "POST"))
    def edit(self, release_id: str) -> Any:
        """Change a release."""
        with gate.reading() as unit:
            release = ReleaseService(unit).find(release_id)
            filled = _filled(release)
        if request.method == "POST":
            if request.form.get("act") != "preview":
                return self._save(release)
            filled = _typed()
        return self._form(release, filled)

    @expose("/<release_id>/publish", methods=("POST",))
    def publish(self, release_id: str) -> Response:
        """Let rollouts use it."""
        version = _version()
        return gate.act(
            lambda unit: ReleaseService(unit).publish(release_id, version),
            "The release is published: rollouts may use it.",
            url_for(".page", release_id=release_id),
        )

    @expose("/<release_id>/revoke", methods=("POST",))
    def revoke(self, release_id: str) -> Response:
        """Take it back."""
        reason = request.form.get("reason", "")
        return gate.act(
            lambda unit: ReleaseService(unit).revoke(release_id, reason),
            "The release is revoked: no device is given it any more.",
            url_for(".page", release_id=release_id),
        )

    @expose("/<release_id>/delete", methods=("POST",))
    def delete(self, release_id: str) -> Response:
        """Delete a draft."""
        return gate.act(
            lambda unit: ReleaseService(unit).delete(release_id),
            "The draft is deleted.",
            url_for(".index"),
        )

    @expose("/<release_id>/artifacts/<artifact_id>/delete", methods=("POST",))
    def remove_file(self, release_id: str, artifact_id: str) -> Response:
        """Take a file off a draft."""
        return self._file(release_id, lambda files: files.delete(release_id, artifact_id))

    @expose("/<release_id>/uploads/<upload_id>/cancel", methods=("POST",))
    def cancel_upload(self, release_id: str, upload_id: str) -> Response:
        """Forget an upload."""
        return self._file(release_id, lambda files: files.cancel(release_id, upload_id))

    def _file(self, release_id: str, do: Any) -> Response:
        return gate.act(
            lambda unit: do(ArtifactService(unit, platform().artifacts)),
            "The file is removed.",
            url_for(".page", release_id=release_id),
        )

    def _save(self, release: Release | None) -> Any:
        typed = _typed()
        try:
            with gate.writing() as unit:
                saved = _store(unit, release, typed)
        except gate.TELLABLE as error:
            return self._form(release, typed, gate.sentence(error))
        flash("The release is saved.", "success")
        return redirect(url_for(".page", release_id=saved.id))

    def _form(self, release: Release | None, filled: dict[str, Any], error: str = "") -> str:
        with gate.reading() as unit:
            known = (
                [(row.name, row.title) for row in ProfileService(unit).list()]
                if is_allowed(gate.actor(), Permission.PROFILES_READ)
                else [(name, name) for name in filled["profiles"]]
            )
        return self.render(
            "site/releases/form.html",
            release=release,
            heading=label(release) if release else "New release",
            filled=filled,
            profiles=known,
            fixed=release is not None and release.state != ReleaseState.DRAFT,
            preview=Markup(rendered(filled["notes"][:100_000])),  # noqa: S704  sanitised by nh3
            error=error,
        )


HEADER = (
    *("Release", "Name", "Version", "State", "Components", "Profiles", "Files"),
    *("Made at", "Made by", "Published at", "Revoked at"),
)


def _cells(row: Release) -> tuple[object, ...]:
    components = "; ".join(f"{one.component} {one.version}" for one in row.components)
    profiles = "; ".join(one.profile.name for one in row.targets)
    return (
        *(row.id, row.name, row.version, row.state, components, profiles, len(row.artifacts)),
        *(row.created_at, row.created_by, row.published_at, row.revoked_at),
    )


def _wanted() -> ReleaseFilter:
    state = _known_state(request.args.get("state", ""))
    return ReleaseFilter(state, request.args.get("search", "")[:128])


def _store(unit: Unit, release: Release | None, typed: dict[str, Any]) -> Release:
    service = ReleaseService(unit)
    if release is not None and release.state != ReleaseState.DRAFT:
        said = {**releases.told(release), "notes": typed["notes"]}
        return service.edit(release.id, Draft(**said), typed["edits"])
    draft = Draft(
        **{name: typed[name] for name in ("name", "version", "notes", "title", "body", "url")},
        components=read_tags(typed["components"].replace("\n", ",")),
        profiles=tuple(typed["profiles"]),
        data=json_object(typed["data"], "data"),
    )
    if release is None:
        return service.create(draft)
    return service.edit(release.id, draft, typed["edits"])


def _typed() -> dict[str, Any]:
    form = request.form
    typed: dict[str, Any] = {name: form.get(name, "").replace("\r\n", "\n") for name in FIELDS}
    return typed | {"profiles": form.getlist("profiles"), "edits": _version()}


def _version() -> int | None:
    text = request.form.get("edits", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _filled(release: Release) -> dict[str, Any]:
    said = releases.told(release)
    lines = [f"{name}={version}" for name, version in said["components"].items()]
    data = json.dumps(said["data"], indent=2, ensure_ascii=False) if said["data"] else ""
    return {**said, "components": "\n".join(lines), "data": data, "edits": release.edits}


def _known_state(text: str) -> str:
    return text if text in LOOKS else ""
