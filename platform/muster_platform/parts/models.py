"""Table of the platform's own parts: each process says from time to time that it works."""

from typing import Any

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, Json


class PartBeat(Base):
    """The last word of one part.

    Attributes:
        name: ingest, dispatch, broker, live, worker, schedule.
        instance: which process, for people: host and process id.
        state: ok, warn or bad, in its own judgement.
        figures: {name: number}, what it counts.
        since: when this process began, or its present state; ms since the epoch.
        seen_at: when it spoke last.
    """

    __tablename__ = "part_beats"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    instance: Mapped[str] = mapped_column(String(96), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    detail: Mapped[str] = mapped_column(Text, default="")
    figures: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    since: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[int] = mapped_column(BigInteger)
