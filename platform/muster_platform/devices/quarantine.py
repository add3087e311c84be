"""The quarantine, read: messages that could not be taken, with the bytes as they came."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device, visible
from muster_platform.devices.models import Device
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which messages; None does not narrow.

    Attributes:
        reason: a code, see Quarantined.
    """

    device_id: str | None = None
    reason: str | None = None
    since: int | None = None
    until: int | None = None


_NEWEST: Order[Quarantined] = Order(
    "quarantine", (Key(Quarantined.__table__.c.id, int, lambda row: row.id),), descending=True
)


class QuarantineService:
    """Reads the quarantine.

    The bytes may hold anything that a device says, so it takes logs:read on the device's group;
    a message of an unknown device belongs to no group and takes system:read everywhere.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, wanted: QuarantineFilter, page: PageRequest) -> Page[Quarantined]:
        """List messages, newest first.

        Raises:
            PermissionDenied: the actor may read no part of it.
            NotFound: the filter names a device that the actor may not read.
            InvalidInput: the cursor does not fit.
        """
        actor = self._unit.actor
        if not actor.may(Permission.SYSTEM_READ) and not actor.may_somewhere(Permission.LOGS_READ):
            raise PermissionDenied(Permission.LOGS_READ, "any group")
        statement = select(Quarantined).where(self._readable())
        if wanted.device_id is not None:
            statement = statement.where(self._of(wanted.device_id))
        if wanted.reason is not None:
            statement = statement.where(Quarantined.reason == wanted.reason)
        if wanted.since is not None:
            statement = statement.where(Quarantined.received_at >= wanted.since)
        if wanted.until is not None:
            statement = statement.where(Quarantined.received_at < wanted.until)
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST, page, most)

    def get(self, message_id: int) -> Quarantined:
        """Get one.

        Raises:
            NotFound: no such message that the actor may read.
        """
        row = self._session.scalar(
            select(Quarantined).where(Quarantined.id == message_id, self._readable())
        )
        if row is None:
            raise NotFound("quarantined message", message_id)
        return row

    def _readable(self) -> ColumnElement[bool]:
        keys: Any = select(Device.id).where(visible(self._unit.actor, Permission.LOGS_READ))
        known: ColumnElement[bool] = Quarantined.device_key.in_(keys)
        if self._unit.actor.may(Permission.SYSTEM_READ):
            return or_(known, Quarantined.device_key.is_(None))
        return known

    def _of(self, device_id: str) -> ColumnElement[bool]:
        """Narrow to a device; for an id that nobody has, to what came in its name."""
        if self._unit.actor.may(Permission.SYSTEM_READ):
            return Quarantined.device_id == device_id
        device = find_device(self._unit, device_id, Permission.LOGS_READ)
        return Quarantined.device_key == device.id
