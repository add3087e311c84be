"""How a device is shown."""

from typing import Any

import msgspec
from sqlalchemy import select

from muster_platform.devices.models import Device
from muster_platform.devices.tags import tags_of
from muster_platform.unit import Unit


class PresenceAnswer(msgspec.Struct, kw_only=True):
    """What is believed of a device's connection. Times are ms since the epoch.

    Attributes:
        since: when this state began.
        until: end of an announced sleep.
        heard_at: last message of any kind.
    """

    state: str
    reason: str
    since: int
    until: int | None
    heard_at: int | None
    hello_at: int | None


class HomeGroup(msgspec.Struct, kw_only=True):
    """The group that a device belongs to."""

    id: int
    name: str
    path: str


class DeviceAnswer(msgspec.Struct, kw_only=True):
    """A device. Times are ms since the epoch.

    Attributes:
        key: internal, of this device alone even if its id is used again; names live topics.
        plain: it never said hello.
        cloned_at: two installations were seen speaking in turn.
        version: counts the edits of people; for If-Match.
    """

    device_id: str
    key: int
    display_name: str
    profile: str
    group: HomeGroup
    gateway: str | None
    tags: dict[str, str]
    plain: bool
    agent: str
    capabilities: list[Any]
    attributes: dict[str, Any]
    presence: PresenceAnswer
    created_at: int
    enrolled_at: int | None
    disabled_at: int | None
    cloned_at: int | None
    version: int


def device_answer(unit: Unit, device: Device) -> DeviceAnswer:
    """Show a device."""
    return device_answers(unit, [device])[0]


def device_answers(unit: Unit, devices: list[Device]) -> list[DeviceAnswer]:
    """Show devices; their gateways' ids are read at once."""
    gateways = _gateways(unit, devices)
    return [_answer(device, gateways) for device in devices]


def _gateways(unit: Unit, devices: list[Device]) -> dict[int, str]:
    keys = {device.gateway_id for device in devices if device.gateway_id is not None}
    if not keys:
        return {}
    rows = unit.session.execute(select(Device.id, Device.device_id).where(Device.id.in_(keys)))
    return {row.id: row.device_id for row in rows}


def _answer(device: Device, gateways: dict[int, str]) -> DeviceAnswer:
    return DeviceAnswer(
        device_id=device.device_id,
        key=device.id,
        display_name=device.display_name,
        profile=device.profile.name,
        group=HomeGroup(id=device.group.id, name=device.group.name, path=device.group.path),
        gateway=gateways.get(device.gateway_id) if device.gateway_id is not None else None,
        tags=tags_of(device),
        plain=device.plain,
        agent=device.agent,
        capabilities=device.capabilities,
        attributes=device.attributes,
        presence=presence_answer(device),
        created_at=device.created_at,
        enrolled_at=device.enrolled_at,
        disabled_at=device.disabled_at,
        cloned_at=device.cloned_at,
        version=device.version,
    )


def presence_answer(device: Device) -> PresenceAnswer:
    """Show a device's presence."""
    return msgspec.convert(device.presence, PresenceAnswer, from_attributes=True)
