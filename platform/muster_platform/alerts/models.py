"""Tables of rules, of the alarms that they raise, and of what becomes of those."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Json, Uuid

NAME_CHARS = 128
TITLE_CHARS = 300


class Rule(Base):
    """What is trouble.

    Attributes:
        kind: a name in `rule_kinds.KINDS`; params are read by it.
        severity: critical, warning or info.
        group_path: it looks at what is in this group or inside it; its alarms are seen there.
        device_filter: as `devices.selection.filter_document` gives it; {} for all devices.
        labels: {name: text}; routes alarms to whom they concern.
        builtin: name of a rule that every installation has (it can be disabled, not deleted),
            None for those that people made.
        remembered: what the incremental kinds have seen already; theirs to read.
        evaluated_at: when it was looked at last, ms since the epoch.
        due_at: when it is to be looked at next.
        problem: why it could not be looked at, "" where it could.
        deleted_at: it is kept for the alarms that it raised.
        version: counts the edits of people.
    """

    __tablename__ = "rules"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    kind: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    severity: Mapped[str] = mapped_column(String(16))
    group_path: Mapped[str] = mapped_column(String(512))
    device_filter: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    labels: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    builtin: Mapped[str | None] = mapped_column(String(64), unique=True)
    author_kind: Mapped[str] = mapped_column(String(16))
    author_id: Mapped[str] = mapped_column(String(64))
    author_name: Mapped[str] = mapped_column(String(254))
    remembered: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    evaluated_at: Mapped[int | None]
    due_at: Mapped[int] = mapped_column(BigInteger, index=True)
    problem: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[int]
    updated_at: Mapped[int]
    deleted_at: Mapped[int | None]


class RuleHold(Base):
    """A person resolved an alarm whose condition still held: it waits until that has ended.

    Attributes:
        subject: `kind:id`, as in Alarm.open_key.
        at: when they did, ms since the epoch.
    """

    __tablename__ = "rule_holds"

    rule_id: Mapped[str] = mapped_column(Uuid, ForeignKey("rules.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(300), primary_key=True)
    device_key: Mapped[int | None]
    at: Mapped[int]


class Alarm(Base):
    """Trouble that a rule found with one subject.

    Attributes:
        open_key: `rule:subject` while it is open, None afterwards: one open alarm of each.
        subject_kind: device, group, fingerprint, job, part or profile.
        subject_id: device id, group id, fingerprint, job id, part's name, profile's name.
        device_key: of the device that it is about, None where it is about none.
        group_path: who may see it.
        state: an AlarmState.
        counter: how often the condition began while it was open.
        title: one line for people.
        evidence: the values, records and links that show it; see `Finding` in kinds.
        labels: of the rule, as they were when it was raised.
        hidden_by: id of the alarm that explains this one (its gateway's, its site's): nobody is
            told of it, and lists leave it out unless asked.
        first_at, active_at, last_at: raised first, raised last, seen last.
        acknowledged_by, resolved_by: names of people.
        version: counts the changes.
    """

    __tablename__ = "alarms"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    rule_id: Mapped[str] = mapped_column(Uuid, ForeignKey("rules.id"))
    open_key: Mapped[str | None] = mapped_column(String(340), unique=True)
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(256))
    subject_name: Mapped[str] = mapped_column(String(TITLE_CHARS))
    device_key: Mapped[int | None] = mapped_column(BigKey, ForeignKey("devices.id"))
    group_path: Mapped[str] = mapped_column(String(512))
    severity: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    counter: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    labels: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    hidden_by: Mapped[str | None] = mapped_column(Uuid, index=True)
    first_at: Mapped[int]
    active_at: Mapped[int]
    last_at: Mapped[int]
    acknowledged_at: Mapped[int | None]
    acknowledged_by: Mapped[str] = mapped_column(String(254), default="")
    cleared_at: Mapped[int | None]
    resolved_at: Mapped[int | None]
    resolved_by: Mapped[str] = mapped_column(String(254), default="")
    resolved_reason: Mapped[str] = mapped_column(Text, default="")
    assignee_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1)

    rule: Mapped[Rule] = relationship(lazy="joined")

    __table_args__ = (
        Index("ix_alarms_rule_state", "rule_id", "state"),
        Index("ix_alarms_state_active", "state", "active_at"),
        Index("ix_alarms_device", "device_key", "id"),
        Index(
            "ix_alarms_group_path", "group_path", postgresql_ops={"group_path": "text_pattern_ops"}
        ),
    )


class AlarmEvent(Base):
    """A line of an alarm's history.

    Attributes:
        change: a Change.
        actor_name: who; the worker where the condition itself did it.
        text: comment, reason, or what was seen.
    """

    __tablename__ = "alarm_events"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    alarm_id: Mapped[str] = mapped_column(Uuid, ForeignKey("alarms.id"), index=True)
    device_key: Mapped[int | None]
    at: Mapped[int]
    change: Mapped[str] = mapped_column(String(16))
    actor_name: Mapped[str] = mapped_column(String(254))
    text: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("ix_alarm_events_device_at", "device_key", "at"),)
