"""One timeline per device: what it said, what people did to it, what jobs did with it.

Each source gives its newest lines older than the cursor; they are merged and cut. So a page costs
one indexed query a source, however long the history is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, select

from muster_platform.access.audit_words import sentence
from muster_platform.access.models import AuditEntry
from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device
from muster_platform.devices.models import Device, DeviceEvent
from muster_platform.paging import Page, PageRequest, decode_cursor, encode_cursor
from muster_platform.unit import Unit

_ORDER = "timeline"
_EVENTS = "device"
_AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line.

    Attributes:
        at: ms since the epoch.
        source: device, audit, or a provider's name.
        id: counts up within the source.
        kind: presence, hello, inventory, settings, enrolment, app_event, clone, credential;
            audit: the action; a provider's own.
        actor: who did it; "" for the device itself.
    """

    at: int
    source: str
    id: int
    kind: str
    summary: str
    actor: str
    data: dict[str, Any]

    @property
    def key(self) -> tuple[int, str, int]:
        """Give what lines are ordered by."""
        return self.at, self.source, self.id


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: behind the line of this key."""

    at: int
    source: str
    id: int

    def condition(
        self, source: str, at: ColumnElement[int], row_id: ColumnElement[int]
    ) -> ColumnElement[bool]:
        """Give the condition for a source's rows behind it.

        Args:
            source: name of the source.
            at: column of the time.
            row_id: column of the id.
        """
        if source > self.source:
            return at < self.at
        if source < self.source:
            return at <= self.at
        return (at < self.at) | ((at == self.at) & (row_id < self.id))


class TimelineProvider(Protocol):
    """A source of lines from a folder above this one (jobs; later alarms)."""

    name: str

    def lines(
        self, unit: Unit, device: Device, before: Before | None, limit: int
    ) -> Iterable[TimelineLine]:
        """Give at most `limit` lines behind `before`, newest first (at, then id, descending).

        The actor may read the device; what else its lines need the provider checks itself, and
        gives none where the actor may not see them.
        """
        ...


class TimelineService:
    """Reads timelines."""

    def __init__(self, unit: Unit, providers: Sequence[TimelineProvider] = ()) -> None:
        self._unit = unit
        self._providers = providers

    def list(self, device_id: str, page: PageRequest) -> Page[TimelineLine]:
        """List a device's timeline, newest first.

        Raises:
            NotFound: no such device that the actor may read.
            InvalidInput: the cursor does not fit.
        """
        device = find_device(self._unit, device_id)
        before = _before(page.cursor)
        size = min(page.size, self._unit.settings.page_size_max)
        lines = [*self._events(device, before, size + 1), *self._acts(device, before, size + 1)]
        for provider in self._providers:
            lines += provider.lines(self._unit, device, before, size + 1)
        lines.sort(key=lambda line: line.key, reverse=True)
        if len(lines) <= size:
            return Page(lines)
        return Page(lines[:size], encode_cursor(_ORDER, lines[size - 1].key))

    def _events(self, device: Device, before: Before | None, limit: int) -> Sequence[TimelineLine]:
        table = DeviceEvent.__table__.c
        statement = select(DeviceEvent).where(DeviceEvent.device_key == device.id)
        if before is not None:
            statement = statement.where(before.condition(_EVENTS, table.at, table.id))
        statement = statement.order_by(table.at.desc(), table.id.desc()).limit(limit)
        return [
            TimelineLine(row.at, _EVENTS, row.id, row.kind, row.summary, "", row.data)
            for row in self._unit.session.scalars(statement)
        ]

    def _acts(self, device: Device, before: Before | None, limit: int) -> Sequence[TimelineLine]:
        """Who may read the device sees who did what; before and after need audit:read."""
        table = AuditEntry.__table__.c
        statement = select(AuditEntry).where(AuditEntry.device_key == device.id)
        if before is not None:
            statement = statement.where(before.condition(_AUDIT, table.at, table.id))
        statement = statement.order_by(table.at.desc(), table.id.desc()).limit(limit)
        whole = self._unit.actor.may(Permission.AUDIT_READ)
        return [_act(row, whole=whole) for row in self._unit.session.scalars(statement)]


def _act(row: AuditEntry, *, whole: bool) -> TimelineLine:
    summary = sentence(row.actor_name, row.action)
    if row.reason:
        summary += f": {row.reason}"
    data = {"before": row.before, "after": row.after} if whole else {}
    return TimelineLine(row.at, _AUDIT, row.id, row.action, summary, row.actor_name, data)


def _before(cursor: str | None) -> Before | None:
    return None if cursor is None else Before(*decode_cursor(cursor, _ORDER, (int, str, int)))
