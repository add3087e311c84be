"""Raising and clearing alarms: by a rule's evaluation, in one transaction with its history.

One open alarm for each rule and subject is held by the unique column `open_key`, whoever asks at
the same time: the second to insert finds the first one's row.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from muster_platform.access import audit
from muster_platform.access.mails import one_line
from muster_platform.alerts.models import TITLE_CHARS, Alarm, AlarmEvent, Rule
from muster_platform.alerts.notify_hook import on_change
from muster_platform.alerts.states import ACTIVE, AlarmState, Change, after
from muster_platform.db.text import clean, clean_json
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an alarm is about.

    Attributes:
        kind: device, group, fingerprint, job, part or profile.
        id: within the kind; see Alarm.subject_id.
        name: for people.
        group_path: who may see the alarm.
    """

    kind: str
    id: str
    name: str
    group_path: str
    device_key: int | None = None

    @property
    def key(self) -> str:
        """Give `kind:id`."""
        return f"{self.kind}:{self.id}"


def open_key(rule_id: str, subject_key: str) -> str:
    """Give what is unique among open alarms."""
    return f"{rule_id}:{subject_key}"


def open_alarm(unit: Unit, rule: Rule, subject: Subject) -> Alarm | None:
    """Read and lock the open alarm of a rule and subject."""
    return unit.session.scalars(
        select(Alarm)
        .where(Alarm.open_key == open_key(rule.id, subject.key))
        .with_for_update(of=Alarm)
        .execution_options(populate_existing=True)
    ).one_or_none()


def raise_alarm(
    unit: Unit,
    rule: Rule,
    subject: Subject,
    evidence: dict[str, Any],
    *,
    title: str,
    hidden_by: str | None = None,
) -> Alarm:
    """Raise an alarm, or raise the open one again; one that is active only gets the evidence.

    Args:
        evidence: JSON; what shows it.
        title: one line for people.
        hidden_by: id of the alarm that explains it.
    """
    # One line, whatever names are in it: a title must not add lines to a mail.
    evidence, title = clean_json(evidence), one_line(title)[:TITLE_CHARS]
    alarm = open_alarm(unit, rule, subject)
    if alarm is None:
        made = _insert(unit, rule, subject, evidence, title, hidden_by)
        alarm = open_alarm(unit, rule, subject)
        if alarm is None:  # closed by somebody between the two statements
            return raise_alarm(unit, rule, subject, evidence, title=title, hidden_by=hidden_by)
        if made:
            note(unit, alarm, Change.RAISED, title)
            return alarm
    alarm.evidence, alarm.title, alarm.last_at = evidence, title, unit.now()
    alarm.severity = rule.severity
    if alarm.state not in ACTIVE:
        alarm.counter += 1
        alarm.active_at, alarm.cleared_at, alarm.hidden_by = unit.now(), None, hidden_by
        move(unit, alarm, Change.RAISED_AGAIN, title)
    return alarm


def clear(unit: Unit, alarm: Alarm, text: str = "") -> None:
    """Clear an active alarm."""
    alarm.cleared_at = unit.now()
    move(unit, alarm, Change.CLEARED, text)


def set_hidden(unit: Unit, alarm: Alarm, hidden_by: str | None) -> None:
    """Hide an alarm behind the one that explains it, or show it again."""
    if alarm.hidden_by == hidden_by:
        return
    alarm.hidden_by = hidden_by
    note(unit, alarm, Change.SHOWN if hidden_by is None else Change.HIDDEN)


def move(unit: Unit, alarm: Alarm, change: Change, text: str = "") -> None:
    """Take an alarm to its next state and note it.

    Raises:
        KeyError: the table of states knows no such step.
    """
    hidden = alarm.hidden_by is not None
    alarm.state = str(after(AlarmState(alarm.state), change, hidden=hidden))
    if alarm.state == AlarmState.CLEARED_ACK:
        alarm.open_key = None
    note(unit, alarm, change, text)


def note(unit: Unit, alarm: Alarm, change: Change, text: str = "") -> None:
    """Write a line of the history and tell whom it concerns."""
    alarm.version += change is not Change.RAISED
    unit.session.add(
        AlarmEvent(
            alarm_id=alarm.id,
            device_key=alarm.device_key,
            at=unit.now(),
            change=str(change),
            actor_name=clean(unit.actor.name)[: audit.NAME_CHARS],
            text=clean(text),
        )
    )
    unit.session.flush()
    on_change(unit, alarm, change)


def _insert(
    unit: Unit,
    rule: Rule,
    subject: Subject,
    evidence: dict[str, Any],
    title: str,
    hidden_by: str | None,
) -> bool:
    """Insert it unless somebody else just did; say whether it was."""
    now = unit.now()
    values = {
        "id": uuid7(),
        "rule_id": rule.id,
        "open_key": open_key(rule.id, subject.key),
        "subject_kind": subject.kind,
        "subject_id": subject.id,
        "subject_name": clean(subject.name)[:TITLE_CHARS],
        "device_key": subject.device_key,
        "group_path": subject.group_path,
        "severity": rule.severity,
        "state": str(AlarmState.ACTIVE_UNACK),
        "title": title,
        "evidence": evidence,
        "labels": rule.labels,
        "hidden_by": hidden_by,
        "first_at": now,
        "active_at": now,
        "last_at": now,
    }
    dialect = postgresql if unit.session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = Alarm.__table__
    assert isinstance(table, Table)
    statement = dialect.insert(table).values(**values)
    made = statement.on_conflict_do_nothing(index_elements=["open_key"]).returning(table.c.id)
    return unit.session.execute(made).one_or_none() is not None
