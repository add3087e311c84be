"""Settings of profiles and groups: said once, inherited by every device below."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from muster_platform.access import audit
from muster_platform.access.groups import group_by_id
from muster_platform.access.models import Group
from muster_platform.access.narrow import require_on
from muster_platform.access.permissions import Permission
from muster_platform.devices import settings_rules as rules
from muster_platform.devices.models import Device, Profile
from muster_platform.devices.profiles import find_profile
from muster_platform.devices.settings_effective import misfit
from muster_platform.devices.settings_models import SettingsLayer
from muster_platform.devices.settings_plan import LayerPlan, plan
from muster_platform.devices.settings_walk import layer_of_group, layer_of_profile, members, walk
from muster_platform.errors import InvalidInput, PreconditionFailed
from muster_platform.unit import Unit


@dataclass(frozen=True, slots=True)
class InheritedKey:
    """A key that a group inherits from a group around it."""

    key: str
    value: Any
    group: str


@dataclass(frozen=True, slots=True)
class LayerView:
    """A layer as people see it. Times are ms since the epoch.

    Attributes:
        kind: `profile` or `group`.
        name: of the profile or the group.
        version: counts the edits; 0 when nothing was ever said here.
        inherited: what the groups around say, without what this layer says itself.
        devices: how many are below.
        waiting: of these, how many the layer is still to be brought to.
    """

    kind: str
    name: str
    desired: dict[str, Any]
    version: int
    changed_at: int | None
    changed_by: str
    inherited: tuple[InheritedKey, ...]
    devices: int
    waiting: int


class LayerService:
    """Reads and says what is desired of all devices of a profile or a group.

    A target is a group (by its id) or a profile (by its name). Reading takes settings:read on
    the group or profiles:read, changing settings:write or profiles:write.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def get(self, target: int | str) -> LayerView:
        """Get a layer.

        Raises:
            NotFound: no such group that the actor may read, no such profile.
            PermissionDenied: as the class says.
        """
        scope = self._scope(target, write=False)
        return self._view(scope, self._stored(scope))

    def set_desired(
        self, target: int | str, desired: object, if_version: int | None = None
    ) -> LayerView:
        """Say what is desired, whole; devices hear of it by and by. The same changes nothing.

        Args:
            if_version: refuse unless this is the present version.

        Raises:
            NotFound, PermissionDenied: as `get`.
            InvalidInput: what no layer may hold.
            PreconditionFailed: it was changed meanwhile; holds what is there now.
        """
        scope = self._scope(target, write=True)
        layer = self._locked(scope)
        self._expect(scope, layer, if_version)
        return self._store(scope, layer, desired)

    def patch(self, target: int | str, patch: object, if_version: int | None = None) -> LayerView:
        """Change some keys by a JSON merge patch (RFC 7396): null takes a key out.

        Raises:
            NotFound, PermissionDenied, InvalidInput, PreconditionFailed: as `set_desired`.
        """
        if not isinstance(patch, dict):
            raise InvalidInput("a patch of settings is one JSON object", where="desired")
        scope = self._scope(target, write=True)
        layer = self._locked(scope)
        self._expect(scope, layer, if_version)
        return self._store(scope, layer, rules.merge_patch(layer.desired, patch))

    def plan(self, target: int | str, desired: object) -> LayerPlan:
        """Say what `set_desired` would change on which number of devices; changes nothing.

        Raises:
            NotFound, PermissionDenied, InvalidInput: as `set_desired`.
        """
        scope = self._scope(target, write=True)
        stored = self._stored(scope) or _empty(scope)
        return plan(self._unit, stored, _path(scope), self._checked(desired))

    def _scope(self, target: int | str, *, write: bool) -> Group | Profile:
        actor = self._unit.actor
        if isinstance(target, str):
            actor.require(Permission.PROFILES_WRITE if write else Permission.PROFILES_READ)
            return find_profile(self._unit, target)
        group = group_by_id(self._session, target)
        needed = Permission.SETTINGS_WRITE if write else Permission.SETTINGS_READ
        require_on(actor, needed, group, read=Permission.GROUPS_READ, kind="group", name=target)
        return group

    def _stored(self, scope: Group | Profile) -> SettingsLayer | None:
        column = SettingsLayer.group_id if isinstance(scope, Group) else SettingsLayer.profile_id
        return self._session.scalar(select(SettingsLayer).where(column == scope.id))

    def _locked(self, scope: Group | Profile) -> SettingsLayer:
        if isinstance(scope, Group):
            return layer_of_group(self._unit, scope.id)
        return layer_of_profile(self._unit, scope.id)

    def _expect(self, scope: Group | Profile, layer: SettingsLayer, if_version: int | None) -> None:
        if if_version is not None and if_version != layer.version:
            raise PreconditionFailed(
                f"the settings of {scope.name} are at version {layer.version} by now, not "
                f"{if_version}; read them again",
                version=layer.version,
                desired=layer.desired,
            )

    def _checked(self, desired: object) -> rules.Desired:
        wanted = rules.check(desired)
        problem = misfit(self._unit.settings, wanted)
        if problem:
            raise InvalidInput(problem, where="desired")
        return wanted

    def _store(self, scope: Group | Profile, layer: SettingsLayer, desired: object) -> LayerView:
        wanted = self._checked(desired)
        keys = rules.changed(layer.desired, wanted)
        if keys:
            before = {key: layer.desired[key] for key in keys if key in layer.desired}
            after = {key: wanted[key] for key in keys if key in wanted}
            layer.desired, layer.version = wanted, layer.version + 1
            layer.changed_at, layer.changed_by = self._unit.now(), self._unit.actor.name[:254]
            walk(self._unit, layer)
            kind = _kind(scope)
            audit.record(
                self._unit, "settings.set", kind, scope.id, scope.name, before=before, after=after
            )
        return self._view(scope, layer)

    def _view(self, scope: Group | Profile, stored: SettingsLayer | None) -> LayerView:
        layer = stored or _empty(scope)
        below = members(layer, _path(scope))
        count = select(func.count()).select_from(Device).where(*below)
        waiting = 0
        if layer.walk_after is not None:
            waiting = self._session.scalar(count.where(Device.id > layer.walk_after)) or 0
        return LayerView(
            _kind(scope),
            scope.name,
            layer.desired,
            layer.version,
            layer.changed_at,
            layer.changed_by,
            self._around(scope, layer) if isinstance(scope, Group) else (),
            self._session.scalar(count) or 0,
            waiting,
        )

    def _around(self, group: Group, layer: SettingsLayer) -> tuple[InheritedKey, ...]:
        """Give what the groups around a group say; names only of those the actor may read."""
        ids = [int(item) for item in group.path.split("/") if item][:-1]
        rows = self._session.execute(
            select(SettingsLayer, Group)
            .join(Group, Group.id == SettingsLayer.group_id)
            .where(Group.id.in_(ids))
            .order_by(func.length(Group.path))
        )
        found: dict[str, InheritedKey] = {}
        for outer, owner in rows:
            readable = self._unit.actor.may(Permission.GROUPS_READ, owner.path)
            name = owner.name if readable else ""
            found |= {key: InheritedKey(key, value, name) for key, value in outer.desired.items()}
        return tuple(found[key] for key in sorted(found.keys() - layer.desired.keys()))


def _empty(scope: Group | Profile) -> SettingsLayer:
    owner = {"group_id": scope.id} if isinstance(scope, Group) else {"profile_id": scope.id}
    return SettingsLayer(desired={}, version=0, changed_by="", **owner)


def _kind(scope: Group | Profile) -> str:
    return "group" if isinstance(scope, Group) else "profile"


def _path(scope: Group | Profile) -> str | None:
    return scope.path if isinstance(scope, Group) else None
