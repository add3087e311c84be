"""Base of the kinds that look at devices: the database compares, in sets.

A kind gives two statements over devices: those for which the condition holds, and those for which
it is not over yet. Between the two lies the band in which nothing changes.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, literal, select
from sqlalchemy.orm import aliased

from muster_platform.access.models import Group
from muster_platform.access.narrow import inside
from muster_platform.alerts.kinds.base import ACTIVE_STATES, Finding, Kind, Look, P
from muster_platform.alerts.models import Alarm, RuleHold
from muster_platform.alerts.raising import Subject
from muster_platform.devices.filters import conditions
from muster_platform.devices.models import Device, Presence
from muster_platform.devices.selection import parse_filter

_Group = aliased(Group)


def scoped(look: Look) -> list[ColumnElement[bool]]:
    """Give the conditions on Device joined with Presence for what a rule looks at.

    Raises:
        NotFound, InvalidInput: the filter names what is no longer there.
    """
    wanted = parse_filter(look.device_filter, "device_filter")
    groups: Any = select(Group.id).where(inside(Group.path, (look.group_path,)))
    found = [*conditions(look.unit, wanted), Device.group_id.in_(groups)]
    return [*found, Device.disabled_at.is_(None)]


def devices(look: Look, *columns: Any) -> Select[Any]:
    """Select of the devices that a rule looks at: key, device_id, name, path, and more."""
    name = func.coalesce(func.nullif(Device.display_name, ""), Device.device_id)
    statement: Any = select(
        Device.id.label("key"),
        Device.device_id,
        name.label("name"),
        _Group.path.label("path"),
        *columns,
    )
    chosen: Select[Any] = (
        statement.join(Presence, Presence.device_key == Device.id)
        .join(_Group, _Group.id == Device.group_id)
        .where(*scoped(look))
    )
    return chosen


def subject_of(row: Any) -> Subject:
    """Give a row of `devices` as a subject."""
    return Subject(
        kind="device", id=row.device_id, name=row.name, group_path=row.path, device_key=row.key
    )


class DeviceKind(Kind[P]):
    """A kind that looks at devices."""

    @abstractmethod
    def holding(self, look: Look, params: P) -> Select[Any]:
        """Select (by `devices`) those for which the condition holds."""

    @abstractmethod
    def lasting(self, look: Look, params: P) -> Select[Any]:
        """Select (by `devices`) those for which it has not ended, once it has held."""

    @abstractmethod
    def finding(self, params: P, row: Any) -> Finding:
        """Make a finding of a row of `holding`."""

    @abstractmethod
    def ended_words(self, look: Look, params: P, keys: Sequence[int]) -> dict[int, str]:
        """Say of some devices, by key, why it is over; those left out are no longer looked at."""

    def found(self, look: Look, params: P, limit: int) -> list[Finding]:
        """See Kind."""
        statement = self._fresh(look, self.holding(look, params)).order_by(Device.id)
        rows = look.unit.session.execute(statement.limit(limit))
        return [self.finding(params, row) for row in rows]

    def over(self, look: Look, params: P, limit: int) -> list[tuple[Alarm, str]]:
        """See Kind."""
        statement = (
            select(Alarm)
            .where(
                Alarm.rule_id == look.rule_id,
                Alarm.state.in_(ACTIVE_STATES),
                Alarm.subject_kind == "device",
                ~self._lasts(look, params, Alarm.device_key),
            )
            .order_by(Alarm.id)
            .limit(limit)
        )
        alarms = look.unit.session.scalars(statement).all()
        keys = [alarm.device_key for alarm in alarms if alarm.device_key is not None]
        words = self.ended_words(look, params, keys) if keys else {}
        gone = "The rule does not look at this device any more"
        return [(alarm, words.get(alarm.device_key or 0, gone)) for alarm in alarms]

    def release(self, look: Look, params: P) -> None:
        """See Kind."""
        look.unit.session.execute(
            delete(RuleHold).where(
                RuleHold.rule_id == look.rule_id,
                RuleHold.device_key.is_not(None),
                ~self._lasts(look, params, RuleHold.device_key),
            ),
            execution_options={"synchronize_session": False},
        )

    def count(self, look: Look, params: P, most: int) -> int:  # noqa: ARG002
        """See Kind."""
        found = self._fresh(look, self.holding(look, params)).subquery()
        return look.unit.session.scalar(select(func.count()).select_from(found)) or 0

    def _lasts(self, look: Look, params: P, key: Any) -> ColumnElement[bool]:
        lasting: Any = self.lasting(look, params).where(Device.id == key)
        found: ColumnElement[bool] = lasting.correlate(Alarm, RuleHold).exists()
        return found

    def _fresh(self, look: Look, statement: Select[Any]) -> Select[Any]:
        """Leave out what has an active alarm, or was resolved by hand and is not over."""
        if not look.fresh or not look.rule_id:
            return statement
        known = select(literal(1)).where(
            Alarm.rule_id == look.rule_id,
            Alarm.device_key == Device.id,
            Alarm.subject_kind == "device",
            Alarm.state.in_(ACTIVE_STATES),
        )
        held = select(literal(1)).where(
            RuleHold.rule_id == look.rule_id, RuleHold.device_key == Device.id
        )
        return statement.where(~known.correlate(Device).exists(), ~held.correlate(Device).exists())
