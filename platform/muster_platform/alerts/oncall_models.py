"""Tables of who is on call, and of who was told of which alarm."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, BigKey, Json, Uuid

WAITING, MAILED, DROPPED = "waiting", "mailed", "dropped"
STEP_CHARS = 16
REASON_CHARS = 200
FORBIDDEN = "may not read this alarm any more"
"""Reason of a notice that stays dropped when its alarm is there again."""


class OnCallList(Base):
    """Who is told of the alarms of a group, in which order and when; one list a group.

    Attributes:
        zone: IANA name of the time zone of all times in it.
        wait_s: after so long without an acknowledgement the next person is told.
        remind_s: between two mails to the same person about the same alarm.
        reminders: most reminders to one person; 0 for none.
        entries: `oncall_rules.Entry` as JSON, in the order in which they are told.
        absences: `oncall_rules.Absence` as JSON.
        version: counts the edits.
    """

    __tablename__ = "oncall_lists"

    group_id: Mapped[int] = mapped_column(
        BigKey,
        ForeignKey("groups.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    zone: Mapped[str] = mapped_column(String(64))
    wait_s: Mapped[int]
    remind_s: Mapped[int]
    reminders: Mapped[int]
    entries: Mapped[list[Any]] = mapped_column(Json)
    absences: Mapped[list[Any]] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[int]


class AlarmCall(Base):
    """How far the telling of an alarm has come.

    Attributes:
        round: the alarm's counter: raised again, everybody is told anew.
        began_at: when this round began, ms since the epoch.
        next_at: when somebody is to be told next; None when nobody is any more.
        gone_to: who is told, in words: the list of which group, or the administrators.
    """

    __tablename__ = "alarm_calls"

    alarm_id: Mapped[str] = mapped_column(
        Uuid, ForeignKey("alarms.id", ondelete="CASCADE"), primary_key=True
    )
    round: Mapped[int]
    began_at: Mapped[int]
    next_at: Mapped[int | None] = mapped_column(index=True)
    gone_to: Mapped[str] = mapped_column(Text, default="")


class AlarmNotice(Base):
    """One person is to be told of one step of an alarm; there before anything is sent.

    Attributes:
        step: raised, reminder-N or cleared.
        urgent: about an alarm that nobody has acknowledged; the others say that it is over.
        why: why this person, in words.
        state: waiting to be gathered into a mail, mailed, or dropped.
        told_at: when the mail was written; its own row says when it was sent.
        mail_id: of the mail it went into; that is forgotten before this is.
        reason: why it was dropped.
    """

    __tablename__ = "alarm_notices"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    alarm_id: Mapped[str] = mapped_column(Uuid, ForeignKey("alarms.id", ondelete="CASCADE"))
    round: Mapped[int]
    step: Mapped[str] = mapped_column(String(STEP_CHARS))
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    rule_id: Mapped[str] = mapped_column(Uuid)
    urgent: Mapped[bool]
    why: Mapped[str] = mapped_column(String(REASON_CHARS))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[int]
    told_at: Mapped[int | None]
    mail_id: Mapped[str | None] = mapped_column(Uuid, index=True)
    reason: Mapped[str] = mapped_column(String(REASON_CHARS), default="")

    __table_args__ = (
        UniqueConstraint("alarm_id", "round", "step", "user_id"),
        Index("ix_alarm_notices_waiting", "state", "user_id", "rule_id"),
        Index("ix_alarm_notices_told", "user_id", "told_at"),
    )
