"""What the site's homes and its search box are made of: for pages of others."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.access.preferences import NAMES, VALUE_CHARS, PreferenceService
from muster_platform.devices.inventories import ComponentVersions, InventoryService
from muster_platform.errors import PermissionDenied
from muster_platform.parts.service import PartState
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed
from muster_platform.web.api.routing import Routes
from muster_platform.web.context import platform
from muster_platform.web.find import SIZE, SIZE_MAX, TEXT_CHARS, Hit, find
from muster_platform.web.parts import part_states

routes = Routes("Overview")

Wanted = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS)]
Choice = Annotated[str, Meta(max_length=VALUE_CHARS)]


class FindQuery(Input, kw_only=True):
    """What to look for: part of a name. `limit` is of each kind."""

    text: Wanted
    limit: Annotated[int, Meta(ge=1, le=SIZE_MAX)] = SIZE


class PreferencesAnswer(msgspec.Struct, kw_only=True):
    """One's own choices; "" for what was not chosen."""

    home: str = ""


class PreferencesInput(Input, kw_only=True):
    """What to choose; "" takes a choice back."""

    home: Choice


@routes.add("GET", "/find")
def find_anything(unit: Unit, query: FindQuery) -> Listed[Hit]:
    """Find devices, people, jobs, releases and groups by name, as far as one may see them."""
    return Listed(items=find(unit, query.text, query.limit))


@routes.add("GET", "/versions", permission=Permission.DEVICES_READ)
def list_versions(unit: Unit) -> Listed[ComponentVersions]:
    """Count the devices by profile, component and version, the newest version first."""
    return Listed(items=InventoryService(unit).versions())


@routes.add("GET", "/parts", permission=Permission.SYSTEM_READ)
def list_parts(unit: Unit) -> Listed[PartState]:
    """Say how each part of the platform stands, and since when."""
    return Listed(items=part_states(platform(), unit))


@routes.add("GET", "/preferences")
def get_preferences(unit: Unit) -> PreferencesAnswer:
    """Give one's own choices."""
    return _preferences(unit)


@routes.add("PUT", "/preferences", errors=(PermissionDenied,))
def put_preferences(unit: Unit, body: PreferencesInput) -> PreferencesAnswer:
    """Choose for oneself: `home` is the role whose home comes first."""
    for name in NAMES:
        PreferenceService(unit).choose(name, getattr(body, name))
    unit.session.flush()
    return _preferences(unit)


def _preferences(unit: Unit) -> PreferencesAnswer:
    return PreferencesAnswer(**PreferenceService(unit).all())
