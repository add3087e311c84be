"""Tables of rollouts: an update job's release, its phases, and who is in which."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Uuid
from muster_platform.jobs.models import Job


class Rollout(Base):
    """What an update job has beside a job; the two share their id.

    Attributes:
        mode: as its author asked: auto, notify, install.
        digest: of the plan that was started.
    """

    __tablename__ = "rollouts"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id"), primary_key=True)
    release_id: Mapped[str] = mapped_column(Uuid, ForeignKey("releases.id"), index=True)
    mode: Mapped[str] = mapped_column(String(8))
    digest: Mapped[str] = mapped_column(String(64))

    job: Mapped[Job] = relationship(lazy="joined")
    phases: Mapped[list["RolloutPhase"]] = relationship(
        lazy="selectin", order_by="RolloutPhase.number", cascade="all, delete-orphan"
    )


class RolloutPhase(Base):
    """Some of the devices, and what must be true before the next ones follow.

    Attributes:
        number: from 1.
        device_count: devices planned; those left out when it opened are not executed.
        success_percent: share of its devices that must succeed before the next phase.
        error_devices: so many failures pause the rollout; at least one.
        soak_s: how long to watch after the success threshold.
        by_hand: a person opens the next phase.
        forgiven: failures that a person has accepted by resuming.
        accepted: a person went on although the success threshold was missed.
        reached_at: when the success threshold was reached, ms since the epoch.
        next_at: a person asked for the next phase.
    """

    __tablename__ = "rollout_phases"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("rollouts.job_id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    device_count: Mapped[int]
    success_percent: Mapped[int]
    error_devices: Mapped[int]
    soak_s: Mapped[int]
    by_hand: Mapped[bool]
    forgiven: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[int | None] = mapped_column(BigInteger)
    reached_at: Mapped[int | None] = mapped_column(BigInteger)
    next_at: Mapped[int | None] = mapped_column(BigInteger)


class RolloutMember(Base):
    """A device of the plan; its execution is made when its phase opens.

    Attributes:
        left_out: why it got none after all: a code of the plan; "" while it is in.
    """

    __tablename__ = "rollout_members"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("rollouts.job_id"), primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    phase: Mapped[int] = mapped_column(Integer)
    left_out: Mapped[str] = mapped_column(String(32), default="")

    __table_args__ = (
        Index("ix_rollout_members_phase", "job_id", "phase"),
        Index("ix_rollout_members_device_key", "device_key"),
    )
