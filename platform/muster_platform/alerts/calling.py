"""Who is to be told of an alarm: begun with its change, gone on with by a pass of the worker."""

from collections.abc import Iterable

from sqlalchemy import delete, select, update

from muster_platform.alerts.models import Alarm
from muster_platform.alerts.oncall import Ladder, ladder
from muster_platform.alerts.oncall_models import (
    DROPPED,
    FORBIDDEN,
    MAILED,
    REASON_CHARS,
    WAITING,
    AlarmCall,
    AlarmNotice,
)
from muster_platform.alerts.states import AlarmState, Change, Severity
from muster_platform.alerts.telling_rules import CLEARED, RAISED, Due, Told, due, next_at
from muster_platform.outbox import WAKE_ALERTS, Wake
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

BEGINS = frozenset({Change.RAISED, Change.RAISED_AGAIN, Change.SHOWN, Change.UNACKNOWLEDGED})
ENDS: dict[Change, str] = {
    Change.ACKNOWLEDGED: "acknowledged",
    Change.RESOLVED: "resolved",
    Change.CLEARED: "it ended by itself",
    Change.HIDDEN: "explained by another alarm",
}


def follow(unit: Unit, alarm: Alarm, change: Change) -> None:
    """Begin or stop to tell people of an alarm, in the transaction of its change."""
    if change in ENDS:
        if change is Change.CLEARED:
            _tell_it_is_over(unit, alarm)
        _stop(unit, alarm, ENDS[change])
    elif change in BEGINS and wanted(alarm):
        call = unit.session.get(AlarmCall, alarm.id) or AlarmCall(alarm_id=alarm.id)
        call.round, call.began_at, call.next_at = alarm.counter, unit.now(), unit.now()
        unit.session.add(call)
        _forget_dropped(unit, alarm)
        unit.outbox.add(Wake(WAKE_ALERTS))


def wanted(alarm: Alarm) -> bool:
    """Say whether somebody is to be told that an alarm is there."""
    return (
        alarm.state == AlarmState.ACTIVE_UNACK
        and alarm.hidden_by is None
        and alarm.severity != Severity.INFO
    )


def call_due(unit: Unit, limit: int) -> int:
    """Write whom to tell now, for a batch of alarms; give how many alarms there were."""
    statement = (
        select(AlarmCall)
        .where(AlarmCall.next_at <= unit.now())
        .order_by(AlarmCall.next_at, AlarmCall.alarm_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    calls = list(unit.session.scalars(statement))
    ids = [call.alarm_id for call in calls]
    alarms = {a.id: a for a in unit.session.scalars(select(Alarm).where(Alarm.id.in_(ids)))}
    told = _told(unit, calls)
    ladders: dict[str, Ladder] = {}
    for call in calls:
        alarm = alarms[call.alarm_id]
        if not wanted(alarm):
            call.next_at = None
            continue
        path = alarm.group_path
        if path not in ladders:
            ladders[path] = ladder(unit.session, path, unit.now())
        _call(unit, call, alarm, ladders[path], told.get(alarm.id, {}))
    unit.session.flush()
    return len(calls)


def _call(unit: Unit, call: AlarmCall, alarm: Alarm, found: Ladder, told: dict[str, Told]) -> None:
    people, now = [user.id for user in found.people], unit.now()
    call.gone_to = found.gone_to
    for one in due(people, told, found.pace, call.began_at, now):
        unit.session.add(_notice(unit, alarm, one, found.gone_to))
        before = told.get(one.user_id)
        first = before.first_at if before else now
        told[one.user_id] = Told(first, now, before.reminders + 1 if before else 0)
    call.next_at = next_at(people, told, found.pace, call.began_at, now)


def _notice(unit: Unit, alarm: Alarm, one: Due, gone_to: str) -> AlarmNotice:
    return AlarmNotice(
        id=uuid7(unit.now()),
        alarm_id=alarm.id,
        round=alarm.counter,
        step=one.step,
        user_id=one.user_id,
        rule_id=alarm.rule_id,
        urgent=one.step != CLEARED,
        why=f"number {one.place + 1} of {gone_to}"[:REASON_CHARS],
        state=WAITING,
        created_at=unit.now(),
    )


def _told(unit: Unit, calls: Iterable[AlarmCall]) -> dict[str, dict[str, Told]]:
    """Give what was told in the present round, by alarm and person."""
    rounds = {call.alarm_id: call.round for call in calls}
    columns = (AlarmNotice.alarm_id, AlarmNotice.round, AlarmNotice.user_id, AlarmNotice.step,
               AlarmNotice.created_at)  # fmt: skip
    rows = unit.session.execute(
        select(*columns)
        .where(AlarmNotice.alarm_id.in_(list(rounds)), AlarmNotice.urgent)
        .order_by(AlarmNotice.created_at)
    )
    found: dict[str, dict[str, Told]] = {}
    for row in rows:
        if row.round != rounds[row.alarm_id]:
            continue
        people = found.setdefault(row.alarm_id, {})
        before = people.get(row.user_id)
        reminders = (before.reminders if before else 0) + (row.step != RAISED)
        first = before.first_at if before else row.created_at
        people[row.user_id] = Told(first, row.created_at, reminders)
    return found


def _stop(unit: Unit, alarm: Alarm, reason: str) -> None:
    unit.session.execute(
        update(AlarmCall).where(AlarmCall.alarm_id == alarm.id).values(next_at=None)
    )
    waiting = (
        AlarmNotice.alarm_id == alarm.id,
        AlarmNotice.state == WAITING,
        AlarmNotice.urgent,
    )
    unit.session.execute(update(AlarmNotice).where(*waiting).values(state=DROPPED, reason=reason))


def _forget_dropped(unit: Unit, alarm: Alarm) -> None:
    """Nobody was told by a notice that was dropped: shown or unacknowledged, it is due anew."""
    unit.session.execute(
        delete(AlarmNotice).where(
            AlarmNotice.alarm_id == alarm.id,
            AlarmNotice.round == alarm.counter,
            AlarmNotice.state == DROPPED,
            AlarmNotice.reason != FORBIDDEN,
        )
    )


def _tell_it_is_over(unit: Unit, alarm: Alarm) -> None:
    """Whoever was mailed and has not acknowledged hears once that it is over."""
    if alarm.state != AlarmState.CLEARED_UNACK:
        return
    told = select(AlarmNotice.user_id).where(
        AlarmNotice.alarm_id == alarm.id,
        AlarmNotice.round == alarm.counter,
        AlarmNotice.urgent,
        AlarmNotice.state == MAILED,
    )
    for user_id in set(unit.session.scalars(told)):
        one = Due(user_id, CLEARED, 0)
        notice = _notice(unit, alarm, one, "")
        notice.why = "was told of the alarm"
        unit.session.add(notice)
