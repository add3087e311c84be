"""Gathers what people are to be told into mails: in a storm few, each with what it is about.

A mail and the notices that it stands for are written in one transaction. Before that, each alarm
is looked at again: nobody is woken for one that is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update

from muster_platform.access import mails
from muster_platform.access.mail_models import SENT, Mail
from muster_platform.access.models import Group, User
from muster_platform.alerts import links
from muster_platform.alerts.calling import wanted
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.oncall import may_read
from muster_platform.alerts.oncall_models import DROPPED, FORBIDDEN, MAILED, WAITING, AlarmNotice
from muster_platform.alerts.states import Severity
from muster_platform.alerts.telling_rules import BUSY_GAP_MS as GAP_MS
from muster_platform.alerts.telling_rules import RAISED, RECENT_MS, is_busy, may_write
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

ALARM, OVER, TEST = "alarm", "alarm_over", "alarm_test"
NOTICES = 5_000
"""Most notices of one mail; the rest is the next one's."""
CHUNK = 500
NAMED = 15
_ORDER = [str(severity) for severity in Severity]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person: about one rule, or (rule "") about all of them."""

    user_id: str
    rule_id: str
    urgent: bool
    since: int


def waiting(unit: Unit) -> list[Waiting]:
    """Give what waits to be told and may be told now."""
    rows = unit.session.execute(
        select(
            AlarmNotice.user_id, AlarmNotice.rule_id, AlarmNotice.urgent,
            func.min(AlarmNotice.created_at).label("since"),
        )
        .where(AlarmNotice.state == WAITING)
        .group_by(AlarmNotice.user_id, AlarmNotice.rule_id, AlarmNotice.urgent)
        .order_by(AlarmNotice.urgent.desc(), func.min(AlarmNotice.created_at))
    )  # fmt: skip
    found: list[Waiting] = []
    for row in rows:
        one = Waiting(row.user_id, row.rule_id, row.urgent, int(row.since))
        chosen = _ready(unit, one)
        if chosen is not None and chosen not in found:
            found.append(chosen)
    return found


def _ready(unit: Unit, one: Waiting) -> Waiting | None:
    mine = _recent(unit, one.user_id)
    now, every = unit.now(), sorted(set(mine.values()))
    if is_busy([at for _rule, at in every], now):
        late = now >= max(at for _rule, at in every) + GAP_MS
        return Waiting(one.user_id, "", one.urgent, 0) if late else None
    about = [at for rule_id, at in mine.values() if rule_id == one.rule_id]
    return one if may_write(about, one.since, now, urgent=one.urgent) else None


def _recent(unit: Unit, user_id: str) -> dict[str, tuple[str, int]]:
    """Give the mails of the last RECENT_MS: mail id -> (rule, when)."""
    rows = unit.session.execute(
        select(AlarmNotice.mail_id, AlarmNotice.rule_id, func.max(AlarmNotice.told_at))
        .where(AlarmNotice.user_id == user_id, AlarmNotice.told_at > unit.now() - RECENT_MS)
        .group_by(AlarmNotice.mail_id, AlarmNotice.rule_id)
    )
    return {str(mail): (rule, int(at)) for mail, rule, at in rows if at is not None}


def write(unit: Unit, wish: Waiting) -> Mail | None:
    """Write one mail of what waits; None when nothing is left to tell."""
    statement = (
        select(AlarmNotice)
        .where(
            AlarmNotice.state == WAITING,
            AlarmNotice.user_id == wish.user_id,
            AlarmNotice.urgent == wish.urgent,
        )
        .order_by(AlarmNotice.created_at, AlarmNotice.id)
        .limit(NOTICES)
        .with_for_update(skip_locked=True)
    )
    if wish.rule_id:
        statement = statement.where(AlarmNotice.rule_id == wish.rule_id)
    notices = list(unit.session.scalars(statement))
    user = unit.session.get_one(User, wish.user_id)
    told = _still_true(unit, user, notices)
    if not told:
        return None
    mail_id = uuid7(unit.now())
    for notice, _alarm in told:
        notice.state, notice.told_at, notice.mail_id = MAILED, unit.now(), mail_id
    unit.session.flush()
    return _mail(unit, user, mail_id, told, urgent=wish.urgent)


def still_needed(unit: Unit, mail: Mail) -> str:
    """Say why a mail that was written before need not be sent any more; "" where it must."""
    if mail.kind not in (ALARM, OVER):
        return ""
    rows = unit.session.execute(
        select(AlarmNotice, Alarm)
        .join(Alarm, Alarm.id == AlarmNotice.alarm_id)
        .where(AlarmNotice.mail_id == mail.id)
    ).all()
    if mail.kind == ALARM:
        return "" if any(wanted(row.Alarm) for row in rows) else "it was over before it was sent"
    sent = select(func.count()).select_from(AlarmNotice).join(
        Mail, Mail.id == AlarmNotice.mail_id
    ).where(
        AlarmNotice.alarm_id.in_([row.Alarm.id for row in rows[:CHUNK]]),
        AlarmNotice.user_id.in_({row.AlarmNotice.user_id for row in rows}),
        AlarmNotice.urgent,
        Mail.state == SENT,
    )  # fmt: skip
    return "" if unit.session.scalar(sent) else "the mail about the alarm was never sent"


def withdraw(unit: Unit, mail: Mail) -> bool:
    """Give up a mail that nobody needs any more, and the notices in it; False: it is needed."""
    about = select(AlarmNotice.alarm_id).where(AlarmNotice.mail_id == mail.id)
    # Held: an alarm that comes back at this moment finds its notices dropped, or they are sent.
    held = select(Alarm.id).where(Alarm.id.in_(about)).order_by(Alarm.id)
    unit.session.execute(held.with_for_update(of=Alarm, key_share=True))
    why = still_needed(unit, mail)
    if why:
        mails.withdrawn(unit, mail.id, why)
        of_it = update(AlarmNotice).where(AlarmNotice.mail_id == mail.id)
        unit.session.execute(of_it.values(state=DROPPED, reason=why))
    return bool(why)


def _still_true(
    unit: Unit, user: User, notices: Sequence[AlarmNotice]
) -> list[tuple[AlarmNotice, Alarm]]:
    """Look at each alarm again; drop the notices of those that are as they were no more."""
    found, rights = [], dict[str, bool]()
    for start in range(0, len(notices), CHUNK):
        part = notices[start : start + CHUNK]
        ids = [notice.alarm_id for notice in part]
        # Held, so that an alarm that is acknowledged at this moment is so before or after.
        held = select(Alarm).where(Alarm.id.in_(ids)).with_for_update(of=Alarm, key_share=True)
        again = unit.session.scalars(held.execution_options(populate_existing=True))
        alarms = {alarm.id: alarm for alarm in again}
        for notice in part:
            alarm = alarms[notice.alarm_id]
            path = alarm.group_path
            if path not in rights:
                rights[path] = may_read(unit.session, user.id, path)
            reason = _reason(notice, alarm, may=rights[path])
            if reason:
                notice.state, notice.reason = DROPPED, reason
            else:
                found.append((notice, alarm))
    return found


def _reason(notice: AlarmNotice, alarm: Alarm, *, may: bool) -> str:
    if not may:
        return FORBIDDEN
    if notice.round != alarm.counter:
        return "it was raised again since"
    if notice.urgent:
        return "" if wanted(alarm) else "it was over, or acknowledged, before it was told"
    return "" if alarm.cleared_at is not None else "it is not over any more"


def _mail(
    unit: Unit,
    user: User,
    mail_id: str,
    told: Sequence[tuple[AlarmNotice, Alarm]],
    *,
    urgent: bool,
) -> Mail | None:
    alarms = sorted((a for _, a in told), key=lambda a: (_ORDER.index(a.severity), a.active_at))
    alarms = list({alarm.id: alarm for alarm in alarms}.values())
    first, names = alarms[0], _group_names(unit, alarms[:NAMED])
    base = unit.settings.public_url.rstrip("/")
    lines = [
        {
            "title": alarm.title,
            "severity": alarm.severity,
            "where": names.get(alarm.group_path, ""),
            "since": clock(alarm.active_at),
            "ended": clock(alarm.cleared_at) if alarm.cleared_at else "",
            "link": f"{base}/admin/alarms/{alarm.id}/",
        }
        for alarm in alarms[:NAMED]
    ]
    return mails.write(
        unit, user.email, ALARM if urgent else OVER,
        mail_id=mail_id, urgent=urgent, name=user.name, lines=lines, total=len(alarms),
        more=len(alarms) - len(lines), severity=first.severity, rule=first.rule.name,
        rules=len({alarm.rule_id for alarm in alarms}),
        reminder=all(notice.step != RAISED for notice, _ in told), why=told[0][0].why,
        acknowledge=links.sign(unit, mail_id, user), list_link=f"{base}/admin/alarms/",
    )  # fmt: skip


def clock(ms: int) -> str:
    """Write a time for a mail, whose reader's zone nobody knows."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%a %d %b %H:%M UTC")


def _group_names(unit: Unit, alarms: Sequence[Alarm]) -> dict[str, str]:
    paths = {alarm.group_path for alarm in alarms}
    rows = unit.session.execute(select(Group.path, Group.name).where(Group.path.in_(paths)))
    return {row.path: row.name for row in rows}
