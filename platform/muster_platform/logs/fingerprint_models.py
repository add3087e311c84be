"""Tables of fingerprints: the fault, where it was seen, how often on which day, what people did.

Counts stand per device, so that whoever sees some groups only sees the counts of those.
"""

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json, Uuid

TITLE_CHARS = 300
VERSION_CHARS = 128


class Fingerprint(Base):
    """A fault, and what people have decided about it. Written by ingest and by people.

    Attributes:
        id: of the log records, 32 hexadecimal digits.
        title: only what all its records share, so that it tells nothing of one device.
        exception_type: "" where it is a line without an exception.
        logger: of a line; "" for an exception.
        created_at: when the platform met it first; rises, for rules about what is new.
        first_seen, last_seen: by the records' own ts, over all devices.
        state: OPEN, RESOLVED, IGNORED or REGRESSED.
        resolved_in: the version that no longer has it, "" where nobody said.
        version: counts the acts.
    """

    __tablename__ = "fingerprints"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS), default="")
    exception_type: Mapped[str] = mapped_column(String(TITLE_CHARS), default="")
    logger: Mapped[str] = mapped_column(String(128), default="")
    created_at: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="OPEN")
    assignee_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("users.id"))
    resolved_at: Mapped[int | None]
    resolved_in: Mapped[str] = mapped_column(String(VERSION_CHARS), default="")
    regressed_at: Mapped[int | None]
    note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("ix_fingerprints_created_at", "created_at"),
        Index("ix_fingerprints_state", "state"),
        Index("ix_fingerprints_assignee_id", "assignee_id"),
    )


class FingerprintDay(Base):
    """What one device saw of it on one day, running one version.

    One table, and not one of devices beside one of days: ingest writes a row of it for nearly
    every error where many devices fail, and each costs.

    Attributes:
        day: days since the epoch, UTC, by the records' ts.
        version: of the app, "" where the device does not say.
        count: records, each once.
        level: the worst.
        first_seen, last_seen: by the records' ts.
        sample_id: the newest record of these; retention may have deleted it.
    """

    __tablename__ = "fingerprint_days"

    fingerprint: Mapped[str] = mapped_column(
        String(32), ForeignKey("fingerprints.id"), primary_key=True
    )
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    device_key: Mapped[int] = mapped_column(
        BigKey, ForeignKey("devices.id"), primary_key=True, index=True
    )
    version: Mapped[str] = mapped_column(String(VERSION_CHARS), primary_key=True)
    count: Mapped[int]
    level: Mapped[int] = mapped_column(Integer)
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    sample_id: Mapped[str] = mapped_column(String(160))

    __table_args__ = (Index("ix_fingerprint_days_day", "day"),)


class FingerprintAct(Base):
    """What somebody did to it, or that it came back.

    Attributes:
        act: assigned, unassigned, resolved, reopened, ignored, noted, regressed.
        data: assignee, version.
    """

    __tablename__ = "fingerprint_acts"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(32), ForeignKey("fingerprints.id"), index=True)
    at: Mapped[int]
    actor_name: Mapped[str] = mapped_column(String(254))
    act: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")
