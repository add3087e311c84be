"""Tables of bulk changes."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json, Uuid

RUNNING = "RUNNING"
DONE = "DONE"
CANCELED = "CANCELED"
STATES = (RUNNING, DONE, CANCELED)

PENDING = "PENDING"
CHANGED = "CHANGED"
SKIPPED = "SKIPPED"
ITEM_STATES = (PENDING, CHANGED, SKIPPED)


class BulkChange(Base):
    """One act of a person on many devices of the registry.

    Attributes:
        act: a key of `acts.ACTS`.
        args: of the act, for every device that has none of its own.
        selection: who was meant, as the author said it.
        group_path: deepest group that holds all of its devices: who may see the change.
        state: RUNNING, DONE or CANCELED.
        undoes: the change that this one takes back.
    """

    __tablename__ = "bulk_changes"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    act: Mapped[str] = mapped_column(String(16))
    args: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    selection: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")
    group_path: Mapped[str] = mapped_column(String(512))
    author_kind: Mapped[str] = mapped_column(String(16))
    author_id: Mapped[str] = mapped_column(String(64))
    author_name: Mapped[str] = mapped_column(String(254))
    state: Mapped[str] = mapped_column(String(16), index=True)
    total: Mapped[int]
    changed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    undoes: Mapped[str | None] = mapped_column(Uuid, index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int | None]

    __table_args__ = (
        Index(
            "ix_bulk_changes_group_path",
            "group_path",
            postgresql_ops={"group_path": "text_pattern_ops"},
        ),
    )


class BulkItem(Base):
    """One device of a bulk change.

    Attributes:
        args: its own arguments, where an undo has another one for each device.
        why: code of what kept it from being changed, "" where it was.
        detail: the same for people.
        undo: arguments that take the change back, None where there is nothing to take back.
    """

    __tablename__ = "bulk_items"

    bulk_id: Mapped[str] = mapped_column(Uuid, ForeignKey("bulk_changes.id"), primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default=PENDING)
    args: Mapped[dict[str, Any] | None] = mapped_column(Json)
    why: Mapped[str] = mapped_column(String(32), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    undo: Mapped[dict[str, Any] | None] = mapped_column(Json)

    __table_args__ = (Index("ix_bulk_items_state", "bulk_id", "state", "device_key"),)
