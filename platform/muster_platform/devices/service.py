"""The registry: devices made, found, changed, disabled and deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.groups import group_by_id
from muster_platform.access.models import ROOT_GROUP_ID, Group
from muster_platform.access.narrow import refuse_gain, require_on
from muster_platform.access.permissions import Permission
from muster_platform.devices import removal
from muster_platform.devices.broker_accounts import accounts_changed
from muster_platform.devices.filters import (
    HAS_INDEX,
    DeviceFilter,
    conditions,
    order_of,
    select_devices,
)
from muster_platform.devices.find import find_device
from muster_platform.devices.gateways import find_gateway, refuse_with_children
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device, InventoryItem, Presence
from muster_platform.devices.outbound import disconnect
from muster_platform.devices.presence import PresenceService
from muster_platform.devices.profiles import find_profile
from muster_platform.devices.rows import (
    add_device,
    add_event,
    check_display_name,
    search_text,
)
from muster_platform.devices.settings_effective import bring_up_to_date
from muster_platform.devices.tags import check_tags, replace_tags, tags_of
from muster_platform.paging import Page, PageRequest, fetch_narrow_page, fetch_page
from muster_platform.unit import Unit
from muster_protocol.states import PresenceState


class DeviceService:
    """What people and integrators do with devices."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def register(
        self,
        device_id: str,
        profile: str | int,
        group_id: int | None = None,
        display_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        gateway: str | None = None,
    ) -> Device:
        """Register a device; it has no credential yet.

        Args:
            profile: name or id.
            group_id: its home group; the root of the tree when None.
            gateway: device id of the gateway that speaks for it.

        Raises:
            NotFound: profile, group or gateway is not there, or not for the actor's eyes.
            PermissionDenied: without devices:enrol on the group.
            InvalidInput: names the field that does not fit.
            Conflict: the id is taken, or the gateway is itself a child.
        """
        group = self._enrollable(ROOT_GROUP_ID if group_id is None else group_id)
        device = add_device(
            self._unit,
            device_id,
            find_profile(self._unit, profile),
            group,
            display_name=display_name or "",
            tags=check_tags(tags or {}),
            gateway=None if gateway is None else find_gateway(self._unit, gateway),
        )
        self._note("device.register", device, after=_describe(device))
        add_event(self._unit, device, "enrolment", f"Registered by {self._unit.actor.name}")
        return device

    def get(self, device_id: str) -> Device:
        """Get one.

        Raises:
            NotFound: no such device that the actor may read.
        """
        return find_device(self._unit, device_id)

    def inventory(self, device_id: str) -> Sequence[InventoryItem]:
        """Give the components that it says it has, by name.

        Raises:
            NotFound: no such device that the actor may read.
        """
        device = find_device(self._unit, device_id)
        statement = select(InventoryItem).where(InventoryItem.device_key == device.id)
        return self._session.scalars(statement.order_by(InventoryItem.component)).all()

    def list(self, wanted: DeviceFilter, page: PageRequest) -> Page[Device]:
        """List the devices of a filter that the actor may read.

        Raises:
            PermissionDenied: the actor may read no device at all.
            NotFound: the filter names a group that is not there for the actor.
            InvalidInput: sort or cursor do not fit.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        most = self._unit.settings.page_size_max
        statement = select_devices(self._unit, wanted)
        if wanted.sort in HAS_INDEX:
            return fetch_page(self._session, statement, order_of(wanted), page, most)
        return fetch_narrow_page(self._session, statement, order_of(wanted), page, most)

    def count(self, wanted: DeviceFilter, at_most: int) -> int:
        """Count the devices of a filter that the actor may read, no further than a limit.

        Raises:
            PermissionDenied, NotFound: as `list`.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        found = (
            select(Device.id)
            .join(Presence, Presence.device_key == Device.id)
            .where(*conditions(self._unit, wanted))
            .limit(at_most)
        )
        return self._session.scalar(select(func.count()).select_from(found.subquery())) or 0

    def count_by_presence(self, wanted: DeviceFilter | None = None) -> dict[PresenceState, int]:
        """Count the devices of a filter that the actor may read; every state has a number.

        Raises:
            PermissionDenied, NotFound: as `list`.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        rows = self._session.execute(
            select(Presence.state, func.count())
            .join(Device, Device.id == Presence.device_key)
            .where(*conditions(self._unit, wanted or DeviceFilter()))
            .group_by(Presence.state)
        )
        found = {PresenceState(state): int(count) for state, count in rows}
        return {state: found.get(state, 0) for state in PresenceState}

    def update(
        self,
        device_id: str,
        *,
        display_name: str | None = None,
        group_id: int | None = None,
        tags: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Device:
        """Change what is given.

        Args:
            if_version: refuse unless this is the present version.
            group_id: new home group: needs devices:write there too.
            tags: all of them; those not named are taken away.

        Raises:
            NotFound: no such device or group that the actor may read.
            PermissionDenied: without devices:write on the group (the old and the new one), or
                the actor would gain a permission on the device by moving it.
            PreconditionFailed: it was changed meanwhile.
            InvalidInput: names the field that does not fit.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_WRITE)
        versions.expect(self._session, device, if_version, f"the device {device_id}")
        before = _describe(device)
        if display_name is not None:
            device.display_name = check_display_name(display_name) or device.device_id
            device.search = search_text(device.device_id, device.display_name)
        if group_id is not None and group_id != device.group_id:
            group = self._writable_group(group_id)
            refuse_gain(self._unit.actor, device.group, group)
            device.group = group
        if tags is not None:
            replace_tags(device, check_tags(tags))
        self._session.flush()
        if device.group_id != before["group_id"]:
            bring_up_to_date(self._unit, [device.id], why="by the new group")
        changed = _changes(before, _describe(device))
        if changed:
            versions.bump(self._session, device)
            self._note("device.update", device, *changed)
        return device

    def tag(
        self, device_id: str, add: Mapping[str, str], remove: frozenset[str] = frozenset()
    ) -> Device:
        """Add or change some tags and take others away; the rest stay.

        Raises:
            NotFound, PermissionDenied, InvalidInput: as `update`.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_WRITE)
        kept = {name: value for name, value in tags_of(device).items() if name not in remove}
        return self.update(device_id, tags={**kept, **add})

    def disable(self, device_id: str, *, hooks: DeviceHooks, reason: str = "") -> Device:
        """Lock a device out: no connection, nothing it says counts, until it is enabled.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without devices:write on its group.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_WRITE)
        if device.disabled_at is None:
            device.disabled_at = self._unit.now()
            disconnect(self._unit, device)
            PresenceService(self._unit, hooks).disabled(device)
            self._note("device.disable", device, reason=reason)
        return device

    def enable(self, device_id: str) -> Device:
        """Let a device in again, with the credentials it had.

        Raises:
            NotFound, PermissionDenied: as `disable`.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_WRITE)
        if device.disabled_at is not None:
            device.disabled_at = None
            accounts_changed(self._unit)
            PresenceService(self._unit).enabled(device)
            self._note("device.enable", device)
        return device

    def delete(
        self, device_id: str, *, hooks: DeviceHooks, reason: str = "", purge: bool = False
    ) -> Device:
        """Delete a device: rights to connect, broker session and retained messages go at once.

        Its open executions end as REMOVED (hooks). Its data is kept, hidden, for the setting
        `restore_s`. The same id registered again is another device with another key and inherits
        nothing.

        Args:
            purge: its data goes now, in the background; it cannot be restored.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without devices:delete on its group.
            Conflict: children still speak through it.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_DELETE)
        refuse_with_children(self._unit, device, "delete or move them first")
        self._note("device.delete", device, before=_describe(device), reason=reason)
        kept_ms = 0 if purge else self._unit.settings.restore_s * 1000
        removal.remove(self._unit, device, hooks, purge_at=self._unit.now() + kept_ms)
        return device

    def _enrollable(self, group_id: int) -> Group:
        return require_group(self._unit, group_id, Permission.DEVICES_ENROL)

    def _writable_group(self, group_id: int) -> Group:
        return require_group(self._unit, group_id, Permission.DEVICES_WRITE)

    def _note(
        self,
        action: str,
        device: Device,
        before: object = None,
        after: object = None,
        reason: str = "",
    ) -> None:
        audit.record(
            self._unit,
            action,
            "device",
            device.id,
            device.device_id,
            before=before,
            after=after,
            reason=reason,
            device_key=device.id,
        )


def require_group(unit: Unit, group_id: int, permission: Permission) -> Group:
    """Load a group for putting a device into it.

    Raises:
        NotFound: no such group that the actor may read.
        PermissionDenied: it may read the group, and lacks the permission.
    """
    group = group_by_id(unit.session, group_id)
    require_on(
        unit.actor, permission, group, read=Permission.GROUPS_READ, kind="group", name=group_id
    )
    return group


def _describe(device: Device) -> dict[str, Any]:
    return {
        "display_name": device.display_name,
        "profile": device.profile.name,
        "group": device.group.name,
        "group_id": device.group.id,
        "tags": tags_of(device),
    }


def _changes(
    before: dict[str, Any], after: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    names = [name for name in before if before[name] != after[name]]
    if not names:
        return None
    return {name: before[name] for name in names}, {name: after[name] for name in names}
