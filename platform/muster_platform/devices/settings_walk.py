"""Bringing a layer of settings to all of its devices, in short steps.

A layer goes to its devices in the order of their keys; `SettingsLayer.walk_after` says how far it
has come. A step that is lost is made again by the next pass; one made twice finds nothing to do.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from muster_platform.access.models import Group
from muster_platform.access.narrow import inside
from muster_platform.devices.models import Device, Profile
from muster_platform.devices.settings_effective import bring_up_to_date, hold
from muster_platform.devices.settings_models import SettingsLayer
from muster_platform.outbox import WAKE_SETTINGS, Touched, Wake
from muster_platform.unit import Unit

WALKS_LOOKED_AT = 20
"""Waiting layers of which one is taken: others may be in the hands of another worker."""


def walk(unit: Unit, layer: SettingsLayer) -> None:
    """Have a layer brought to all of its devices, from the beginning."""
    layer.walk_after = 0
    unit.session.flush()
    unit.outbox.add(Wake(WAKE_SETTINGS))


def layer_of_group(unit: Unit, group_id: int) -> SettingsLayer:
    """Give a group's layer for changing it, locked; made when it is not there."""
    unit.session.execute(select(Group.id).where(Group.id == group_id).with_for_update())
    return _layer(unit, SettingsLayer.group_id == group_id, SettingsLayer(group_id=group_id))


def layer_of_profile(unit: Unit, profile_id: int) -> SettingsLayer:
    """Give a profile's layer likewise."""
    unit.session.execute(select(Profile.id).where(Profile.id == profile_id).with_for_update())
    fresh = SettingsLayer(profile_id=profile_id)
    return _layer(unit, SettingsLayer.profile_id == profile_id, fresh)


def _layer(unit: Unit, which: ColumnElement[bool], fresh: SettingsLayer) -> SettingsLayer:
    statement = select(SettingsLayer).where(which).with_for_update()
    found = unit.session.scalar(statement.execution_options(populate_existing=True))
    if found is not None:
        return found
    fresh.desired, fresh.version, fresh.changed_by = {}, 0, ""
    unit.session.add(fresh)
    unit.session.flush()
    return fresh


def members(layer: SettingsLayer, path: str | None) -> list[ColumnElement[bool]]:
    """Give the conditions on Device that it lies under a layer.

    Args:
        path: of the layer's group; None for a profile's layer.
    """
    conditions: list[ColumnElement[bool]] = [Device.deleted_at.is_(None)]
    if layer.profile_id is not None:
        return [*conditions, Device.profile_id == layer.profile_id]
    groups: Any = select(Group.id).where(inside(Group.path, (path or "",)))
    return [*conditions, Device.group_id.in_(groups)]


def walk_one(unit: Unit, limit: int) -> int | None:
    """Bring one layer to its next devices.

    Returns:
        How many devices were looked at; None when no layer waits.
    """
    waiting = unit.session.execute(
        select(SettingsLayer.id, SettingsLayer.profile_id, SettingsLayer.group_id)
        .where(SettingsLayer.walk_after.is_not(None))
        .order_by(SettingsLayer.changed_at, SettingsLayer.id)
        .limit(WALKS_LOOKED_AT)
    ).all()
    for layer_id, profile_id, group_id in waiting:
        # The place before its layer: the order in which those who change a layer lock.
        hold(unit, [profile_id] if profile_id else [], Profile)
        hold(unit, [group_id] if group_id else [], Group)
        layer = unit.session.scalar(
            select(SettingsLayer)
            .where(SettingsLayer.id == layer_id, SettingsLayer.walk_after.is_not(None))
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if layer is not None:
            return _step(unit, layer, limit)
    return None


def _step(unit: Unit, layer: SettingsLayer, limit: int) -> int:
    path, why = _described(unit, layer)
    touched = Touched("settings", str(layer.id), f"Settings {why}", layer.changed_by)
    unit.outbox.touched.append(touched)
    keys: Sequence[int] = unit.session.scalars(
        select(Device.id)
        .where(*members(layer, path), Device.id > (layer.walk_after or 0))
        .order_by(Device.id)
        .limit(limit)
    ).all()
    if keys:
        bring_up_to_date(unit, keys, why=why)
    layer.walk_after = keys[-1] if len(keys) == limit else None
    unit.session.flush()
    return len(keys)


def _described(unit: Unit, layer: SettingsLayer) -> tuple[str | None, str]:
    if layer.profile_id is not None:
        profile = unit.session.get_one(Profile, layer.profile_id)
        return None, f"by the profile {profile.title}"
    group = unit.session.get_one(Group, layer.group_id)
    return group.path, f"by the group {group.name}"


class SettingsGroupHooks:
    """Implements access.groups.GroupHooks: what a group inherits changes where it moves."""

    def on_group_moved(
        self,
        unit: Unit,
        old_path: str,  # noqa: ARG002 - paths have been rewritten already
        new_path: str,
    ) -> None:
        """Bring the new inheritance to the devices of the group and of those inside it."""
        inner = select(Group.id).where(inside(Group.path, (new_path,))).order_by(Group.id)
        unit.session.execute(inner.with_for_update())
        moved = int(new_path.rstrip("/").rsplit("/", 1)[-1])
        walk(unit, layer_of_group(unit, moved))
