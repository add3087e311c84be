"""Releases: made and edited as drafts, published once, revoked for good."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Profile
from muster_platform.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from muster_platform.outbox import WAKE_JOBS, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_platform.updates import release_rules as rules
from muster_platform.updates.catalog import ReleaseState
from muster_platform.updates.models import (
    Artifact,
    Release,
    ReleaseComponent,
    ReleaseProfile,
    Upload,
)
from muster_platform.updates.release_rules import Draft
from muster_protocol.ids import uuid7

REASON_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class ReleaseFilter:
    """Which releases; "" does not narrow.

    Attributes:
        text: stands somewhere in name or version.
        profile: name of a target profile.
    """

    state: str = ""
    text: str = ""
    profile: str = ""


class ReleaseService:
    """Reads and changes releases; they have no group and need a binding everywhere."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def create(self, draft: Draft) -> Release:
        """Make a draft.

        Raises:
            PermissionDenied: without releases:write everywhere.
            InvalidInput: names the field that does not fit.
            Conflict: there is one of this name and version.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        now = self._unit.now()
        release = Release(
            id=uuid7(now),
            state=str(ReleaseState.DRAFT),
            created_at=now,
            created_by=self._unit.actor.name,
            updated_at=now,
        )
        self._fill(release, rules.check(draft))
        self._session.add(release)
        self._session.flush()
        self._note("release.create", release, after=told(release))
        return release

    def get(self, release_id: str) -> Release:
        """Get one.

        Raises:
            PermissionDenied: without releases:read everywhere.
            NotFound: no such release.
        """
        self._unit.actor.require(Permission.RELEASES_READ)
        return find_release(self._unit, release_id)

    def find(self, release_id: str) -> Release:
        """Get one that is about to be edited.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such release.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        return find_release(self._unit, release_id)

    def list(self, narrowed: ReleaseFilter, page: PageRequest) -> Page[Release]:
        """List releases, newest first.

        Raises:
            PermissionDenied: without releases:read everywhere.
        """
        self._unit.actor.require(Permission.RELEASES_READ)
        statement = select(Release)
        if narrowed.state:
            statement = statement.where(Release.state == narrowed.state)
        if narrowed.text:
            held = [
                column.icontains(narrowed.text, autoescape=True)
                for column in (Release.name, Release.version, Release.name + " " + Release.version)
            ]
            statement = statement.where(or_(*held))
        if narrowed.profile:
            aimed = (
                select(ReleaseProfile.release_id)
                .join(Profile, Profile.id == ReleaseProfile.profile_id)
                .where(Profile.name == narrowed.profile)
            )
            statement = statement.where(Release.id.in_(aimed))
        order: Order[Release] = Order(
            "newest", (Key(Release.id.expression, str, lambda row: row.id),), descending=True
        )
        return fetch_page(self._session, statement, order, page, self._unit.settings.page_size_max)

    def edit(self, release_id: str, draft: Draft, if_version: int | None = None) -> Release:
        """Change a draft; of a published or revoked release only the notes may differ.

        Raises:
            PermissionDenied, InvalidInput: as `create`.
            NotFound: no such release.
            Conflict: what differs is fixed by now; or name and version are taken.
            PreconditionFailed: it was edited meanwhile.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        release = self._locked(release_id, if_version)
        before, wanted = told(release), rules.check(draft)
        if release.state != ReleaseState.DRAFT and _fixed(before) != _fixed(_wish(wanted)):
            raise Conflict(
                f"{label(release)} is {release.state.lower()}: only its notes may change; make a "
                "release with another version for anything else",
                code="not_draft",
            )
        if before == _wish(wanted):
            return release
        self._fill(release, wanted)
        release.edits += 1
        release.updated_at = self._unit.now()
        self._session.flush()
        after = told(release)
        changed = [key for key in after if after[key] != before[key]]
        self._note(
            "release.update",
            release,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )
        return release

    def publish(self, release_id: str, if_version: int | None = None) -> Release:
        """Let rollouts use it from now on; it is fixed from then, but for its notes.

        Raises:
            PermissionDenied: without releases:publish everywhere.
            NotFound: no such release.
            Conflict: it is no draft, or not complete: `missing` says what it lacks.
            PreconditionFailed: it was edited meanwhile.
        """
        self._unit.actor.require(Permission.RELEASES_PUBLISH)
        release = self._locked(release_id, if_version)
        if release.state != ReleaseState.DRAFT:
            raise Conflict(f"{label(release)} is {release.state} already", code="not_draft")
        missing = self.missing(release)
        if missing:
            raise Conflict(
                f"{label(release)} is not complete: {'; '.join(missing)}",
                code="not_complete",
                missing=list(missing),
            )
        release.state = str(ReleaseState.PUBLISHED)
        release.published_at = self._unit.now()
        release.published_by = self._unit.actor.name
        self._moved(release, "release.publish")
        return release

    def missing(self, release: Release) -> tuple[str, ...]:
        """Say what a draft lacks before it can be published; nothing: it is ready."""
        lacks = []
        if not release.components:
            lacks.append("name a component and its version: by it devices prove the update")
        if not release.targets:
            lacks.append("name a profile that it is for")
        open_ones = self._session.scalars(
            select(Upload.name).where(Upload.release_id == release.id).order_by(Upload.name)
        )
        lacks += [f"the upload of {name} is not done; finish it or remove it" for name in open_ones]
        return tuple(lacks)

    def revoke(self, release_id: str, reason: str, if_version: int | None = None) -> Release:
        """Take it back for good: no device is given it any more, rollouts of it hold.

        Raises:
            PermissionDenied: without releases:publish everywhere.
            InvalidInput: without a reason.
            NotFound: no such release.
            Conflict: it is not published.
            PreconditionFailed: it was edited meanwhile.
        """
        self._unit.actor.require(Permission.RELEASES_PUBLISH)
        why = rules.line(reason, "reason", REASON_CHARS)
        release = self._locked(release_id, if_version)
        if release.state != ReleaseState.PUBLISHED:
            raise Conflict(
                f"{label(release)} is {release.state}: only what is published can be revoked",
                code="not_published",
            )
        release.state = str(ReleaseState.REVOKED)
        release.reason = why
        release.revoked_at = self._unit.now()
        release.revoked_by = self._unit.actor.name
        self._moved(release, "release.revoke", reason=why)
        return release

    def delete(self, release_id: str) -> None:
        """Delete a draft, its files and uploads; what was published stays for ever.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such release.
            Conflict: it was published.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        release = self._locked(release_id, None)
        if release.state != ReleaseState.DRAFT:
            raise Conflict(
                f"{label(release)} was published: it is kept as history; revoke it instead",
                code="not_draft",
            )
        self._note("release.delete", release, before=told(release))
        self._session.delete(release)
        self._session.flush()

    def _moved(self, release: Release, action: str, reason: str | None = None) -> None:
        release.edits += 1
        release.updated_at = self._unit.now()
        self._session.flush()
        self._note(action, release, after={"state": release.state}, reason=reason)
        # Rollouts of it look at once, not at their next sweep.
        self._unit.outbox.add(Wake(WAKE_JOBS))

    def _fill(self, release: Release, wanted: Draft) -> None:
        self._check_free(release, wanted)
        for name in ("name", "version", "notes", "title", "body", "url"):
            setattr(release, name, getattr(wanted, name))
        release.data = dict(wanted.data or {})
        known = {item.component: item for item in release.components}
        release.components = [
            _versioned(known.get(name) or ReleaseComponent(component=name), version)
            for name, version in wanted.components.items()
        ]
        aims = {item.profile.name: item for item in release.targets}
        release.targets = [
            aims.get(name) or ReleaseProfile(profile=self._profile(name))
            for name in wanted.profiles
        ]

    def _check_free(self, release: Release, wanted: Draft) -> None:
        taken = select(Release.id).where(
            Release.name == wanted.name, Release.version == wanted.version, Release.id != release.id
        )
        with self._session.no_autoflush:
            if self._session.scalar(taken) is not None:
                raise Conflict(f"there is {wanted.name} {wanted.version} already", code="exists")

    def _profile(self, name: str) -> Profile:
        with self._session.no_autoflush:
            found = self._session.scalar(select(Profile).where(Profile.name == name))
        if found is None:
            raise InvalidInput(f"there is no profile {name[:80]!r}", where="profiles")
        return found

    def _locked(self, release_id: str, if_version: int | None) -> Release:
        release = find_release(self._unit, release_id, lock=True)
        if if_version is not None and release.edits != if_version:
            raise PreconditionFailed(
                f"{label(release)} was changed by somebody else meanwhile: it is at version "
                f"{release.edits} by now, not {if_version}; read it again",
                version=release.edits,
            )
        return release

    def _note(self, action: str, release: Release, **more: Any) -> None:
        audit.record(self._unit, action, "release", release.id, label(release), **more)


def find_release(unit: Unit, release_id: str, *, lock: bool = False) -> Release:
    """Load a release, whoever asks.

    Raises:
        NotFound: no such release.
    """
    query = select(Release).where(Release.id == release_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    release = unit.session.scalar(query)
    if release is None:
        raise NotFound("release", release_id)
    return release


def label(release: Release) -> str:
    """Give what people call it."""
    return f"{release.name} {release.version}"


def told(release: Release) -> dict[str, Any]:
    """Give what a person has said of it, as plain values."""
    return {
        "name": release.name,
        "version": release.version,
        "components": {item.component: item.version for item in release.components},
        "profiles": sorted(item.profile.name for item in release.targets),
        "notes": release.notes,
        "title": release.title,
        "body": release.body,
        "url": release.url,
        "data": dict(release.data),
    }


def described_artifact(artifact: Artifact) -> dict[str, Any]:
    """Give what the audit log says of a file."""
    return {"name": artifact.name, "size": artifact.size, "sha256": artifact.sha256}


def _wish(wanted: Draft) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "version": wanted.version,
        "components": dict(wanted.components),
        "profiles": sorted(wanted.profiles),
        "notes": wanted.notes,
        "title": wanted.title,
        "body": wanted.body,
        "url": wanted.url,
        "data": dict(wanted.data or {}),
    }


def _fixed(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "notes"}


def _versioned(item: ReleaseComponent, version: str) -> ReleaseComponent:
    item.version = version
    return item
