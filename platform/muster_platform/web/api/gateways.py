"""Gateways and children: who speaks for whom."""

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Input, Listed, PageQuery, Reason
from muster_platform.web.api.device_answers import DeviceAnswer, device_answer, device_answers
from muster_platform.web.api.routing import Routes

routes = Routes("Gateways")

ENROL = Permission.DEVICES_ENROL


class Attachment(Input, kw_only=True):
    """The gateway that is to speak for a device, and why."""

    gateway: DeviceId
    reason: Reason = ""


class DetachQuery(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


@routes.add("GET", "/devices/{device_id}/children", permission=Permission.DEVICES_READ)
def list_children(unit: Unit, device_id: str, query: PageQuery) -> Listed[DeviceAnswer]:
    """List the children of a gateway that you may read, with their presence."""
    service = DeviceService(unit)
    service.get(device_id)
    page = service.list(DeviceFilter(gateway=device_id), query.page())
    return Listed(items=device_answers(unit, page.items), next_cursor=page.next_cursor)


@routes.add("PUT", "/devices/{device_id}/gateway", permission=ENROL, errors=(Conflict,))
def attach_device(unit: Unit, device_id: str, body: Attachment) -> DeviceAnswer:
    """Make a device the child of a gateway, or move it from another one.

    A device that connected by itself loses its secrets: a child has none.
    """
    device = GatewayService(unit).attach(
        device_id, body.gateway, hooks=DEVICE_HOOKS, reason=body.reason
    )
    return device_answer(unit, device)


@routes.add("DELETE", "/devices/{device_id}/gateway", permission=ENROL, errors=(Conflict,))
def detach_device(unit: Unit, device_id: str, query: DetachQuery) -> DeviceAnswer:
    """Make a child a device of its own; it needs a secret to connect."""
    device = GatewayService(unit).detach(device_id, hooks=DEVICE_HOOKS, reason=query.reason)
    return device_answer(unit, device)
