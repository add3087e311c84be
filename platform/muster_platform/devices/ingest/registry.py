"""What a device says about itself, applied to the registry inside ingest's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from muster_platform.db.text import clean, clean_json
from muster_platform.devices import presence_rules as rules
from muster_platform.devices.events import add_event
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.ingest.inventory import store_inventory
from muster_platform.devices.models import Credential, Device, DeviceSettings
from muster_platform.devices.presence import PresenceService, belief_of
from muster_platform.devices.settings_effective import tell
from muster_platform.devices.settings_rules import stamped
from muster_platform.errors import Conflict
from muster_platform.outbox import Live
from muster_platform.unit import Unit
from muster_protocol.clocks import believe
from muster_protocol.messages import (
    Event,
    Hello,
    HelloAnswer,
    InventoryReport,
    Presence,
    SettingsReport,
)

TELL_AGAIN_MS = 60_000
"""A device that answers to older settings is told the newest again, this often at most."""

REFUSED = "refused"
"""Reason in the quarantine: the device is disabled."""


def apply_hello(
    unit: Unit, device: Device, message: Hello, received_at: int, hooks: DeviceHooks
) -> HelloAnswer:
    """Take a hello; only the newest session's changes anything but its answer.

    Returns:
        The answer, whose session is the one that counts.

    Raises:
        Conflict: the device is disabled (code `refused`).
    """
    _require_enabled(device)
    presence = PresenceService(unit, hooks)
    install_id = clean(message.install_id)
    hello = rules.Hello(
        message.session,
        received_at,
        new_install=_is_new_install(unit, device, install_id),
    )
    before = belief_of(device.presence)
    newest = rules.is_newest(before, hello)
    if newest or message.session == before.session:
        _describe(unit, device, message, install_id, received_at, hooks)
    after = presence.apply(device, hello)
    if newest:
        add_event(unit, device, "hello", _summary(device, message), _told(message), at=received_at)
        unit.session.flush()
        hooks.on_hello(unit, device.id, [clean(item) for item in message.running])
    settings = unit.session.get(DeviceSettings, device.id)
    return HelloAnswer(
        session=after.session,
        ts=unit.now(),
        settings_version=settings.version if settings else 0,
    )


def apply_presence(
    unit: Unit,
    device: Device,
    message: Presence,
    received_at: int,
    hooks: DeviceHooks,
    *,
    kept: bool = False,
) -> None:
    """Take a presence message or a will; a disabled device's does not count.

    Args:
        kept: it is the broker's retained copy, delivered at subscribing.
    """
    word = rules.Word(
        message.session, message.online, message.reason, received_at, message.until, kept
    )
    PresenceService(unit, hooks).apply(device, word)


def heard(unit: Unit, heard_at: Mapping[int, int], hooks: DeviceHooks) -> None:
    """Note that devices said anything else.

    Args:
        heard_at: newest received_at (ms since the epoch) by device key.
    """
    PresenceService(unit, hooks).heard(heard_at)


def apply_inventory(
    unit: Unit,
    device: Device,
    message: InventoryReport,
    received_at: int,
    hooks: DeviceHooks,
) -> None:
    """Take a whole inventory.

    Raises:
        Conflict: the device is disabled (code `refused`).
    """
    _require_enabled(device)
    store_inventory(unit, device, message.inventory, received_at, hooks)


def apply_settings_report(
    unit: Unit, device: Device, message: SettingsReport, received_at: int
) -> None:
    """Take what the device has in force.

    Raises:
        Conflict: the device is disabled (code `refused`).
    """
    _require_enabled(device)
    row = unit.session.get_one(DeviceSettings, device.id, with_for_update=True)
    errors, reported = clean_json(message.errors), clean_json(message.reported)
    news = (row.applied_version, row.errors) != (message.version, errors)
    row.reported_since = stamped(
        row.reported_since, _said(row.reported, row.errors), _said(reported, errors), received_at
    )
    row.applied_version = message.version
    row.reported = reported
    row.errors = errors
    row.reported_at = received_at
    if news:
        failed = f", {len(errors)} not taken" if errors else ""
        summary = f"Settings version {message.version} in force{failed}"
        add_event(unit, device, "settings", summary, {"errors": errors}, at=received_at)
    data = {"applied_version": message.version, "errors": errors}
    unit.outbox.add(Live(f"device:{device.id}", "settings", device.group.path, data))
    if message.version < row.version and (row.told_at or 0) < unit.now() - TELL_AGAIN_MS:
        # It has older settings than the newest: what the broker keeps may be older, too.
        tell(unit, device, row)


def _said(reported: Mapping[str, Any], errors: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a device says of each key: its value and its error."""
    keys = reported.keys() | errors.keys()
    return {key: [key in reported, reported.get(key), errors.get(key)] for key in keys}


def apply_event(unit: Unit, device: Device, message: Event, received_at: int) -> None:
    """Take an app's event.

    Raises:
        Conflict: the device is disabled (code `refused`).
    """
    _require_enabled(device)
    stamp = believe(message.ts, received_at)
    data = {"data": message.data, "ts_device": message.ts, "clamped": stamp.clamped}
    add_event(unit, device, "app_event", message.name, data, at=stamp.ts)


def _require_enabled(device: Device) -> None:
    if device.disabled_at is not None:
        raise Conflict(f"{device.device_id} is disabled: what it says is not taken", code=REFUSED)


def _is_new_install(unit: Unit, device: Device, install_id: str) -> bool:
    """Say whether the installation is the one that enrolled last and never said hello before."""
    if install_id in (device.install_id, device.previous_install_id):
        return False
    enrolled = unit.session.scalar(
        select(Credential.install_id)
        .where(Credential.device_key == device.id, Credential.install_id.is_not(None))
        .order_by(Credential.created_at.desc(), Credential.id.desc())
        .limit(1)
    )
    return enrolled == install_id


def _describe(
    unit: Unit,
    device: Device,
    message: Hello,
    install_id: str,
    received_at: int,
    hooks: DeviceHooks,
) -> None:
    _note_install(unit, device, install_id)
    device.plain = False
    device.agent = clean(f"{message.agent.name} {message.agent.version}")
    device.capabilities = clean_json(message.capabilities)
    device.attributes = clean_json(message.attributes)
    if message.inventory:
        store_inventory(unit, device, message.inventory, received_at, hooks)


def _note_install(unit: Unit, device: Device, install_id: str) -> None:
    if install_id == device.install_id:
        return
    if device.install_id is not None:
        if install_id == device.previous_install_id and device.cloned_at is None:
            device.cloned_at = unit.now()
            add_event(
                unit,
                device,
                "clone",
                "Two installations use this identity in turn: it may be cloned",
                {"install_ids": [device.install_id, install_id]},
            )
        device.previous_install_id = device.install_id
    device.install_id = install_id


def _summary(device: Device, message: Hello) -> str:
    text = f"Hello from {message.agent.name} {message.agent.version}"
    if message.profile != device.profile.name:
        text += f"; it says its profile is {message.profile}, registered is {device.profile.name}"
    return text


def _told(message: Hello) -> dict[str, object]:
    return {
        "session": message.session,
        "install_id": message.install_id,
        "boot": message.boot,
        "profile": message.profile,
    }
