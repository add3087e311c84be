"""Tables of what the worker did: one row per run that mattered, one per task that repeats."""

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base

NAME_CHARS = 64
TITLE_CHARS = 256

QUEUED, RUNNING = "queued", "running"
SUCCEEDED, FAILED, CANCELED, LOST = "succeeded", "failed", "canceled", "lost"
STATES = (QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED, LOST)
OPEN = (QUEUED, RUNNING)
TRIGGERS = ("schedule", "wake", "person")
"""Why a task ran: its rhythm, something that changed, or somebody who asked for it."""


class TaskRun(Base):
    """One run of one task.

    Attributes:
        id: Celery's id of the task, or one of ours for a run that a person asked for.
        trigger: one of TRIGGERS.
        actor_name: who asked for it; "schedule" or "worker" where nobody did.
        worker: host and process id of whoever runs it.
        attempts: times it was begun: a killed worker's task comes back.
        result: how much there was to do; None before it has ended.
        retry_of: the run that this one repeats.
    """

    __tablename__ = "task_runs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    trigger: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    actor_name: Mapped[str] = mapped_column(String(254))
    worker: Mapped[str] = mapped_column(String(96), default="")
    queued_at: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    retry_of: Mapped[str | None] = mapped_column(String(64))
    cancel_requested_at: Mapped[int | None]

    subjects: Mapped[list["TaskSubject"]] = relationship(
        order_by="TaskSubject.title", cascade="all, delete-orphan", passive_deletes=True
    )

    __table_args__ = (
        Index("ix_task_runs_queued", "queued_at", "id"),
        Index("ix_task_runs_state", "state", "queued_at"),
        Index("ix_task_runs_name", "name", "queued_at"),
    )


class TaskSubject(Base):
    """What a run moved on: a job, a bulk change, a mail.

    Attributes:
        actor_name: in whose name, with whose rights.
    """

    __tablename__ = "task_subjects"

    run_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("task_runs.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    actor_name: Mapped[str] = mapped_column(String(254), default="")

    __table_args__ = (Index("ix_task_subjects_subject", "kind", "subject_id"),)


class TaskRhythm(Base):
    """One task of the schedule, and how its runs went; runs without anything to do are here alone.

    Attributes:
        words: what it does, for people.
        every_s: seconds between two runs.
        wakes: what else has it run ("" for nothing).
        since: when the schedule first held it, ms since the epoch.
        runs, idle, failures: since the installation began; idle ones found nothing to do.
        longest_ms: of all runs.
    """

    __tablename__ = "task_rhythms"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    words: Mapped[str] = mapped_column(String(256), default="")
    every_s: Mapped[float] = mapped_column(Double)
    wakes: Mapped[str] = mapped_column(String(64), default="")
    since: Mapped[int] = mapped_column(BigInteger, default=0)
    gone: Mapped[bool] = mapped_column(Boolean, default=False)
    began_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    ended_state: Mapped[str] = mapped_column(String(16), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    runs: Mapped[int] = mapped_column(default=0)
    idle: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    last_ms: Mapped[int] = mapped_column(default=0)
    longest_ms: Mapped[int] = mapped_column(default=0)
