"""Devices: found, registered, changed, locked out, deleted."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tag_names import TagName, TagService
from muster_platform.errors import Conflict, NotFound
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.common import Cursor, DeviceId, Input, Key, Limit, Listed, Reason
from muster_platform.web.api.device_answers import (
    DeviceAnswer,
    PresenceAnswer,
    device_answer,
    device_answers,
    presence_answer,
)
from muster_platform.web.api.device_selection import DeviceSelection, ProfileName
from muster_platform.web.api.routing import Routes
from muster_platform.web.fresh import require_fresh
from muster_protocol.states import PresenceState

routes = Routes("Devices")

TagValue = Annotated[str, Meta(max_length=128)]
Tags = dict[str, TagValue]
DisplayName = Annotated[str, Meta(max_length=128)]

READ = Permission.DEVICES_READ
WRITE = Permission.DEVICES_WRITE


class DeviceQuery(DeviceSelection, kw_only=True):
    """Which devices, and which part of the list."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE

    def page(self) -> PageRequest:
        """Give the part as the service takes it."""
        return PageRequest(self.limit, self.cursor)


class NewDevice(Input, kw_only=True):
    """A device to be registered; it has no credential yet."""

    device_id: DeviceId
    profile: ProfileName
    group_id: Key | None = None
    display_name: DisplayName | None = None
    tags: Tags = {}
    gateway: DeviceId | None = None


class DeviceChange(Input, kw_only=True):
    """What to change; null leaves it. `tags` are all of them, when given."""

    display_name: DisplayName | None = None
    group_id: Key | None = None
    tags: Tags | None = None


class TagChange(Input, kw_only=True):
    """Tags to add or change, and names of tags to take away; the rest stay."""

    add: Tags = {}
    remove: list[Annotated[str, Meta(min_length=1, max_length=64)]] = []


class DeviceReason(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class DeleteQuery(Input, kw_only=True):
    """Why it is done, for the audit log.

    Attributes:
        purge: delete its data now, too; it cannot be restored.
    """

    reason: Reason = ""
    purge: bool = False


class PresenceCounts(msgspec.Struct, kw_only=True):
    """How many devices are in each state of presence."""

    counts: dict[PresenceState, int]


@routes.add("GET", "/devices", permission=READ, errors=(NotFound,))
def list_devices(unit: Unit, query: DeviceQuery) -> Listed[DeviceAnswer]:
    """List the devices of a filter that you may read."""
    page = DeviceService(unit).list(query.filter(), query.page())
    return Listed(items=device_answers(unit, page.items), next_cursor=page.next_cursor)


@routes.add("GET", "/fleet/presence", permission=READ, errors=(NotFound,))
def count_devices(unit: Unit, query: DeviceSelection) -> PresenceCounts:
    """Count the devices of a filter by presence."""
    return PresenceCounts(counts=DeviceService(unit).count_by_presence(query.filter()))


@routes.add(
    "POST",
    "/devices",
    permission=Permission.DEVICES_ENROL,
    status=201,
    errors=(Conflict, NotFound),
    idempotent=True,
)
def register_device(unit: Unit, body: NewDevice) -> DeviceAnswer:
    """Register a device."""
    device = DeviceService(unit).register(
        body.device_id,
        body.profile,
        body.group_id,
        body.display_name,
        body.tags,
        body.gateway,
    )
    return device_answer(unit, device)


@routes.add("GET", "/devices/{device_id}", permission=READ, etag="version")
def get_device(unit: Unit, device_id: str) -> DeviceAnswer:
    """Get a device."""
    return device_answer(unit, DeviceService(unit).get(device_id))


@routes.add("PATCH", "/devices/{device_id}", permission=WRITE, etag="version")
def update_device(
    unit: Unit, device_id: str, body: DeviceChange, if_match: int | None
) -> DeviceAnswer:
    """Change name, home group or tags; a new group needs devices:write there too."""
    device = DeviceService(unit).update(
        device_id,
        display_name=body.display_name,
        group_id=body.group_id,
        tags=body.tags,
        if_version=if_match,
    )
    return device_answer(unit, device)


@routes.add("POST", "/devices/{device_id}/tags", permission=WRITE)
def change_tags(unit: Unit, device_id: str, body: TagChange) -> DeviceAnswer:
    """Add some tags and take others away."""
    device = DeviceService(unit).tag(device_id, body.add, frozenset(body.remove))
    return device_answer(unit, device)


@routes.add("GET", "/tags", permission=READ)
def list_tags(unit: Unit) -> Listed[TagName]:
    """List the names and values of tags of devices that you may read, with how many have them."""
    return Listed(items=TagService(unit).list())


@routes.add("POST", "/devices/{device_id}/disable", permission=WRITE)
def disable_device(unit: Unit, device_id: str, body: DeviceReason) -> DeviceAnswer:
    """Lock a device out at once."""
    device = DeviceService(unit).disable(device_id, hooks=DEVICE_HOOKS, reason=body.reason)
    return device_answer(unit, device)


@routes.add("POST", "/devices/{device_id}/enable", permission=WRITE)
def enable_device(unit: Unit, device_id: str) -> DeviceAnswer:
    """Let a device in again."""
    return device_answer(unit, DeviceService(unit).enable(device_id))


@routes.add(
    "DELETE",
    "/devices/{device_id}",
    permission=Permission.DEVICES_DELETE,
    errors=(Conflict,),
)
def delete_device(unit: Unit, device_id: str, query: DeleteQuery) -> None:
    """Delete a device; it can be restored for a time, unless its data is purged.

    The same id registered again is another device and inherits nothing. Purging asks a person for
    a fresh sign-in, see POST /auth/fresh.
    """
    if query.purge:
        require_fresh()
    DeviceService(unit).delete(
        device_id, hooks=DEVICE_HOOKS, reason=query.reason, purge=query.purge
    )


@routes.add("GET", "/devices/{device_id}/presence", permission=READ)
def get_presence(unit: Unit, device_id: str) -> PresenceAnswer:
    """Get what is believed of a device's connection."""
    return presence_answer(DeviceService(unit).get(device_id))
