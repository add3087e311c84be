"""Desired and reported settings of devices."""

from typing import Any

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean_json
from muster_platform.devices.find import find_device
from muster_platform.devices.models import Device, DeviceSettings
from muster_platform.devices.outbound import address, publish
from muster_platform.errors import InvalidInput, PreconditionFailed
from muster_platform.outbox import Live
from muster_platform.unit import Unit
from muster_protocol import codec
from muster_protocol.channels import Direction
from muster_protocol.limits import PAYLOAD_BYTES
from muster_protocol.messages import Settings


class SettingsService:
    """Reads settings and says what is desired."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def get(self, device_id: str) -> DeviceSettings:
        """Get what is desired and what is in force.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without settings:read on its group.
        """
        device = find_device(self._unit, device_id, Permission.SETTINGS_READ)
        return self._unit.session.get_one(DeviceSettings, device.id)

    def set_desired(
        self, device_id: str, desired: dict[str, Any], if_version: int | None = None
    ) -> DeviceSettings:
        """Say what is desired, whole; the broker keeps it for a device that is away.

        The same again changes nothing.

        Args:
            if_version: refuse unless this is the present version of what is desired.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without settings:write on its group.
            InvalidInput: not an object, or larger than a payload may be.
            PreconditionFailed: it was changed meanwhile.
        """
        device = find_device(self._unit, device_id, Permission.SETTINGS_WRITE)
        row = self._unit.session.get_one(
            DeviceSettings, device.id, with_for_update=True, populate_existing=True
        )
        if if_version is not None and if_version != row.version:
            raise PreconditionFailed(
                f"the settings of {device_id} are at version {row.version} by now, not "
                f"{if_version}; read them again",
                version=row.version,
            )
        wanted = _checked(desired)
        if row.version and row.desired == wanted:
            return row
        before = row.desired
        row.desired, row.version, row.desired_at = wanted, row.version + 1, self._unit.now()
        self._publish(device, row)
        audit.record(
            self._unit,
            "settings.set",
            "device",
            device.id,
            device.device_id,
            before=before,
            after=wanted,
            device_key=device.id,
        )
        data = {"version": row.version, "applied_version": row.applied_version}
        topic = f"device:{device.id}"
        self._unit.outbox.add(Live(topic, "settings", device.group.path, data))
        return row

    def _publish(self, device: Device, row: DeviceSettings) -> None:
        payload = codec.encode(Settings(version=row.version, desired=row.desired))
        if len(payload) > PAYLOAD_BYTES:
            raise InvalidInput(
                f"the settings take {len(payload)} bytes; at most {PAYLOAD_BYTES} fit a message",
                where="desired",
            )
        topic = address(self._unit.session, device, Direction.DOWN, "settings")
        publish(self._unit, topic, payload, retain=True)


def _checked(desired: object) -> dict[str, Any]:
    if not isinstance(desired, dict) or not all(isinstance(key, str) for key in desired):
        raise InvalidInput("desired settings are one JSON object", where="desired")
    cleaned: dict[str, Any] = clean_json(desired)
    return cleaned
