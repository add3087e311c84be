"""Tables of how devices come in: requests that a person decides, and uploaded lists."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Json, Uuid
from muster_platform.devices.models import EnrolmentToken


class EnrolmentRequest(Base):
    """A device that asked to be let in by a token of the mode `approve`.

    Attributes:
        address: where the question came from.
        attributes: what the device tells of itself, for people to recognise it; claims.
        count: how often it has asked.
        state: PENDING, APPROVED, REJECTED or EXPIRED.
        used_at: when an approval was exchanged for a secret; it counts once.
        device_key: of the device that the approval let in.
    """

    __tablename__ = "enrolment_requests"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    token_id: Mapped[str] = mapped_column(Uuid, ForeignKey("enrolment_tokens.id"))
    device_id: Mapped[str] = mapped_column(String(64))
    install_id: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64), default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    first_asked_at: Mapped[int]
    last_asked_at: Mapped[int]
    count: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="PENDING")
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    used_at: Mapped[int | None]
    device_key: Mapped[int | None] = mapped_column(BigKey)

    token: Mapped[EnrolmentToken] = relationship(lazy="joined")

    __table_args__ = (
        Index("ix_enrolment_requests_asked", "token_id", "device_id", "install_id"),
        Index("ix_enrolment_requests_state", "state", "id"),
        Index(
            "uq_enrolment_requests_pending",
            "token_id",
            "device_id",
            "install_id",
            unique=True,
            postgresql_where=text("state = 'PENDING'"),
            sqlite_where=text("state = 'PENDING'"),
        ),
    )


class DeviceImport(Base):
    """An uploaded list of devices between its plan and its application; kept for a day.

    Attributes:
        content: the text as it was uploaded.
        options: update_existing, make_secrets.
        actor_id: who uploaded it; nobody else sees it.
    """

    __tablename__ = "device_imports"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    actor_id: Mapped[str] = mapped_column(String(64))
    filename: Mapped[str] = mapped_column(String(128), default="")
    content: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[int] = mapped_column(index=True)
