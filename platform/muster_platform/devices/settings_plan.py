"""What a change of a layer would do: how many devices get which keys, and which keep their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, cast, func, select

from muster_platform.access.models import Group
from muster_platform.devices import settings_rules as rules
from muster_platform.devices.models import Device, DeviceSettings
from muster_platform.devices.settings_effective import (
    Layers,
    Place,
    load_layers,
    misfit,
    place_of,
)
from muster_platform.devices.settings_models import SettingsLayer
from muster_platform.devices.settings_walk import members
from muster_platform.unit import Unit

BATCH = 1_000


@dataclass(slots=True)
class KeyPlan:
    """One key of a layer that would change.

    Attributes:
        value: as it would be in the layer; None when it is taken out.
        is_set: it would be in the layer (else taken out: inherited again, or not desired).
        devices: how many would hear another value.
        own: how many have a value of their own and keep it.
        inner: how many keep the value of a group inside.
    """

    key: str
    value: Any
    is_set: bool
    devices: int = 0
    own: int = 0
    inner: int = 0


@dataclass(slots=True)
class LayerPlan:
    """What a change of a layer would do.

    Attributes:
        version: of the layer that the plan was made for: give it as If-Match.
        below: devices under the layer.
        devices: of these, how many would hear something new.
        too_large: how many would have more than a message can carry, and keep what they have.
        keys: by name.
    """

    version: int
    below: int = 0
    devices: int = 0
    too_large: int = 0
    keys: list[KeyPlan] = field(default_factory=list)


def plan(unit: Unit, layer: SettingsLayer, path: str | None, desired: rules.Desired) -> LayerPlan:
    """Plan a change; devices without settings of their own are counted by place, not one by one.

    Args:
        layer: as it is now, not changed here.
        path: of its group; None for a profile's.
        desired: as the layer would be.
    """
    keys = rules.changed(layer.desired, desired)
    made = LayerPlan(layer.version)
    by_key = {key: KeyPlan(key, desired.get(key), key in desired) for key in keys}
    counts = _counts(unit, layer, path)
    layers = load_layers(unit, counts)
    effects = {place: _effect(layers, layer, place, desired) for place in counts}
    owning = dict.fromkeys(counts, 0)
    for place, own in _own(unit, layer, path):
        if place in effects:  # else it came there a moment ago
            owning[place] += 1
            _count(unit, made, by_key, effects[place], own, 1)
    for place, count in counts.items():
        made.below += count
        _count(unit, made, by_key, effects[place], {}, count - owning[place])
    made.keys = list(by_key.values())
    return made


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a change does to the devices of one place that have nothing of their own.

    Attributes:
        keys: that have another value afterwards.
        after: what they inherit then.
        inner: changed keys that a layer further in decides.
    """

    keys: frozenset[str]
    after: rules.Desired
    inner: frozenset[str]


def _effect(layers: Layers, layer: SettingsLayer, place: Place, desired: rules.Desired) -> _Effect:
    below = layers.below(place)
    mine = (layer.profile_id, layer.group_id)
    lower, upper, seen = [], [], False
    for one in below:
        if (one.profile_id, one.group_id) == mine:
            seen = True
        elif seen or _is_inside(one, layer, place):
            upper.append(one.desired)
        else:
            lower.append(one.desired)
    before = rules.merge([*lower, layer.desired, *upper])
    after = rules.merge([*lower, desired, *upper])
    inner = frozenset(key for one in upper for key in one)
    return _Effect(frozenset(rules.changed(before, after)), after, inner)


def _is_inside(one: SettingsLayer, layer: SettingsLayer, place: Place) -> bool:
    """Say whether a layer lies above another one at a place."""
    if layer.group_id is None:
        return True  # the profile's is the lowest
    if one.group_id is None:
        return False
    return place.group_ids.index(one.group_id) > place.group_ids.index(layer.group_id)


def _count(
    unit: Unit,
    made: LayerPlan,
    by_key: Mapping[str, KeyPlan],
    effect: _Effect,
    own: rules.Desired,
    number: int,
) -> None:
    if not number:
        return
    for key, line in by_key.items():
        if key in own:
            line.own += number
        elif key in effect.keys:
            line.devices += number
        elif key in effect.inner:
            line.inner += number
    if not effect.keys - own.keys():
        return
    if misfit(unit.settings, rules.merge((effect.after, own))):
        made.too_large += number
    else:
        made.devices += number


def _counts(unit: Unit, layer: SettingsLayer, path: str | None) -> dict[Place, int]:
    rows = unit.session.execute(
        select(Device.profile_id, Group.path, func.count())
        .join(Group, Group.id == Device.group_id)
        .where(*members(layer, path))
        .group_by(Device.profile_id, Group.path)
    )
    return {place_of(profile_id, inner): count for profile_id, inner, count in rows}


def _own(
    unit: Unit, layer: SettingsLayer, path: str | None
) -> Iterator[tuple[Place, rules.Desired]]:
    """Give the devices that have settings of their own."""
    rows = unit.session.execute(
        select(Device.profile_id, Group.path, DeviceSettings.own)
        .join(Group, Group.id == Device.group_id)
        .join(DeviceSettings, DeviceSettings.device_key == Device.id)
        .where(*members(layer, path), cast(DeviceSettings.own, String) != "{}"),
        execution_options={"yield_per": BATCH},
    )
    for profile_id, inner, own in rows:
        yield place_of(profile_id, inner), own
