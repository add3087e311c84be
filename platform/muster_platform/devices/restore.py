"""Deleted devices: listed, brought back while their data is there, or purged at once."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from muster_platform.access import audit
from muster_platform.access.narrow import in_permitted_group, require_on
from muster_platform.access.permissions import Permission
from muster_platform.devices.find import live_device
from muster_platform.devices.models import Device
from muster_platform.devices.outbound import republish_settings
from muster_platform.devices.presence import PresenceService
from muster_platform.devices.rows import add_event
from muster_platform.devices.settings_effective import bring_up_to_date
from muster_platform.errors import Conflict, NotFound
from muster_platform.outbox import WAKE_PURGE, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

_NEWEST: Order[Device] = Order(
    "deleted",
    (
        Key(Device.__table__.c.deleted_at, int, lambda device: device.deleted_at or 0),
        Key(Device.__table__.c.id, int, lambda device: device.id),
    ),
    descending=True,
)


class DeletedService:
    """What people do with devices that were deleted and not purged yet."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, search: str, page: PageRequest) -> Page[Device]:
        """List deleted devices that can be restored, the latest first.

        Raises:
            PermissionDenied: without devices:delete on any group.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_DELETE)
        statement = select(Device).where(*self._restorable())
        for word in search.lower().split():
            statement = statement.where(Device.search.contains(word, autoescape=True))
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST, page, most)

    def count(self) -> int:
        """Count what `list` lists without a search."""
        statement = select(func.count(Device.id)).where(*self._restorable())
        return int(self._session.scalar(statement) or 0)

    def get(self, device_key: int) -> Device:
        """Get one by its internal key: several deleted devices may have had the same id.

        Raises:
            NotFound: no such deleted device that the actor may read, or it is purged.
            PermissionDenied: without devices:delete on its group.
        """
        device = self._session.scalar(
            select(Device)
            .where(Device.id == device_key, Device.deleted_at.is_not(None))
            .with_for_update(of=Device)
        )
        if device is None or device.purge_at is None:
            raise NotFound("deleted device", device_key)
        require_on(
            self._unit.actor,
            Permission.DEVICES_DELETE,
            device.group,
            read=Permission.DEVICES_READ,
            kind="deleted device",
            name=device_key,
        )
        return device

    def restore(self, device_key: int, reason: str = "") -> Device:
        """Bring a device back with its group, tags, settings and data; secrets stay revoked.

        A child whose gateway is not there any more comes back as a device of its own.

        Raises:
            NotFound, PermissionDenied: as `get`.
            Conflict: its id is taken meanwhile, or its data is being purged.
        """
        device = self.get(device_key)
        if device.purge_at is not None and device.purge_at <= self._unit.now():
            raise Conflict(f"{device.device_id} is being purged; it is too late", code="purging")
        taken = Conflict(
            f"there is another device {device.device_id} by now; delete that one first",
            code="exists",
        )
        if live_device(self._session, device.device_id) is not None:
            raise taken
        try:
            with self._session.begin_nested():
                device.deleted_at = device.purge_at = None
                device.deleted_by = ""
        except IntegrityError as error:  # registered in this moment
            raise taken from error
        note = "Restored; it needs a new secret"
        if device.gateway_id is not None:
            note = "Restored as a child"
            gateway = self._session.get_one(Device, device.gateway_id)
            if gateway.deleted_at is not None or gateway.gateway_id is not None:
                device.gateway_id = None
                what = "was deleted" if gateway.deleted_at is not None else "is a child itself now"
                note = f"Restored as a device of its own: its gateway {what}"
        self._session.flush()
        self._believe(device)
        bring_up_to_date(self._unit, [device.id])
        republish_settings(self._unit, device)
        add_event(self._unit, device, "enrolment", f"{note} ({self._unit.actor.name})")
        self._note("device.restore", device, reason)
        return device

    def purge(self, device_key: int, reason: str = "") -> Device:
        """Have a deleted device's data purged now, in the background.

        Raises:
            NotFound, PermissionDenied: as `get`.
        """
        device = self.get(device_key)
        device.purge_at = min(device.purge_at or 0, self._unit.now())
        self._unit.outbox.add(Wake(WAKE_PURGE))
        self._note("device.purge", device, reason)
        return device

    def _believe(self, device: Device) -> None:
        """Anything it says brings it back; one that was never heard stays so."""
        presence = PresenceService(self._unit)
        if device.disabled_at is not None:
            presence.disabled(device)
        elif device.presence.heard_at is not None or device.presence.hello_at is not None:
            presence.enabled(device)

    def _restorable(self) -> tuple[ColumnElement[bool], ...]:
        needed = (Permission.DEVICES_READ, Permission.DEVICES_DELETE)
        actor: Any = self._unit.actor
        granted = (in_permitted_group(actor, item, Device.group_id) for item in needed)
        return (Device.deleted_at.is_not(None), Device.purge_at > self._unit.now(), *granted)

    def _note(self, action: str, device: Device, reason: str) -> None:
        audit.record(
            self._unit,
            action,
            "device",
            device.id,
            device.device_id,
            after={"group": device.group.name, "profile": device.profile.name},
            reason=reason,
            device_key=device.id,
        )
