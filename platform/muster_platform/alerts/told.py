"""Who was told of an alarm, and how the mails went."""

from dataclasses import dataclass

from sqlalchemy import select

from muster_platform.access.mail_models import Mail
from muster_platform.access.models import User
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.oncall_models import AlarmCall, AlarmNotice
from muster_platform.unit import Unit

MOST = 100


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


def gone_to(unit: Unit, alarm_id: str) -> str:
    """Say whose list an alarm went to; "" while nobody was to be told."""
    call = unit.session.get(AlarmCall, alarm_id)
    return call.gone_to if call is not None else ""
