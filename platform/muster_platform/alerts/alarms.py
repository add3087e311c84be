"""What people do with alarms: acknowledge, resolve, comment, assign."""

from typing import Any

from sqlalchemy import select

from muster_platform.access import audit
from muster_platform.access.models import Group, User
from muster_platform.access.narrow import require_on
from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.models import Alarm, RuleHold
from muster_platform.alerts.raising import move, note
from muster_platform.alerts.states import ACTIVE, NEXT, UNACKNOWLEDGED, AlarmState, Change
from muster_platform.alerts.views import AlarmView
from muster_platform.db.text import clean
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_platform.versions import expect

TEXT_CHARS = 4_000
ACT = Permission.ALARMS_ACKNOWLEDGE


class AlarmService:
    """Changes alarms in the name of a person.

    Raises (each act):
        NotFound: no such alarm for the actor.
        PermissionDenied: without alarms:acknowledge on its group.
        PreconditionFailed: it is of another version by now.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session
        self._query = AlarmQuery(unit)

    def acknowledge(
        self, alarm_id: str, comment: str = "", *, if_version: int | None = None
    ) -> AlarmView:
        """Take note of an alarm; nobody is reminded any more.

        Raises:
            Conflict: somebody has, or it is closed.
        """
        alarm = self._alarm(alarm_id, if_version)
        if alarm.state not in UNACKNOWLEDGED:
            by = f" by {alarm.acknowledged_by}" if alarm.acknowledged_by else ""
            raise Conflict(f"this alarm is {alarm.state} already{by}")
        alarm.acknowledged_at = self._unit.now()
        alarm.acknowledged_by = clean(self._unit.actor.name)[: audit.NAME_CHARS]
        return self._move(alarm, Change.ACKNOWLEDGED, comment)

    def unacknowledge(
        self, alarm_id: str, comment: str = "", *, if_version: int | None = None
    ) -> AlarmView:
        """Take the note back; people are reminded again.

        Raises:
            Conflict: it is not active and acknowledged.
        """
        alarm = self._alarm(alarm_id, if_version)
        self._possible(alarm, Change.UNACKNOWLEDGED)
        alarm.acknowledged_at, alarm.acknowledged_by = None, ""
        return self._move(alarm, Change.UNACKNOWLEDGED, comment)

    def resolve(self, alarm_id: str, reason: str, *, if_version: int | None = None) -> AlarmView:
        """Close an alarm by hand; it is raised again only after its condition has ended once.

        Raises:
            Conflict: it is closed.
            InvalidInput: no reason.
        """
        if not reason.strip():
            raise InvalidInput("say why it is resolved", where="reason")
        alarm = self._alarm(alarm_id, if_version)
        self._possible(alarm, Change.RESOLVED)
        if alarm.state in ACTIVE:
            self._hold(alarm)
        alarm.resolved_at, alarm.resolved_reason = self._unit.now(), _text(reason, "reason")
        alarm.resolved_by = clean(self._unit.actor.name)[: audit.NAME_CHARS]
        return self._move(alarm, Change.RESOLVED, reason)

    def comment(self, alarm_id: str, text: str) -> AlarmView:
        """Write something to an alarm, for whoever looks at it.

        Raises:
            InvalidInput: nothing, or too much.
        """
        if not text.strip():
            raise InvalidInput("write something", where="text")
        alarm = self._alarm(alarm_id, None)
        said = _text(text, "text")
        note(self._unit, alarm, Change.COMMENTED, said)
        return self._done(alarm, "comment", after={"comment": said})

    def assign(
        self, alarm_id: str, user_id: str | None, *, if_version: int | None = None
    ) -> AlarmView:
        """Say whose it is.

        Args:
            user_id: None for nobody.

        Raises:
            NotFound: no such user.
            PermissionDenied: to choose others it takes users:read.
        """
        alarm = self._alarm(alarm_id, if_version)
        before = alarm.assignee_id
        name = self._person(user_id) if user_id is not None else ""
        alarm.assignee_id = user_id
        note(self._unit, alarm, Change.ASSIGNED, name or "nobody")
        return self._done(
            alarm, "assign", before={"assignee": before}, after={"assignee": name or None}
        )

    # ---------------------------------------------------------------------------------------

    def _alarm(self, alarm_id: str, if_version: int | None) -> Alarm:
        row = self._query.row(alarm_id)
        group = self._session.scalars(select(Group).where(Group.path == row.path)).one_or_none()
        if group is None:  # the group of an old alarm is gone
            self._unit.actor.require(ACT, row.path)
        else:
            require_on(
                self._unit.actor,
                ACT,
                group,
                read=Permission.ALARMS_READ,
                kind="alarm",
                name=alarm_id,
            )
        alarm: Alarm = self._session.get_one(
            Alarm, row.Alarm.id, with_for_update={"of": Alarm}, populate_existing=True
        )
        expect(self._session, alarm, if_version, alarm.title)
        return alarm

    def _possible(self, alarm: Alarm, change: Change) -> None:
        if (AlarmState(alarm.state), change) not in NEXT:
            raise Conflict(f"this alarm is {alarm.state}: it cannot be {change}")

    def _move(self, alarm: Alarm, change: Change, text: str) -> AlarmView:
        before = alarm.state
        said = _text(text, "comment")
        move(self._unit, alarm, change, said)
        verb = {"acknowledged": "acknowledge", "resolved": "resolve"}.get(change, "unacknowledge")
        return self._done(
            alarm, verb, before={"state": before}, after={"state": alarm.state}, reason=said
        )

    def _hold(self, alarm: Alarm) -> None:
        key = f"{alarm.subject_kind}:{alarm.subject_id}"
        self._session.merge(
            RuleHold(
                rule_id=alarm.rule_id,
                subject=key,
                device_key=alarm.device_key if alarm.subject_kind == "device" else None,
                at=self._unit.now(),
            )
        )

    def _person(self, user_id: str) -> str:
        if user_id != self._unit.actor.id:
            self._unit.actor.require(Permission.USERS_READ)
        user = self._session.get(User, clean(user_id))
        if user is None or user.disabled_at is not None:
            raise NotFound("user", user_id)
        return user.name

    def _done(
        self, alarm: Alarm, verb: str, *, before: Any = None, after: Any = None, reason: str = ""
    ) -> AlarmView:
        self._session.flush()
        audit.record(
            self._unit,
            f"alarm.{verb}",
            "alarm",
            alarm.id,
            alarm.title,
            before=before,
            after=after,
            reason=reason or None,
        )
        return self._query.get(alarm.id)


def _text(text: str, where: str) -> str:
    said = clean(text.strip())
    if len(said) > TEXT_CHARS:
        raise InvalidInput(f"at most {TEXT_CHARS} characters", where=where)
    return said
