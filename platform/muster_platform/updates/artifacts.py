"""Files of releases: announced, received piece by piece, checked, kept; given to devices."""

from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Device, Profile
from muster_platform.errors import Conflict, InvalidInput, NotFound, Unavailable
from muster_platform.unit import Unit
from muster_platform.updates import release_rules as rules
from muster_platform.updates.catalog import ReleaseState
from muster_platform.updates.models import Artifact, Release, ReleaseProfile, Upload
from muster_platform.updates.releases import described_artifact, find_release, label
from muster_platform.updates.store import ArtifactStore
from muster_protocol.ids import uuid7

UPLOADS_MAX = 20
"""Uploads of one release at a time."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that is about to be sent.

    Attributes:
        size: bytes.
        sha256: 64 hex digits, "" where the sender does not know it.
        component: of the release, "" for all.
        profile: name of the only profile that gets it, "" for all.
    """

    name: str
    size: int
    sha256: str = ""
    component: str = ""
    profile: str = ""


class ArtifactService:
    """Takes files in and gives them out."""

    def __init__(self, unit: Unit, store: ArtifactStore) -> None:
        self._unit = unit
        self._session = unit.session
        self._store = store

    def begin(self, release_id: str, file: Announced) -> Upload:
        """Announce a file; the same again (same checksum) gives the upload that is under way.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such release.
            InvalidInput: name, size or checksum do not fit.
            Conflict: the release is no draft; it has a file or an upload of that name.
            Unavailable: the disk has no room for it.
        """
        release = self._draft(release_id)
        name, sha256 = rules.file_name(file.name), rules.sha256(file.sha256)
        self._check_size(file.size)
        under_way = self._session.scalar(
            select(Upload).where(Upload.release_id == release.id, Upload.name == name)
        )
        if under_way is not None:
            if sha256 and (under_way.sha256, under_way.size) == (sha256, file.size):
                return self._seen(under_way)
            raise Conflict(
                f"another {name} is being uploaded; go on with it or remove it first",
                code="upload_open",
                upload=under_way.id,
            )
        self._check_free(release, name)
        self._check_room(file.size)
        now = self._unit.now()
        upload = Upload(
            id=uuid7(now),
            release_id=release.id,
            component=self._component(release, file.component),
            profile_id=self._profile(release, file.profile),
            name=name,
            size=file.size,
            sha256=sha256,
            created_at=now,
            created_by=self._unit.actor.name,
            expires_at=now + self._unit.settings.upload_kept_s * 1000,
        )
        self._session.add(upload)
        self._session.flush()
        return upload

    def uploads(self, release_id: str) -> list[Upload]:
        """List what is on its way in.

        Raises:
            PermissionDenied: without releases:read everywhere.
            NotFound: no such release.
        """
        self._unit.actor.require(Permission.RELEASES_READ)
        find_release(self._unit, release_id)
        query = select(Upload).where(Upload.release_id == release_id).order_by(Upload.id)
        return [self._seen(item) for item in self._session.scalars(query)]

    def upload(self, release_id: str, upload_id: str) -> Upload:
        """Get one, with how much has come.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such upload: it was never begun, has expired, or is done.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        return self._seen(self._upload(release_id, upload_id))

    def arrived(self, release_id: str, upload_id: str, received: int) -> Upload:
        """Note how much has come; it lives on from now."""
        self._unit.actor.require(Permission.RELEASES_WRITE)
        upload = self._upload(release_id, upload_id)
        upload.received = received
        upload.expires_at = self._unit.now() + self._unit.settings.upload_kept_s * 1000
        self._session.flush()
        return upload

    def finish(self, release_id: str, upload_id: str, sha256: str) -> Artifact:
        """Make a whole upload a file of its release; its bytes are kept under sha256 already.

        Raises:
            Conflict: the release is no draft any more, or got a file of that name meanwhile.
        """
        release = self._draft(release_id)
        upload = self._upload(release_id, upload_id)
        self._check_free(release, upload.name)
        artifact = Artifact(
            id=uuid7(self._unit.now()),
            release_id=release.id,
            component=upload.component,
            profile_id=upload.profile_id,
            name=upload.name,
            size=upload.size,
            sha256=sha256,
            stored_at=self._unit.now(),
            stored_by=self._unit.actor.name,
        )
        release.artifacts.append(artifact)
        release.edits += 1
        release.updated_at = self._unit.now()
        self._session.delete(upload)
        self._session.flush()
        self._note("release.upload", release, after=described_artifact(artifact))
        return artifact

    def cancel(self, release_id: str, upload_id: str) -> None:
        """Forget an upload and what has come of it.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such upload.
        """
        self._unit.actor.require(Permission.RELEASES_WRITE)
        upload = self._upload(release_id, upload_id)
        self._session.delete(upload)
        self._session.flush()
        self._store.drop(upload_id)

    def get(self, release_id: str, artifact_id: str) -> Artifact:
        """Get one, for people.

        Raises:
            PermissionDenied: without releases:read everywhere.
            NotFound: no such file of this release.
        """
        self._unit.actor.require(Permission.RELEASES_READ)
        return self._artifact(release_id, artifact_id)

    def delete(self, release_id: str, artifact_id: str) -> None:
        """Take a file off a draft; a pass deletes its bytes when nothing else needs them.

        Raises:
            PermissionDenied: without releases:write everywhere.
            NotFound: no such file of this release.
            Conflict: the release is no draft.
        """
        release = self._draft(release_id)
        artifact = self._artifact(release_id, artifact_id)
        release.artifacts.remove(artifact)
        release.edits += 1
        release.updated_at = self._unit.now()
        self._session.flush()
        self._note("release.remove_file", release, before=described_artifact(artifact))

    def _draft(self, release_id: str) -> Release:
        self._unit.actor.require(Permission.RELEASES_WRITE)
        release = find_release(self._unit, release_id, lock=True)
        if release.state != ReleaseState.DRAFT:
            raise Conflict(
                f"{label(release)} is {release.state.lower()}: its files are fixed",
                code="not_draft",
            )
        return release

    def _upload(self, release_id: str, upload_id: str) -> Upload:
        upload = self._session.get(Upload, upload_id)
        if upload is None or upload.release_id != release_id:
            raise NotFound("upload", upload_id)
        return upload

    def _artifact(self, release_id: str, artifact_id: str) -> Artifact:
        artifact = self._session.get(Artifact, artifact_id)
        if artifact is None or artifact.release_id != release_id:
            raise NotFound("artifact", artifact_id)
        return artifact

    def _seen(self, upload: Upload) -> Upload:
        self._session.expunge(upload)
        upload.received = self._store.received(upload.id)
        return upload

    def _check_size(self, size: int) -> None:
        most = self._unit.settings.artifact_bytes_max
        if not 0 < size <= most:
            raise InvalidInput(
                f"a file has 1 to {most} bytes (artifact_bytes_max), not {size}", where="size"
            )

    def _check_free(self, release: Release, name: str) -> None:
        if any(item.name == name for item in release.artifacts):
            raise Conflict(f"{label(release)} has a file {name}; remove it first", code="exists")
        open_ones = self._session.scalar(
            select(func.count()).select_from(Upload).where(Upload.release_id == release.id)
        )
        if len(release.artifacts) >= rules.ARTIFACTS_MAX or (open_ones or 0) > UPLOADS_MAX:
            raise Conflict(
                f"a release has at most {rules.ARTIFACTS_MAX} files and {UPLOADS_MAX} uploads",
                code="too_many",
            )

    def _check_room(self, size: int) -> None:
        room = self._store.room()
        if size > room:
            raise Unavailable(
                f"the artifact store has room for {room} bytes, and the file has {size}; make "
                "room on its disk",
                code="disk_full",
            )

    def _component(self, release: Release, name: str) -> str:
        if name and name not in {item.component for item in release.components}:
            raise InvalidInput(
                f"the release has no component {name[:80]!r}; leave it out for all of them",
                where="component",
            )
        return name

    def _profile(self, release: Release, name: str) -> int | None:
        if not name:
            return None
        found = [item.profile_id for item in release.targets if item.profile.name == name]
        if not found:
            raise InvalidInput(f"the release is not for the profile {name[:80]!r}", where="profile")
        return found[0]

    def _note(self, action: str, release: Release, **more: object) -> None:
        audit.record(self._unit, action, "release", release.id, label(release), **more)  # type: ignore[arg-type]


def for_device(unit: Unit, device: Device, artifact_id: str) -> Artifact:
    """Find a file that a device may fetch.

    It is of a published release for its own profile, or for that of a child behind it.

    Raises:
        NotFound: no such file, or not for this device.
        Conflict: the release was revoked.
    """
    artifact = unit.session.get(Artifact, artifact_id)
    if artifact is None or not _is_for(unit, device, artifact):
        raise NotFound("artifact", artifact_id)
    release = find_release(unit, artifact.release_id)
    if release.state == ReleaseState.REVOKED:
        raise Conflict(f"{label(release)} was revoked: {release.reason}", code="revoked")
    if release.state != ReleaseState.PUBLISHED:
        raise NotFound("artifact", artifact_id)
    return artifact


def _is_for(unit: Unit, device: Device, artifact: Artifact) -> bool:
    aimed = exists().where(
        ReleaseProfile.release_id == artifact.release_id,
        ReleaseProfile.profile_id == Profile.id,
    )
    if artifact.profile_id is not None:
        aimed = aimed.where(Profile.id == artifact.profile_id)
    own = or_(Device.id == device.id, Device.gateway_id == device.id)
    query = (
        select(Device.id)
        .join(Profile, Profile.id == Device.profile_id)
        .where(own, Device.deleted_at.is_(None), aimed)
        .limit(1)
    )
    return unit.session.scalar(query) is not None
