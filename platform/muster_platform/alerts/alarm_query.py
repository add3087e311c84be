"""Reading alarms: who may see which, lists, counts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from muster_platform.access.groups import group_by_id
from muster_platform.access.models import Group, User
from muster_platform.access.narrow import inside, permitted
from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.base import ACTIVE_STATES
from muster_platform.alerts.models import Alarm, AlarmEvent, Rule
from muster_platform.alerts.states import OPEN, AlarmState, Severity
from muster_platform.alerts.views import AlarmEventView, AlarmFilter, AlarmView
from muster_platform.db.text import clean
from muster_platform.devices.models import Device
from muster_platform.errors import NotFound
from muster_platform.paging import Key, Order, Page, PageRequest, after, make_page
from muster_platform.unit import Unit

READ = Permission.ALARMS_READ
PATH: ColumnElement[str] = func.coalesce(Group.path, Alarm.group_path)
"""Who may see an alarm: who may on its device's present group, else on its own."""
EVENTS = 500
_ORDER: Order[Row[Any]] = Order(
    "active-",
    (
        Key(Alarm.__table__.c.active_at, int, lambda row: row.Alarm.active_at),
        Key(Alarm.__table__.c.id, str, lambda row: row.Alarm.id),
    ),
    descending=True,
)


class AlarmQuery:
    """Reads alarms."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def search(self, wanted: AlarmFilter, page: PageRequest) -> Page[AlarmView]:
        """List alarms, the newest raised first.

        Raises:
            PermissionDenied: without alarms:read on any group.
            NotFound: the filter names a group that is not there for the actor.
            InvalidInput: the cursor does not fit.
        """
        statement = self._statement(wanted)
        size = min(page.size, self._unit.settings.page_size_max)
        if page.cursor is not None:
            statement = statement.where(after(_ORDER, page.cursor))
        columns = [key.column.desc() for key in _ORDER.keys]
        rows = list(self._session.execute(statement.order_by(*columns).limit(size + 1)))
        made = make_page(rows, size, _ORDER)
        return Page(self._views(made.items), made.next_cursor)

    def get(self, alarm_id: str) -> AlarmView:
        """Get one.

        Raises:
            NotFound: no such alarm, or not for the actor's eyes.
        """
        return self._views([self.row(alarm_id)])[0]

    def row(self, alarm_id: str) -> Row[Any]:
        """Get its row: Alarm, path, device_id, assignee_name.

        Raises:
            NotFound: as `get`.
        """
        if not self._unit.actor.may_somewhere(READ):
            raise NotFound("alarm", alarm_id)
        statement = self._statement(AlarmFilter(hidden=True)).where(Alarm.id == clean(alarm_id))
        row = self._session.execute(statement).one_or_none()
        if row is None:
            raise NotFound("alarm", alarm_id)
        return row

    def mine(
        self, alarm_ids: Select[Any] | Sequence[str], permission: Permission
    ) -> Sequence[Alarm]:
        """Give those of some alarms that the actor sees, and on which it has a permission too.

        Args:
            alarm_ids: their ids, or what selects those.

        Raises:
            PermissionDenied: without alarms:read on any group.
        """
        statement = self._statement(AlarmFilter(hidden=True)).where(
            Alarm.id.in_(alarm_ids), permitted(self._unit.actor, permission, PATH)
        )
        return [row.Alarm for row in self._session.execute(statement.order_by(Alarm.id))]

    def history(self, alarm_id: str) -> Sequence[AlarmEventView]:
        """Give what became of an alarm, newest first.

        Raises:
            NotFound: as `get`.
        """
        self.row(alarm_id)
        rows = self._session.scalars(
            select(AlarmEvent)
            .where(AlarmEvent.alarm_id == alarm_id)
            .order_by(AlarmEvent.id.desc())
            .limit(EVENTS)
        )
        return [
            AlarmEventView(id=e.id, at=e.at, change=e.change, actor_name=e.actor_name, text=e.text)
            for e in rows
        ]

    def open_by_severity(
        self, device_id: str | None = None, group_id: int | None = None
    ) -> dict[Severity, int]:
        """Count the open alarms that nobody explained, by severity, worst first.

        Raises:
            PermissionDenied: without alarms:read on any group.
            NotFound: no such group for the actor.
        """
        wanted = AlarmFilter(states=OPEN, device_id=device_id, group_id=group_id)
        found = self._statement(wanted).subquery()
        rows = self._session.execute(
            select(found.c.severity, func.count()).group_by(found.c.severity)
        )
        counts: dict[str, int] = {row[0]: row[1] for row in rows}
        return {severity: counts.get(str(severity), 0) for severity in Severity}

    def hidden_behind(self, alarm_id: str) -> int:
        """Count the active alarms that an alarm explains.

        Raises:
            PermissionDenied: without alarms:read on any group.
        """
        wanted = AlarmFilter(hidden=True, hidden_by=alarm_id, states=OPEN)
        found = self._statement(wanted).subquery()
        return self._session.scalar(select(func.count()).select_from(found)) or 0

    # ---------------------------------------------------------------------------------------

    def _statement(self, wanted: AlarmFilter) -> Select[Any]:
        self._unit.actor.require_somewhere(READ)
        statement: Any = _joined(
            select(Alarm, PATH.label("path"), Device.device_id, User.name.label("assignee_name"))
        ).outerjoin(User, User.id == Alarm.assignee_id)
        chosen: Select[Any] = statement.where(*_visible(self._unit), *self._conditions(wanted))
        return chosen

    def _conditions(self, wanted: AlarmFilter) -> Sequence[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.states:
            found.append(Alarm.state.in_(sorted(map(str, wanted.states))))
        if wanted.severities:
            found.append(Alarm.severity.in_(sorted(map(str, wanted.severities))))
        for word in clean(wanted.text).split()[:20]:
            found.append(Alarm.title.icontains(word, autoescape=True))
        if wanted.group_id is not None:
            found.append(inside(PATH, (self._group(wanted.group_id).path,)))
        if not wanted.hidden:
            found.append(Alarm.hidden_by.is_(None))
        if wanted.since is not None:
            found.append(Alarm.active_at >= wanted.since)
        if wanted.assignee is not None:
            mine = clean(wanted.assignee)
            found.append(Alarm.assignee_id == mine if mine else Alarm.assignee_id.is_(None))
        same: tuple[tuple[Any, str | None], ...] = (
            (Alarm.rule_id, wanted.rule_id),
            (Device.device_id, wanted.device_id),
            (Alarm.subject_kind, wanted.subject_kind),
            (Alarm.subject_id, wanted.subject_id),
            (Alarm.hidden_by, wanted.hidden_by),
        )
        found += [column == clean(text) for column, text in same if text is not None]
        return found

    def _group(self, group_id: int) -> Group:
        group = group_by_id(self._session, group_id)
        readable = self._unit.actor.paths(READ)
        if readable is not None and not any(
            group.path.startswith(path) or path.startswith(group.path) for path in readable
        ):
            raise NotFound("group", group_id)
        return group

    def _views(self, rows: Sequence[Row[Any]]) -> list[AlarmView]:
        ids = {int(row.path.rstrip("/").rpartition("/")[2]) for row in rows}
        found = self._session.execute(select(Group.id, Group.name).where(Group.id.in_(ids)))
        names = {row[0]: row[1] for row in found}
        return [self._view(row, names) for row in rows]

    def _view(self, row: Row[Any], names: dict[int, str]) -> AlarmView:
        alarm: Alarm = row.Alarm
        evidence = alarm.evidence
        if "records" in evidence and not self._unit.actor.may(Permission.LOGS_READ, row.path):
            evidence = {name: seen for name, seen in evidence.items() if name != "records"}
        group_id = int(row.path.rstrip("/").rpartition("/")[2])
        return AlarmView(
            id=alarm.id,
            title=alarm.title,
            severity=Severity(alarm.severity),
            state=AlarmState(alarm.state),
            rule_id=alarm.rule_id,
            rule_name=alarm.rule.name,
            kind=alarm.rule.kind,
            subject_kind=alarm.subject_kind,
            subject_id=alarm.subject_id,
            subject_name=alarm.subject_name,
            device_id=row.device_id,
            group_id=group_id,
            group_name=names.get(group_id, ""),
            counter=alarm.counter,
            evidence=evidence,
            labels=alarm.labels,
            hidden_by=alarm.hidden_by,
            first_at=alarm.first_at,
            active_at=alarm.active_at,
            last_at=alarm.last_at,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_by=alarm.acknowledged_by,
            cleared_at=alarm.cleared_at,
            resolved_at=alarm.resolved_at,
            resolved_by=alarm.resolved_by,
            resolved_reason=alarm.resolved_reason,
            assignee_id=alarm.assignee_id,
            assignee_name=row.assignee_name,
            version=alarm.version,
        )


def counted_by_rule(unit: Unit, rule_ids: Sequence[str]) -> dict[str, int]:
    """Count the active alarms of rules that the actor may see; none without alarms:read."""
    if not unit.actor.may_somewhere(READ):
        return {}
    statement = _joined(select(Alarm.rule_id, func.count())).where(
        *_visible(unit), Alarm.rule_id.in_(rule_ids), Alarm.state.in_(ACTIVE_STATES)
    )
    rows = unit.session.execute(statement.group_by(Alarm.rule_id))
    return {row[0]: row[1] for row in rows}


def seen_by(unit: Unit) -> Select[Any]:
    """Select the ids of all alarms that the actor may see."""
    found: Select[Any] = _joined(select(Alarm.id)).where(*_visible(unit))
    return found


def _joined(statement: Any) -> Any:
    return (
        statement.select_from(Alarm)
        .join(Rule, Rule.id == Alarm.rule_id)
        .outerjoin(Device, Device.id == Alarm.device_key)
        .outerjoin(Group, Group.id == Device.group_id)
    )


def _visible(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    """A deleted device's alarms are hidden with it."""
    return (
        permitted(unit.actor, READ, PATH),
        or_(Alarm.device_key.is_(None), Device.deleted_at.is_(None)),
    )
