"""What rollouts read of releases; nothing here changes any."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.errors import Conflict, NotFound
from muster_platform.updates.models import Release
from muster_protocol.messages import Artifact, Notification, ReleaseComponent, ReleaseRef

DEVICE_ARTIFACT_PATH = "/api/v1/device/artifacts/"


class ReleaseState(StrEnum):
    """The life of a release; it goes forward only."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class CatalogArtifact:
    """A file of a release.

    Attributes:
        profile_id: only devices of this profile get it; None for every target profile.
        size: bytes.
    """

    id: str
    name: str
    component: str
    profile_id: int | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CatalogRelease:
    """What down/updates says of a published release, and whom it is for.

    Attributes:
        profile_ids: devices of other profiles must not be given it.
    """

    id: str
    name: str
    ref: ReleaseRef
    notification: Notification
    data: dict[str, Any]
    profile_ids: frozenset[int]
    artifacts: tuple[CatalogArtifact, ...]

    def artifacts_for(self, profile_id: int, public_url: str) -> list[Artifact]:
        """Give the files for a device of a profile, with where it fetches them.

        Args:
            public_url: of the settings: address of the site as devices reach it.
        """
        return [
            Artifact(
                name=item.name,
                url=f"{public_url.rstrip('/')}{DEVICE_ARTIFACT_PATH}{item.id}",
                size=item.size,
                sha256=item.sha256,
            )
            for item in self.artifacts
            if item.profile_id in (None, profile_id)
        ]


def release_ref(session: Session, release_id: str) -> CatalogRelease:
    """Read a published release.

    Raises:
        NotFound: no such release.
        Conflict: it is a draft (code `not_published`) or revoked (code `revoked`).
    """
    release = session.get(Release, release_id)
    if release is None:
        raise NotFound("release", release_id)
    label = f"{release.name} {release.version}"
    if release.state == ReleaseState.REVOKED:
        raise Conflict(f"{label} was revoked: {release.reason or 'no reason'}", code="revoked")
    if release.state != ReleaseState.PUBLISHED:
        raise Conflict(f"{label} is a draft; publish it first", code="not_published")
    return describe(release)


def release_state(session: Session, release_id: str) -> ReleaseState | None:
    """Give the present state, None where there is no such release: rollouts look at it each pass.

    What is not PUBLISHED must start nothing more and hold what runs.
    """
    found = session.scalar(select(Release.state).where(Release.id == release_id))
    return ReleaseState(found) if found is not None else None


def describe(release: Release) -> CatalogRelease:
    """Give what the protocol says of a release."""
    components = [
        ReleaseComponent(component=item.component, version=item.version)
        for item in release.components
    ]
    return CatalogRelease(
        id=release.id,
        name=release.name,
        ref=ReleaseRef(id=release.id, version=release.version, components=components),
        notification=Notification(title=release.title, body=release.body, url=release.url),
        data=dict(release.data),
        profile_ids=frozenset(item.profile_id for item in release.targets),
        artifacts=tuple(
            CatalogArtifact(
                item.id, item.name, item.component, item.profile_id, item.size, item.sha256
            )
            for item in release.artifacts
        ),
    )
