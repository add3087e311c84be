"""Tables of releases: what may be installed, its files, and files on their way in."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Json, Uuid
from muster_platform.devices.models import Profile

NAME_CHARS = 128
VERSION_CHARS = 128
FILE_NAME_CHARS = 128
NOTIFICATION_CHARS = 1024
NOTES_CHARS = 100_000


class Release(Base):
    """A version of something, for the devices of some profiles.

    Attributes:
        state: DRAFT (all of it may change), PUBLISHED (rollouts may use it; only the notes may
            change), REVOKED (no device is given it any more; never published again).
        notes: Markdown for people.
        title, body, url: the notification that a phone shows.
        data: JSON object for the app.
        reason: why it was revoked.
        version: version of what is released, as people write it.
        edits: counts the edits, for ETags (`version` is taken).
    """

    __tablename__ = "releases"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    version: Mapped[str] = mapped_column(String(VERSION_CHARS))
    state: Mapped[str] = mapped_column(String(16), index=True)
    notes: Mapped[str] = mapped_column(Text, default="")
    title: Mapped[str] = mapped_column(String(NOTIFICATION_CHARS), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    created_by: Mapped[str] = mapped_column(String(254))
    updated_at: Mapped[int]
    published_at: Mapped[int | None]
    published_by: Mapped[str] = mapped_column(String(254), default="")
    revoked_at: Mapped[int | None]
    revoked_by: Mapped[str] = mapped_column(String(254), default="")
    edits: Mapped[int] = mapped_column(default=1)

    components: Mapped[list["ReleaseComponent"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="ReleaseComponent.component"
    )
    targets: Mapped[list["ReleaseProfile"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="ReleaseProfile.profile_id"
    )
    artifacts: Mapped[list["Artifact"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="Artifact.name"
    )

    __table_args__ = (UniqueConstraint("name", "version"),)


class ReleaseComponent(Base):
    """A component, and the version that the release brings it to."""

    __tablename__ = "release_components"

    release_id: Mapped[str] = mapped_column(Uuid, ForeignKey("releases.id"), primary_key=True)
    component: Mapped[str] = mapped_column(String(VERSION_CHARS), primary_key=True)
    version: Mapped[str] = mapped_column(String(VERSION_CHARS))


class ReleaseProfile(Base):
    """A profile whose devices may be given the release; gone with the profile."""

    __tablename__ = "release_profiles"

    release_id: Mapped[str] = mapped_column(Uuid, ForeignKey("releases.id"), primary_key=True)
    profile_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    profile: Mapped[Profile] = relationship(lazy="joined")


class Artifact(Base):
    """A file of a release, whole and checked; its bytes are in the store under `sha256`.

    Attributes:
        component: which of the release's components it is for, "" for all.
        profile_id: only devices of this profile get it; None: of every target profile.
        size: bytes.
        sha256: 64 hex digits, computed by the platform.
    """

    __tablename__ = "artifacts"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    release_id: Mapped[str] = mapped_column(Uuid, ForeignKey("releases.id"))
    component: Mapped[str] = mapped_column(String(VERSION_CHARS), default="")
    profile_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("profiles.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(FILE_NAME_CHARS))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    stored_at: Mapped[int]
    stored_by: Mapped[str] = mapped_column(String(254))

    profile: Mapped[Profile | None] = relationship(lazy="joined")

    __table_args__ = (UniqueConstraint("release_id", "name"),)


class Upload(Base):
    """A file on its way in: what has come so far lies in the store under the upload's id.

    Attributes:
        size: bytes that were announced.
        sha256: announced by whoever sends it, "" for none.
        received: bytes on disk when somebody last looked; the disk knows better.
        expires_at: forgotten then; each piece that comes moves it.
    """

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    release_id: Mapped[str] = mapped_column(Uuid, ForeignKey("releases.id", ondelete="CASCADE"))
    component: Mapped[str] = mapped_column(String(VERSION_CHARS), default="")
    profile_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("profiles.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(FILE_NAME_CHARS))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), default="")
    received: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(254))
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)

    __table_args__ = (Index("ix_uploads_release_id", "release_id"),)


class Push(Base):
    """That an execution was pushed to a device's phone service: one row each.

    Attributes:
        state: DUE, SENT, FAILED (nothing more is tried) or DEAD (the token is not known there).
        attempts: requests made; the row is written before each.
        due_at: when it is to be tried (again); None when nothing is to be done.
        token_hash: sha256 of the push token that was used.
        answer: name that the service gave the message, or what it said was wrong.
    """

    __tablename__ = "pushes"

    execution_id: Mapped[str] = mapped_column(Uuid, ForeignKey("executions.id"), primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    sent_at: Mapped[int | None]
    token_hash: Mapped[str] = mapped_column(String(64), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[int]
