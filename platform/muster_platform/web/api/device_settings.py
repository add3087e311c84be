"""Desired and reported settings: of devices, and the layers of groups and profiles."""

from typing import Any

import msgspec

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import DeviceSettings
from muster_platform.devices.settings_layers import LayerService, LayerView
from muster_platform.devices.settings_plan import LayerPlan
from muster_platform.devices.settings_rules import KeyState
from muster_platform.devices.settings_service import SettingsService
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input
from muster_platform.web.api.routing import Routes

routes = Routes("Settings")

READ, WRITE = Permission.SETTINGS_READ, Permission.SETTINGS_WRITE
PROFILE_READ, PROFILE_WRITE = Permission.PROFILES_READ, Permission.PROFILES_WRITE


class SettingsKeyAnswer(msgspec.Struct, kw_only=True):
    """One key of a device's settings.

    Attributes:
        desired: what the device is told; null when nobody desires it (`is_desired`).
        layer: `profile`, `group` or `device`: who says so; empty when nobody does.
        layer_name: of the profile or group; empty where you may not read it.
        inherited: what would hold without the device's own value.
        reported: what is in force by the device's word.
        since: of the state, ms since the epoch.
        error: why the device could not take it.
    """

    key: str
    desired: Any
    layer: str
    layer_name: str
    inherited: Any
    reported: Any
    is_desired: bool
    is_inherited: bool
    is_reported: bool
    state: KeyState
    since: int | None
    error: str


class SettingsAnswer(msgspec.Struct, kw_only=True):
    """What is desired and what the device says is in force. Times are ms since the epoch.

    Attributes:
        own: what is desired of this device alone; the rest is inherited.
        own_version: counts the edits of it; for If-Match.
        desired: profile, groups and own merged: what the device is told.
        version: of that, as the device hears it.
        applied_version: version that the device has answered to.
        errors: {key: why it could not be taken}.
        problem: why this cannot be told to the device; empty when it can.
        keys: how each key stands.
    """

    own: dict[str, Any]
    own_version: int
    version: int
    desired: dict[str, Any]
    desired_at: int | None
    applied_version: int
    reported: dict[str, Any]
    errors: dict[str, Any]
    reported_at: int | None
    problem: str
    keys: list[SettingsKeyAnswer]


class SettingsChange(Input, kw_only=True):
    """What is desired in this layer, whole: a key that is left out is inherited."""

    desired: dict[str, Any]


class SettingsPatch(Input, kw_only=True):
    """A JSON merge patch (RFC 7396) of the same: null takes a key out of this layer."""

    desired: dict[str, Any]


@routes.add("GET", "/devices/{device_id}/settings", permission=READ, etag="own_version")
def get_settings(unit: Unit, device_id: str) -> SettingsAnswer:
    """Get a device's settings: desired, reported, and how each key stands."""
    service = SettingsService(unit)
    return _answer(service, device_id, service.get(device_id))


@routes.add("PUT", "/devices/{device_id}/settings", permission=WRITE, etag="own_version")
def put_settings(
    unit: Unit, device_id: str, body: SettingsChange, if_match: int | None
) -> SettingsAnswer:
    """Say what is desired of this device alone; it hears of it when it is reached."""
    service = SettingsService(unit)
    return _answer(service, device_id, service.set_desired(device_id, body.desired, if_match))


@routes.add("PATCH", "/devices/{device_id}/settings", permission=WRITE, etag="own_version")
def patch_settings(
    unit: Unit, device_id: str, body: SettingsPatch, if_match: int | None
) -> SettingsAnswer:
    """Change some keys of this device alone; null makes a key inherited again."""
    service = SettingsService(unit)
    return _answer(service, device_id, service.patch(device_id, body.desired, if_match))


@routes.add("GET", "/groups/{group_id}/settings", permission=READ, etag="version")
def get_group_settings(unit: Unit, group_id: int) -> LayerView:
    """Get what is desired of all devices in a group and inside it."""
    return LayerService(unit).get(group_id)


@routes.add("PUT", "/groups/{group_id}/settings", permission=WRITE, etag="version")
def put_group_settings(
    unit: Unit, group_id: int, body: SettingsChange, if_match: int | None
) -> LayerView:
    """Say what is desired of all devices in a group and inside it; inner groups win."""
    return LayerService(unit).set_desired(group_id, body.desired, if_match)


@routes.add("PATCH", "/groups/{group_id}/settings", permission=WRITE, etag="version")
def patch_group_settings(
    unit: Unit, group_id: int, body: SettingsPatch, if_match: int | None
) -> LayerView:
    """Change some keys of a group; null takes a key out."""
    return LayerService(unit).patch(group_id, body.desired, if_match)


@routes.add("POST", "/groups/{group_id}/settings/plan", permission=WRITE, writes=False)
def plan_group_settings(unit: Unit, group_id: int, body: SettingsChange) -> LayerPlan:
    """Say how many devices a change would reach, and which keep values of their own."""
    return LayerService(unit).plan(group_id, body.desired)


@routes.add("GET", "/profiles/{name}/settings", permission=PROFILE_READ, etag="version")
def get_profile_settings(unit: Unit, name: str) -> LayerView:
    """Get what is desired of all devices of a profile."""
    return LayerService(unit).get(name)


@routes.add("PUT", "/profiles/{name}/settings", permission=PROFILE_WRITE, etag="version")
def put_profile_settings(
    unit: Unit, name: str, body: SettingsChange, if_match: int | None
) -> LayerView:
    """Say what is desired of all devices of a profile; groups and devices win."""
    return LayerService(unit).set_desired(name, body.desired, if_match)


@routes.add("PATCH", "/profiles/{name}/settings", permission=PROFILE_WRITE, etag="version")
def patch_profile_settings(
    unit: Unit, name: str, body: SettingsPatch, if_match: int | None
) -> LayerView:
    """Change some keys of a profile; null takes a key out."""
    return LayerService(unit).patch(name, body.desired, if_match)


@routes.add("POST", "/profiles/{name}/settings/plan", permission=PROFILE_WRITE, writes=False)
def plan_profile_settings(unit: Unit, name: str, body: SettingsChange) -> LayerPlan:
    """Say how many devices a change would reach, and which keep values of their own."""
    return LayerService(unit).plan(name, body.desired)


def _answer(service: SettingsService, device_id: str, row: DeviceSettings) -> SettingsAnswer:
    keys = [
        msgspec.convert(key, SettingsKeyAnswer, from_attributes=True)
        for key in service.keys(device_id)
    ]
    names = set(SettingsAnswer.__struct_fields__) - {"keys"}
    return SettingsAnswer(keys=keys, **{name: getattr(row, name) for name in names})
