"""Who was told of an alarm, and how the mails went."""

from dataclasses import dataclass

from sqlalchemy import func, select

from muster_platform.access.mail_models import Mail
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery, seen_by
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.oncall_models import AlarmCall, AlarmNotice
from muster_platform.unit import Unit

MOST = 100
LATELY_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class ToldView:
    """One person and one step.

    Attributes:
        state: of the notice (waiting, dropped), else of its mail; "mailed" where that is forgotten.
        problem: why it was not delivered, or dropped.
    """

    name: str
    step: str
    why: str
    at: int
    state: str
    problem: str


def told(unit: Unit, alarm_id: str) -> list[ToldView]:
    """Give who was told, newest first, at most MOST.

    Raises:
        NotFound: no such alarm for the actor.
    """
    AlarmQuery(unit).get(alarm_id)
    rows = unit.session.execute(
        select(AlarmNotice, User.name, Mail.state, Mail.error)
        .join(User, User.id == AlarmNotice.user_id)
        .outerjoin(Mail, Mail.id == AlarmNotice.mail_id)
        .where(AlarmNotice.alarm_id == alarm_id)
        .order_by(AlarmNotice.created_at.desc(), AlarmNotice.id.desc())
        .limit(MOST)
    )
    return [
        ToldView(
            name=name,
            step=notice.step,
            why=notice.why,
            at=notice.told_at or notice.created_at,
            state=state or notice.state,
            problem=error or notice.reason,
        )
        for notice, name, state, error in rows
    ]


@dataclass(frozen=True, slots=True)
class ToldMail:
    """One mail about alarms, as far as the reader may see those.

    Attributes:
        name: who it went to.
        alarm_id: of one alarm; `title` is its.
        alarms: how many the reader may see.
        urgent: about alarms that nobody had acknowledged; the others say that it is over.
        state: of the mail; "" where it is forgotten.
        problem: why it was not delivered.
    """

    name: str
    alarm_id: str
    title: str
    alarms: int
    urgent: bool
    at: int
    state: str
    problem: str


def last_mails(unit: Unit, limit: int) -> list[ToldMail]:
    """Give the last mails of LATELY_MS about alarms that the actor may see, newest first.

    Raises:
        PermissionDenied: without alarms:read on any group.
    """
    unit.actor.require_somewhere(Permission.ALARMS_READ)
    at = func.max(AlarmNotice.told_at)
    mails = (
        select(
            AlarmNotice.mail_id, AlarmNotice.user_id, AlarmNotice.urgent, at.label("at"),
            func.min(AlarmNotice.alarm_id).label("alarm_id"),
            func.count(AlarmNotice.alarm_id.distinct()).label("alarms"),
        )
        .where(
            AlarmNotice.mail_id.is_not(None),
            AlarmNotice.told_at > unit.now() - LATELY_MS,
            AlarmNotice.alarm_id.in_(seen_by(unit)),
        )
        .group_by(AlarmNotice.mail_id, AlarmNotice.user_id, AlarmNotice.urgent)
        .order_by(at.desc(), AlarmNotice.mail_id.desc())
        .limit(limit)
        .subquery()
    )  # fmt: skip
    rows = unit.session.execute(
        select(mails, User.name, Alarm.title, Mail.state, Mail.error)
        .join(User, User.id == mails.c.user_id)
        .join(Alarm, Alarm.id == mails.c.alarm_id)
        .outerjoin(Mail, Mail.id == mails.c.mail_id)
        .order_by(mails.c.at.desc(), mails.c.mail_id.desc())
    )
    return [
        ToldMail(
            name=row.name, alarm_id=row.alarm_id, title=row.title, alarms=row.alarms,
            urgent=row.urgent, at=row.at, state=row.state or "", problem=row.error or "",
        )
        for row in rows
    ]  # fmt: skip


def gone_to(unit: Unit, alarm_id: str) -> str:
    """Say whose list an alarm went to; "" while nobody was to be told."""
    call = unit.session.get(AlarmCall, alarm_id)
    return call.gone_to if call is not None else ""
