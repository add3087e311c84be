"""Deleted devices: listed, restored while their data is there, purged before its time."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Device
from muster_platform.devices.restore import DeletedService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed, PageQuery, Reason
from muster_platform.web.api.device_answers import DeviceAnswer, HomeGroup, device_answer
from muster_platform.web.api.routing import Routes

routes = Routes("Deleted devices")

DELETE = Permission.DEVICES_DELETE


class DeletedQuery(PageQuery, kw_only=True):
    """Which of them: words that all occur in id or display name."""

    search: Annotated[str, Meta(max_length=200)] = ""


class DeletedReason(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class DeletedAnswer(msgspec.Struct, kw_only=True):
    """A deleted device. Times are ms since the epoch.

    Attributes:
        key: internal key; names it, for its id may be taken by another device by now.
        purge_at: when its data goes and it cannot be restored any more.
    """

    key: int
    device_id: str
    display_name: str
    profile: str
    group: HomeGroup
    deleted_at: int | None
    deleted_by: str
    purge_at: int | None


@routes.add("GET", "/deleted-devices", permission=DELETE)
def list_deleted(unit: Unit, query: DeletedQuery) -> Listed[DeletedAnswer]:
    """List deleted devices that can be restored, the latest first."""
    page = DeletedService(unit).list(query.search, query.page())
    return Listed(items=[_answer(device) for device in page.items], next_cursor=page.next_cursor)


@routes.add("POST", "/deleted-devices/{device_key}/restore", permission=DELETE, errors=(Conflict,))
def restore_device(unit: Unit, device_key: int, body: DeletedReason) -> DeviceAnswer:
    """Bring a device back with group, tags, settings and data; it needs a new secret."""
    return device_answer(unit, DeletedService(unit).restore(device_key, body.reason))


@routes.add("POST", "/deleted-devices/{device_key}/purge", permission=DELETE, fresh=True)
def purge_device(unit: Unit, device_key: int, body: DeletedReason) -> None:
    """Have a deleted device's data purged now, in the background."""
    DeletedService(unit).purge(device_key, body.reason)


def _answer(device: Device) -> DeletedAnswer:
    group = device.group
    return DeletedAnswer(
        key=device.id,
        device_id=device.device_id,
        display_name=device.display_name,
        profile=device.profile.name,
        group=HomeGroup(id=group.id, name=group.name, path=group.path),
        deleted_at=device.deleted_at,
        deleted_by=device.deleted_by,
        purge_at=device.purge_at,
    )
