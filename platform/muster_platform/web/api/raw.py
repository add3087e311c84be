"""Raw messages of a device, and looking at all of them for a time."""

import base64
from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.raw import CAPTURE_MAX_S, RawFilter, RawService
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed, PageQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Raw messages")


class RawQuery(PageQuery, kw_only=True):
    """Which messages: of one channel, such as `telemetry` or `x`."""

    channel: Annotated[str, Meta(max_length=64)] = ""


class RawLine(msgspec.Struct, kw_only=True):
    """A message as it came; the payload's bytes in base64. Times are ms since the epoch."""

    id: int
    received_at: int
    topic: str
    size: int
    payload_base64: str


class Capture(Input, kw_only=True):
    """For how long every message is kept as it comes; 0 ends it."""

    seconds: Annotated[int, Meta(ge=0, le=CAPTURE_MAX_S)] = 900


class CaptureAnswer(msgspec.Struct, kw_only=True):
    """Until when (ms since the epoch) every message is kept; null: it is not."""

    capture_until: int | None


@routes.add("GET", "/devices/{device_id}/raw", permission=Permission.LOGS_READ)
def list_raw(unit: Unit, device_id: str, query: RawQuery) -> Listed[RawLine]:
    """List raw messages of a device, newest first.

    Those on an integrator's own channels are always there; the others while they are captured.
    """
    page = RawService(unit).list(device_id, RawFilter(query.channel), query.page())
    items = [
        RawLine(
            id=row.id,
            received_at=row.received_at,
            topic=row.topic,
            size=len(row.payload),
            payload_base64=base64.b64encode(row.payload).decode("ascii"),
        )
        for row in page.items
    ]
    return Listed(items=items, next_cursor=page.next_cursor)


@routes.add("POST", "/devices/{device_id}/capture", permission=Permission.DEVICES_WRITE)
def capture_messages(unit: Unit, device_id: str, body: Capture) -> CaptureAnswer:
    """Keep every message of a device as it comes, for a time."""
    device = RawService(unit).capture(device_id, body.seconds)
    return CaptureAnswer(capture_until=device.capture_until)
