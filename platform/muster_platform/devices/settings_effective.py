"""What is desired of each device: the layers merged, told to the device where that changes.

Layers and places are read under locks of the groups and the profile they belong to (FOR KEY
SHARE, which many may hold); who changes a layer or moves a group holds them alone. So a device
that moves while a layer changes is seen by one of the two.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import or_, select

from muster_platform.access.models import Group
from muster_platform.devices import settings_rules as rules
from muster_platform.devices.events import add_event
from muster_platform.devices.models import Device, DeviceSettings, Profile
from muster_platform.devices.outbound import address, publish
from muster_platform.devices.settings_models import SettingsLayer
from muster_platform.outbox import Live
from muster_platform.settings import Settings as PlatformSettings
from muster_platform.unit import Unit
from muster_protocol import codec
from muster_protocol.channels import Direction
from muster_protocol.limits import PAYLOAD_BYTES
from muster_protocol.messages import Settings

NAMED_KEYS = 5
"""Keys that a line of the timeline names."""


class Place(NamedTuple):
    """What a device inherits from."""

    profile_id: int
    group_ids: tuple[int, ...]
    """From the root of the tree down to its home group."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of some profiles and groups."""

    by_profile: dict[int, SettingsLayer]
    by_group: dict[int, SettingsLayer]

    def below(self, place: Place) -> list[SettingsLayer]:
        """Give the layers that a device there inherits from, the lowest first."""
        chain = [self.by_profile.get(place.profile_id), *map(self.by_group.get, place.group_ids)]
        return [layer for layer in chain if layer is not None]

    def inherited(self, place: Place) -> rules.Desired:
        """Give what a device there inherits."""
        return rules.merge(layer.desired for layer in self.below(place))


def place_of(profile_id: int, path: str) -> Place:
    """Give the place of a device in a group with that path."""
    return Place(profile_id, tuple(int(item) for item in path.split("/") if item))


def load_layers(unit: Unit, places: Iterable[Place]) -> Layers:
    """Read the layers of places."""
    known = set(places)
    profiles = {place.profile_id for place in known}
    groups = {group_id for place in known for group_id in place.group_ids}
    found = unit.session.scalars(
        select(SettingsLayer)
        .where(or_(SettingsLayer.profile_id.in_(profiles), SettingsLayer.group_id.in_(groups)))
        .execution_options(populate_existing=True)
    ).all()
    return Layers(
        {row.profile_id: row for row in found if row.profile_id is not None},
        {row.group_id: row for row in found if row.group_id is not None},
    )


def bring_up_to_date(unit: Unit, keys: Collection[int], *, why: str = "") -> int:
    """Merge the layers of devices anew and tell those whose settings change.

    Args:
        keys: device keys; few enough for one transaction.
        why: ends the line on their timelines; "" writes none (an act's own entry says it).

    Returns:
        How many devices have other settings now.
    """
    places = _hold_places(unit, keys)
    layers = load_layers(unit, places.values())
    inherited = {place: layers.inherited(place) for place in set(places.values())}

    def wanted(row: DeviceSettings) -> rules.Desired:
        return rules.merge((inherited[places[row.device_key]], row.own))

    found = unit.session.scalars(
        select(DeviceSettings).where(DeviceSettings.device_key.in_(places))
    ).all()
    differing = [row.device_key for row in found if _differs(row, wanted(row))]
    if not differing:
        return 0
    # Only what changes is locked, in one order, so that ingest's reports are not in the way.
    locked = unit.session.scalars(
        select(DeviceSettings)
        .where(DeviceSettings.device_key.in_(differing))
        .order_by(DeviceSettings.device_key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    devices = {
        device.id: device
        for device in unit.session.scalars(select(Device).where(Device.id.in_(differing))).unique()
    }
    return sum(_change(unit, devices[row.device_key], row, wanted(row), why) for row in locked)


def _differs(row: DeviceSettings, wanted: rules.Desired) -> bool:
    return bool(row.problem) or bool(rules.changed(row.desired, wanted))


def _hold_places(unit: Unit, keys: Collection[int]) -> dict[int, Place]:
    """Give where devices are, and keep it so until the end of the transaction."""
    statement = (
        select(Device.id, Device.profile_id, Group.path)
        .join(Group, Group.id == Device.group_id)
        .where(Device.id.in_(keys), Device.deleted_at.is_(None))
    )
    held: set[tuple[int, int]] = set()
    while True:
        rows = unit.session.execute(statement).all()
        places = {key: place_of(profile_id, path) for key, profile_id, path in rows}
        needed = {(0, place.profile_id) for place in places.values()}
        needed |= {(1, group_id) for place in places.values() for group_id in place.group_ids}
        if needed <= held:
            return places
        hold(unit, {number for kind, number in needed if kind == 0}, Profile)
        hold(unit, {number for kind, number in needed if kind == 1}, Group)
        held |= needed


def hold(unit: Unit, ids: Collection[int], model: type[Profile] | type[Group]) -> None:
    """Keep layers of these from changing until the end of the transaction."""
    statement = select(model.id).where(model.id.in_(ids)).order_by(model.id)
    unit.session.execute(statement.with_for_update(read=True, key_share=True))


def _change(
    unit: Unit, device: Device, row: DeviceSettings, wanted: rules.Desired, why: str
) -> bool:
    keys = rules.changed(row.desired, wanted)
    row.problem = "" if not keys else misfit(unit.settings, wanted)
    if row.problem or not keys:
        return False
    now = unit.now()
    row.desired_since = rules.stamped(row.desired_since, row.desired, wanted, now)
    row.desired, row.version, row.desired_at = wanted, row.version + 1, now
    tell(unit, device, row)
    if why:
        named = ", ".join(keys[:NAMED_KEYS]) + (", …" if len(keys) > NAMED_KEYS else "")
        summary = f"Desired settings are at version {row.version}: {named} changed {why}"
        add_event(unit, device, "settings", summary, {"keys": keys[:NAMED_KEYS]})
    data = {"version": row.version, "applied_version": row.applied_version}
    unit.outbox.add(Live(f"device:{device.id}", "settings", device.group.path, data))
    return True


def tell(unit: Unit, device: Device, row: DeviceSettings) -> None:
    """Have the broker keep what is desired of a device."""
    topic = address(unit.session, device, Direction.DOWN, "settings")
    publish(unit, topic, payload(row), retain=True)
    row.told_at = unit.now()


def payload(row: DeviceSettings) -> bytes:
    """Write the down/settings of a device."""
    return codec.encode(Settings(version=row.version, desired=row.desired))


def misfit(settings: PlatformSettings, desired: rules.Desired) -> str:
    """Say why no message can carry this, "" when one can."""
    size = len(codec.encode(Settings(version=2**53, desired=desired)))
    most = min(PAYLOAD_BYTES, settings.payload_bytes)
    return "" if size <= most else f"the settings take {size} bytes; at most {most} fit a message"
