"""Desired and reported settings of devices."""

from typing import Any

import msgspec

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import DeviceSettings
from muster_platform.devices.settings_service import SettingsService
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input
from muster_platform.web.api.routing import Routes

routes = Routes("Settings")


class SettingsAnswer(msgspec.Struct, kw_only=True):
    """What is desired and what the device says is in force. Times are ms since the epoch.

    Attributes:
        version: of what is desired; the ETag.
        applied_version: version that the device has taken.
        errors: {key: why it could not be taken}.
    """

    version: int
    desired: dict[str, Any]
    desired_at: int | None
    applied_version: int
    reported: dict[str, Any]
    errors: dict[str, Any]
    reported_at: int | None


class SettingsChange(Input, kw_only=True):
    """What is desired, whole."""

    desired: dict[str, Any]


@routes.add(
    "GET",
    "/devices/{device_id}/settings",
    permission=Permission.SETTINGS_READ,
    etag="version",
)
def get_settings(unit: Unit, device_id: str) -> SettingsAnswer:
    """Get a device's settings."""
    return _answer(SettingsService(unit).get(device_id))


@routes.add(
    "PUT",
    "/devices/{device_id}/settings",
    permission=Permission.SETTINGS_WRITE,
    etag="version",
)
def put_settings(
    unit: Unit, device_id: str, body: SettingsChange, if_match: int | None
) -> SettingsAnswer:
    """Say what is desired; a device that is away hears of it when it is back."""
    return _answer(SettingsService(unit).set_desired(device_id, body.desired, if_match))


def _answer(row: DeviceSettings) -> SettingsAnswer:
    return msgspec.convert(row, SettingsAnswer, from_attributes=True)
