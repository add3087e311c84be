"""Raw messages of a device: an integrator's own, and all of them while somebody looks."""

from dataclasses import dataclass

from sqlalchemy import select

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device
from muster_platform.devices.models import Device
from muster_platform.devices.stream_models import RawMessage
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

CAPTURE_MAX_S = 3_600
"""Longest time of looking: every message of the device is written twice meanwhile."""

_NEWEST: Order[RawMessage] = Order(
    "raw", (Key(RawMessage.__table__.c.id, int, lambda row: row.id),), descending=True
)


@dataclass(frozen=True, slots=True)
class RawFilter:
    """Which messages.

    Attributes:
        channel: first level behind `up/`, such as telemetry; "" for all.
    """

    channel: str = ""


class RawService:
    """Reads raw messages and begins or ends the looking.

    The bytes may hold anything that a device says, so reading takes logs:read on its group.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, device_id: str, wanted: RawFilter, page: PageRequest) -> Page[RawMessage]:
        """List a device's raw messages, newest first.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without logs:read on its group.
            InvalidInput: the cursor does not fit.
        """
        device = find_device(self._unit, device_id, Permission.LOGS_READ)
        statement = select(RawMessage).where(RawMessage.device_key == device.id)
        if wanted.channel:
            part = f"/up/{wanted.channel}"
            statement = statement.where(RawMessage.topic.contains(part, autoescape=True))
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST, page, most)

    def get(self, device_id: str, message_id: int) -> RawMessage:
        """Get one.

        Raises:
            NotFound: no such device that the actor may read, or no such message of it.
            PermissionDenied: without logs:read on its group.
        """
        device = find_device(self._unit, device_id, Permission.LOGS_READ)
        row = self._session.get(RawMessage, message_id)
        if row is None or row.device_key != device.id:
            raise NotFound("raw message", message_id)
        return row

    def capture(self, device_id: str, seconds: int) -> Device:
        """Keep every message of a device as it comes, for a time; 0 ends it.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without devices:write on its group.
            InvalidInput: longer than CAPTURE_MAX_S.
        """
        if not 0 <= seconds <= CAPTURE_MAX_S:
            raise InvalidInput(f"seconds is 0 to {CAPTURE_MAX_S}", where="seconds")
        device = find_device(self._unit, device_id, Permission.DEVICES_WRITE)
        device.capture_until = self._unit.now() + seconds * 1000 if seconds else None
        audit.record(
            self._unit,
            "device.capture",
            "device",
            device.id,
            device.device_id,
            after={"seconds": seconds},
            device_key=device.id,
        )
        self._session.flush()
        return device
