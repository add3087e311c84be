"""Releases: what may be installed, for which profiles, and its life."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict, InvalidInput
from muster_platform.unit import Unit
from muster_platform.updates.models import Artifact, Release
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseFilter, ReleaseService, told
from muster_platform.web.api.common import Input, Listed, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Releases")

READ = Permission.RELEASES_READ
WRITE = Permission.RELEASES_WRITE
PUBLISH = Permission.RELEASES_PUBLISH

Line = Annotated[str, Meta(min_length=1, max_length=128)]
Long = Annotated[str, Meta(max_length=1_024)]
Notes = Annotated[str, Meta(max_length=100_000)]
Url = Annotated[str, Meta(max_length=2_048)]
Components = dict[Line, Line]
Profiles = Annotated[list[Line], Meta(max_length=100)]


class ArtifactAnswer(msgspec.Struct, kw_only=True):
    """A file of a release.

    Attributes:
        component: that it is for, "" for all.
        profile: the only one whose devices get it, null for all target profiles.
        size: bytes.
        stored_at: ms since the epoch.
    """

    id: str
    name: str
    component: str
    profile: str | None
    size: int
    sha256: str
    stored_at: int
    stored_by: str


class ReleaseAnswer(msgspec.Struct, kw_only=True):
    """A release. Times are ms since the epoch.

    Attributes:
        version: of what is released.
        components: {component: version} that it brings devices to.
        profiles: whose devices may be given it.
        notes: Markdown, for people.
        title, body, url: the notification that a phone shows.
        data: for the app.
        missing: what a draft lacks before it can be published.
        reason: why it was revoked.
        edits: counts the edits; for If-Match.
    """

    id: str
    name: str
    version: str
    state: str
    components: dict[str, str]
    profiles: list[str]
    notes: str
    title: str
    body: str
    url: str
    data: dict[str, Any]
    artifacts: list[ArtifactAnswer]
    missing: list[str]
    reason: str
    created_at: int
    created_by: str
    updated_at: int
    published_at: int | None
    published_by: str
    revoked_at: int | None
    revoked_by: str
    edits: int


class NewRelease(Input, kw_only=True):
    """A draft to be made.

    Attributes:
        components: {component: version} that it brings devices to.
        profiles: names of the profiles that it is for.
        notes: Markdown.
        title, body, url: the notification that a phone shows.
        data: for the app; at most 16 KiB as JSON.
    """

    name: Line
    version: Line
    components: Components = {}
    profiles: Profiles = []
    notes: Notes = ""
    title: Long = ""
    body: Long = ""
    url: Url = ""
    data: dict[str, Any] = {}


class ReleaseChange(Input, kw_only=True):
    """What to change; what is left out stays. Once published, only `notes` may."""

    name: Line | UnsetType = UNSET
    version: Line | UnsetType = UNSET
    components: Components | UnsetType = UNSET
    profiles: Profiles | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET
    title: Long | UnsetType = UNSET
    body: Long | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


class ReleaseQuery(PageQuery, kw_only=True):
    """Which releases: of a state, for a profile, with a text in name or version."""

    state: Literal["", "DRAFT", "PUBLISHED", "REVOKED"] = ""
    profile: Annotated[str, Meta(max_length=64)] = ""
    search: Annotated[str, Meta(max_length=128)] = ""


class Revocation(Input, kw_only=True):
    """Why a release is taken back; people and rollouts are told."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


@routes.add("GET", "/releases", permission=READ)
def list_releases(unit: Unit, query: ReleaseQuery) -> Listed[ReleaseAnswer]:
    """List releases, newest first."""
    service = ReleaseService(unit)
    narrowed = ReleaseFilter(query.state, query.search, query.profile)
    page = service.list(narrowed, query.page())
    items = [release_answer(service, row) for row in page.items]
    return Listed(items=items, next_cursor=page.next_cursor)


@routes.add(
    "POST",
    "/releases",
    permission=WRITE,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    etag="edits",
)
def create_release(unit: Unit, body: NewRelease) -> ReleaseAnswer:
    """Make a draft."""
    service = ReleaseService(unit)
    return release_answer(service, service.create(draft_of(msgspec.structs.asdict(body))))


@routes.add("GET", "/releases/{release_id}", permission=READ, etag="edits")
def get_release(unit: Unit, release_id: str) -> ReleaseAnswer:
    """Get a release with its files."""
    service = ReleaseService(unit)
    return release_answer(service, service.get(release_id))


@routes.add("PATCH", "/releases/{release_id}", permission=WRITE, etag="edits", errors=(Conflict,))
def update_release(
    unit: Unit, release_id: str, body: ReleaseChange, if_match: int | None
) -> ReleaseAnswer:
    """Change a draft; of a published or revoked release only the notes."""
    service = ReleaseService(unit)
    given = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    wanted = {**told(service.find(release_id)), **given}
    return release_answer(service, service.edit(release_id, draft_of(wanted), if_match))


@routes.add(
    "POST",
    "/releases/{release_id}/publish",
    permission=PUBLISH,
    etag="edits",
    errors=(Conflict,),
)
def publish_release(unit: Unit, release_id: str, if_match: int | None) -> ReleaseAnswer:
    """Let rollouts use it from now on; it is fixed from then, but for its notes."""
    service = ReleaseService(unit)
    return release_answer(service, service.publish(release_id, if_match))


@routes.add(
    "POST",
    "/releases/{release_id}/revoke",
    permission=PUBLISH,
    etag="edits",
    errors=(Conflict,),
)
def revoke_release(
    unit: Unit, release_id: str, body: Revocation, if_match: int | None
) -> ReleaseAnswer:
    """Take it back for good: no device is given it any more, and rollouts of it hold."""
    service = ReleaseService(unit)
    return release_answer(service, service.revoke(release_id, body.reason, if_match))


@routes.add("DELETE", "/releases/{release_id}", permission=WRITE, errors=(Conflict,))
def delete_release(unit: Unit, release_id: str) -> None:
    """Delete a draft with its files; what was published is kept."""
    ReleaseService(unit).delete(release_id)


def draft_of(values: dict[str, Any]) -> Draft:
    """Read a draft from plain values.

    Raises:
        InvalidInput: a component's name stands twice, differing in space only.
    """
    if len({name.strip() for name in values["components"]}) < len(values["components"]):
        raise InvalidInput("a component is named twice", where="components")
    return Draft(**{**values, "profiles": tuple(values["profiles"])})


def artifact_answer(artifact: Artifact) -> ArtifactAnswer:
    """Show a file."""
    return ArtifactAnswer(
        id=artifact.id,
        name=artifact.name,
        component=artifact.component,
        profile=artifact.profile.name if artifact.profile else None,
        size=artifact.size,
        sha256=artifact.sha256,
        stored_at=artifact.stored_at,
        stored_by=artifact.stored_by,
    )


def release_answer(service: ReleaseService, release: Release) -> ReleaseAnswer:
    """Show a release."""
    same = (
        "id",
        "state",
        "reason",
        "created_at",
        "created_by",
        "updated_at",
        "published_at",
        "published_by",
        "revoked_at",
        "revoked_by",
        "edits",
    )
    return ReleaseAnswer(
        **told(release),
        **{name: getattr(release, name) for name in same},
        artifacts=[artifact_answer(item) for item in release.artifacts],
        missing=list(service.missing(release)) if release.state == "DRAFT" else [],
    )
