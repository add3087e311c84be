"""Tables of jobs, executions and their history. The executions table is outbox and queue."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Json, Uuid


class Job(Base):
    """One operation on one device or many.

    Attributes:
        kind: a row of jobs.kinds: `command`, `update`.
        document: what its kind needs: {name, args} of a command, the release of an update.
        author_kind: user, token or system: a user's present rights count at every step.
        target: as the author gave it: {devices: […]} | {group: id} | {tag: {name, value}}.
        group_path: deepest group that holds all of its devices: who may see the job.
        queue_s, delivery_s, timeout_s, step_timeout_s: limits in seconds (design/4): QUEUED to
            SENT; until DELIVERED; from DELIVERED to the end; silence.
        verify_s: how long the platform waits for the proof of what a device claims (updates).
        counts: {state: number of newest attempts}, kept by the pass over the job.
        blocked_by, blocked_since: what holds it first, a code and its subject.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(256))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    target: Mapped[dict[str, Any]] = mapped_column(Json)
    group_path: Mapped[str] = mapped_column(String(512))
    state: Mapped[str] = mapped_column(String(24), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    author_kind: Mapped[str] = mapped_column(String(16))
    author_id: Mapped[str] = mapped_column(String(64))
    author_name: Mapped[str] = mapped_column(String(254))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    queue_s: Mapped[int]
    delivery_s: Mapped[int]
    timeout_s: Mapped[int]
    step_timeout_s: Mapped[int]
    verify_s: Mapped[int | None]
    device_count: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    blocked_by: Mapped[str | None] = mapped_column(String(64))
    blocked_subject: Mapped[str] = mapped_column(String(256), default="")
    blocked_since: Mapped[int | None]
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_at: Mapped[int | None]
    cancel_requested_at: Mapped[int | None]

    __table_args__ = (
        Index(
            "ix_jobs_group_path", "group_path", postgresql_ops={"group_path": "text_pattern_ops"}
        ),
    )


class Execution(Base):
    """The job on one device, one attempt.

    Attributes:
        due_at: when dispatch should look at it; None while nothing is to be sent (the device is
            away, or it has been delivered). A hello sets it.
        handed_at: a publish may have happened: written before the first one, so that "never
            sent" is certain.
        limit_at: the next of its limits; the sweep looks at those that are past.
        expires_at: told to the device; not begun later.
        progress: 0 to 1.
        phase: number of the phase of its rollout, from 1; None for a job without phases.
        mode: of an update: notify or install.
        contradiction: a later claim against the terminal state, shown, never obeyed.
        lease_owner, lease_until: which dispatch is publishing it.
    """

    __tablename__ = "executions"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id"))
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"))
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    phase: Mapped[int | None] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(8), default="", server_default="")
    state: Mapped[str] = mapped_column(String(16))
    queued_at: Mapped[int]
    handed_at: Mapped[int | None]
    sent_at: Mapped[int | None]
    delivered_at: Mapped[int | None]
    started_at: Mapped[int | None]
    heard_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    expires_at: Mapped[int]
    limit_at: Mapped[int | None]
    due_at: Mapped[int | None]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[int | None]
    step: Mapped[str] = mapped_column(String(128), default="")
    progress: Mapped[float | None] = mapped_column(Double)
    message: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    error_code: Mapped[str] = mapped_column(String(128), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")
    blocked_by: Mapped[str | None] = mapped_column(String(64))
    blocked_subject: Mapped[str] = mapped_column(String(256), default="")
    blocked_since: Mapped[int | None]
    cancel_requested_at: Mapped[int | None]
    contradiction: Mapped[str | None] = mapped_column(Text)

    job: Mapped[Job] = relationship(lazy="joined")
    events: Mapped[list["ExecutionEvent"]] = relationship(
        order_by="ExecutionEvent.id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        UniqueConstraint("job_id", "device_key", "attempt"),
        Index("ix_executions_due", "due_at"),
        Index("ix_executions_limit", "limit_at"),
        Index("ix_executions_device", "device_key", "id"),
        Index("ix_executions_job_state", "job_id", "state"),
    )


class ExecutionEvent(Base):
    """One transition, or one claim that changed nothing."""

    __tablename__ = "execution_events"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    execution_id: Mapped[str] = mapped_column(Uuid, ForeignKey("executions.id"), index=True)
    device_key: Mapped[int]
    at: Mapped[int]
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(254))
    message: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)

    __table_args__ = (Index("ix_execution_events_device_at", "device_key", "at"),)
