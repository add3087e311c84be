"""Device logs, searched. Following them live runs over signals of kind `log`."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import in_group
from muster_platform.devices.find import find_device, visible
from muster_platform.devices.models import Device
from muster_platform.errors import NotFound
from muster_platform.logs.models import LogRecord
from muster_platform.logs.views import LogView, view_of
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.messages import LEVEL_NUMBER, Level


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records; what is None or empty does not narrow.

    Attributes:
        text: occurs in message, exception type or exception message; case does not matter.
        logger: its name begins so.
        since, until: ms since the epoch by ts; since is included, until is not.
    """

    device_id: str | None = None
    group_id: int | None = None
    min_level: Level | None = None
    text: str = ""
    logger: str = ""
    since: int | None = None
    until: int | None = None
    fingerprint: str | None = None
    oldest_first: bool = False


_COLUMNS = LogRecord.__table__.c
_KEYS: tuple[Key[LogRecord], ...] = (
    Key(_COLUMNS.ts, int, lambda row: row.ts),
    Key(_COLUMNS.id, str, lambda row: row.id),
)
_NEWEST: Order[LogRecord] = Order("ts-", _KEYS, descending=True)
_OLDEST: Order[LogRecord] = Order("ts", _KEYS)


class LogService:
    """Reads the log store in the database."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def search(self, wanted: LogFilter, page: PageRequest) -> Page[LogView]:
        """Search, newest first (or oldest first).

        Raises:
            PermissionDenied: without logs:read on the device's group, or on any group at all.
            NotFound: the filter names a device or group that is not there for the actor.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require_somewhere(Permission.LOGS_READ)
        statement = select(LogRecord).where(*self._conditions(wanted))
        order = _OLDEST if wanted.oldest_first else _NEWEST
        most = self._unit.settings.page_size_max
        found = fetch_page(self._session, statement, order, page, most)
        names = self._names({row.device_key for row in found.items})
        return Page([view_of(row, names[row.device_key]) for row in found.items], found.next_cursor)

    def get(self, record_id: str) -> LogView:
        """Get one.

        Raises:
            NotFound: no such record that the actor may read.
        """
        row = self._session.get(LogRecord, record_id)
        readable = select(Device.device_id).where(visible(self._unit.actor, Permission.LOGS_READ))
        if row is None:
            raise NotFound("log record", record_id)
        name = self._session.scalar(readable.where(Device.id == row.device_key))
        if name is None:
            raise NotFound("log record", record_id)
        return view_of(row, name)

    def _conditions(self, wanted: LogFilter) -> list[ColumnElement[bool]]:
        found = [self._devices(wanted)]
        if wanted.min_level is not None:
            found.append(LogRecord.level >= LEVEL_NUMBER[wanted.min_level])
        if wanted.since is not None:
            found.append(LogRecord.ts >= wanted.since)
        if wanted.until is not None:
            found.append(LogRecord.ts < wanted.until)
        if wanted.fingerprint is not None:
            found.append(LogRecord.fingerprint == wanted.fingerprint)
        if wanted.logger:
            found.append(LogRecord.logger.startswith(wanted.logger, autoescape=True))
        if wanted.text:
            columns = (LogRecord.message, LogRecord.exception_type, LogRecord.exception_message)
            found.append(or_(*(c.icontains(wanted.text, autoescape=True) for c in columns)))
        return found

    def _devices(self, wanted: LogFilter) -> ColumnElement[bool]:
        if wanted.device_id is not None:
            device = find_device(self._unit, wanted.device_id, Permission.LOGS_READ)
            return LogRecord.device_key == device.id
        keys = select(Device.id).where(visible(self._unit.actor, Permission.LOGS_READ))
        if wanted.group_id is not None:
            keys = keys.where(in_group(self._unit, wanted.group_id))
        chosen: Any = keys
        return LogRecord.device_key.in_(chosen)

    def _names(self, keys: set[int]) -> dict[int, str]:
        rows = self._session.execute(select(Device.id, Device.device_id).where(Device.id.in_(keys)))
        return {row.id: row.device_id for row in rows}
