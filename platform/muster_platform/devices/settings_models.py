"""Tables of settings above the device, and of what retention has done."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json


class SettingsLayer(Base):
    """What is desired of all devices of a profile, or in a group and inside it.

    Attributes:
        profile_id, group_id: exactly one is set.
        desired: {key: value}; a key that is not here is inherited.
        version: counts the edits; 0 when nothing was ever said here.
        changed_at, changed_by: of the last edit.
        walk_after: devices with a higher key are still to be brought to this layer; None when
            all are.
    """

    __tablename__ = "settings_layers"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    profile_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("profiles.id", ondelete="CASCADE"), unique=True
    )
    group_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("groups.id", ondelete="CASCADE"), unique=True
    )
    desired: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    version: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[int | None]
    changed_by: Mapped[str] = mapped_column(String(254), default="")
    walk_after: Mapped[int | None] = mapped_column(BigInteger, index=True)


class RetentionMark(Base):
    """How far a kind of data has been cleaned: a pass goes on where the last one stopped.

    Attributes:
        name: `telemetry:3` (of the profile with that id), `logs:3`, `events`, ….
        before: what is older than this (ms since the epoch) is being deleted.
        after_key: devices up to this key are done; None when all are.
        deleted: rows deleted since the table was made.
        done_at: when a round was last finished.
    """

    __tablename__ = "retention_marks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    before: Mapped[int] = mapped_column(default=0)
    after_key: Mapped[int | None]
    deleted: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[int | None]
