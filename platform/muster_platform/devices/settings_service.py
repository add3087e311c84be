"""Desired and reported settings of one device."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from muster_platform.access import audit
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.devices import settings_rules as rules
from muster_platform.devices.find import find_device
from muster_platform.devices.models import Device, DeviceSettings, Profile
from muster_platform.devices.settings_effective import (
    Place,
    bring_up_to_date,
    load_layers,
    misfit,
    place_of,
)
from muster_platform.devices.settings_models import SettingsLayer
from muster_platform.errors import InvalidInput, PreconditionFailed
from muster_platform.unit import Unit
from muster_protocol.states import PresenceState

REACHABLE = frozenset({PresenceState.ONLINE, PresenceState.SUSPECT, PresenceState.UNKNOWN})
"""Presence in which an answer may be expected."""


@dataclass(frozen=True, slots=True)
class SettingsKey:
    """One key of a device's settings.

    Attributes:
        desired: value that the device is told; None when nobody desires it.
        layer: `profile`, `group` or `device`: who says so; "" when nobody does.
        layer_name: of the profile or group; "" where the actor may not read it.
        inherited: value that would hold without the device's own; None without one.
        reported: value in force by the device's word.
        is_desired, is_inherited, is_reported: whether the value beside is one.
        state: see settings_rules.KeyState.
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
    state: rules.KeyState
    since: int | None
    error: str


class SettingsService:
    """Reads settings and says what is desired."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def get(self, device_id: str) -> DeviceSettings:
        """Get what is desired and what is in force.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without settings:read on its group.
        """
        device = find_device(self._unit, device_id, Permission.SETTINGS_READ)
        return self._session.get_one(DeviceSettings, device.id)

    def keys(self, device_id: str) -> list[SettingsKey]:
        """Say of each key what is desired, by whom, what is in force, and how that stands.

        Raises:
            NotFound, PermissionDenied: as `get`.
        """
        device = find_device(self._unit, device_id, Permission.SETTINGS_READ)
        row = self._session.get_one(DeviceSettings, device.id)
        place = place_of(device.profile_id, device.group.path)
        layers = load_layers(self._unit, [place]).below(place)
        inherited = rules.merge(layer.desired for layer in layers)
        sources = self._sources(device, layers)
        found = rules.standings(row.desired, row.version, row.desired_since, _report(device, row))
        return [_key(one, row, inherited, sources) for one in found]

    def set_desired(
        self, device_id: str, desired: object, if_version: int | None = None
    ) -> DeviceSettings:
        """Say what is desired of this device alone, whole; what is left out is inherited.

        The broker keeps it for a device that is away. The same again changes nothing.

        Args:
            if_version: refuse unless this is the present `own_version`.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without settings:write on its group.
            InvalidInput: what no layer may hold, or larger than a payload may be.
            PreconditionFailed: it was changed meanwhile; holds what is there now.
        """
        device, row = self._locked(device_id)
        _expect(device, row, if_version)
        return self._store(device, row, desired)

    def patch(self, device_id: str, patch: object, if_version: int | None = None) -> DeviceSettings:
        """Change some of the device's own keys by a JSON merge patch (RFC 7396).

        null takes a key out, so that it is inherited again.

        Raises:
            NotFound, PermissionDenied, InvalidInput, PreconditionFailed: as `set_desired`.
        """
        if not isinstance(patch, dict):
            raise InvalidInput("a patch of settings is one JSON object", where="desired")
        device, row = self._locked(device_id)
        _expect(device, row, if_version)
        return self._store(device, row, rules.merge_patch(row.own, patch))

    def _locked(self, device_id: str) -> tuple[Device, DeviceSettings]:
        device = find_device(self._unit, device_id, Permission.SETTINGS_WRITE)
        row = self._session.get_one(
            DeviceSettings, device.id, with_for_update=True, populate_existing=True
        )
        return device, row

    def _store(self, device: Device, row: DeviceSettings, desired: object) -> DeviceSettings:
        wanted = rules.check(desired)
        keys = rules.changed(row.own, wanted)
        if not keys:
            return row
        place = place_of(device.profile_id, device.group.path)
        self._require_fit(place, wanted)
        before = {key: row.own[key] for key in keys if key in row.own}
        after = {key: wanted[key] for key in keys if key in wanted}
        row.own, row.own_version = wanted, row.own_version + 1
        self._session.flush()
        bring_up_to_date(self._unit, [device.id])
        audit.record(
            self._unit,
            "settings.set",
            "device",
            device.id,
            device.device_id,
            before=before,
            after=after,
            device_key=device.id,
        )
        return row

    def _require_fit(self, place: Place, own: rules.Desired) -> None:
        inherited = load_layers(self._unit, [place]).inherited(place)
        problem = misfit(self._unit.settings, rules.merge((inherited, own)))
        if problem:
            raise InvalidInput(problem, where="desired")

    def _sources(self, device: Device, layers: list[SettingsLayer]) -> dict[str, tuple[str, str]]:
        """Give {key: (layer, name)} of what is inherited; the topmost layer counts."""
        ids = [layer.group_id for layer in layers if layer.group_id is not None]
        groups = {
            group.id: group
            for group in self._session.scalars(select(Group).where(Group.id.in_(ids)))
        }
        actor = self._unit.actor
        found: dict[str, tuple[str, str]] = {}
        for layer in layers:
            if layer.group_id is None:
                profile: Profile = device.profile
                source = ("profile", profile.title or profile.name)
            else:
                group = groups[layer.group_id]
                readable = actor.may(Permission.GROUPS_READ, group.path)
                source = ("group", group.name if readable else "")
            found |= dict.fromkeys(layer.desired, source)
        return found


def _expect(device: Device, row: DeviceSettings, if_version: int | None) -> None:
    if if_version is not None and if_version != row.own_version:
        raise PreconditionFailed(
            f"the settings of {device.device_id} are at version {row.own_version} by now, not "
            f"{if_version}; read them again",
            version=row.own_version,
            desired=row.own,
        )


def _report(device: Device, row: DeviceSettings) -> rules.Report:
    return rules.Report(
        row.reported,
        row.errors,
        row.applied_version,
        row.reported_since,
        row.reported_at,
        PresenceState(device.presence.state) in REACHABLE,
        device.presence.since,
    )


def _key(
    one: rules.KeyStanding,
    row: DeviceSettings,
    inherited: rules.Desired,
    sources: dict[str, tuple[str, str]],
) -> SettingsKey:
    key = one.key
    layer, name = ("device", "") if key in row.own else sources.get(key, ("", ""))
    return SettingsKey(
        key,
        row.desired.get(key),
        layer if key in row.desired else "",
        name if key in row.desired else "",
        inherited.get(key),
        row.reported.get(key),
        key in row.desired,
        key in inherited,
        key in row.reported,
        one.state,
        one.since,
        one.error,
    )
