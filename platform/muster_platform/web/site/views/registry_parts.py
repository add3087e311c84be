"""What the device page's tabs for children and raw messages show, and the deep links of both."""

from types import SimpleNamespace
from typing import Any

from flask import request, url_for

from muster_platform.access.permissions import Permission
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.ledger_view import LedgerService
from muster_platform.devices.models import Device
from muster_platform.devices.raw import RawFilter, RawService
from muster_platform.devices.service import DeviceService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_protocol.channels import CHANNELS, UP

CHILDREN = 100
RAW = 25
SHOWN_BYTES = 4 * 1024
OVERLAPS = (
    ("86400", "old ones work for a day"),
    ("604800", "old ones work for a week"),
    ("3600", "old ones work for an hour"),
    ("0", "old ones end now"),
)
"""How long earlier secrets still work, in seconds, and in words."""


def access(unit: Unit, device: Device) -> dict[str, Any]:
    """Give credentials and the ledger."""
    service = CredentialService(unit)
    rows = service.list(device.device_id)
    return {
        "credentials": rows,
        "sources": service.sources(rows),
        "overlaps": OVERLAPS,
        "secret": "",
        "now": unit.now(),
        "ledger": LedgerService(unit).of(device.device_id).channels,
    }


def children(unit: Unit, device: Device) -> dict[str, Any]:
    """Give the children that a gateway speaks for."""
    page = DeviceService(unit).list(
        DeviceFilter(gateway=device.device_id),
        PageRequest(CHILDREN, request.args.get("cursor") or None),
    )
    return {"children": page.items, "older_url": _older(device, "children", page.next_cursor)}


def raw(unit: Unit, device: Device) -> dict[str, Any]:
    """Give the newest raw messages."""
    channel = request.args.get("channel", "")
    page = RawService(unit).list(
        device.device_id,
        RawFilter(channel),
        PageRequest(RAW, request.args.get("cursor") or None),
    )
    capturing = device.capture_until is not None and device.capture_until > unit.now()
    return {
        "messages": [_message(row) for row in page.items],
        "older_url": _older(device, "raw", page.next_cursor, channel=channel or None),
        "channel": channel,
        "channels": [row.name for row in CHANNELS if row.direction is UP] + ["x"],
        "capture_until": device.capture_until if capturing else None,
        "may_capture": unit.actor.may(Permission.DEVICES_WRITE, device.group.path),
    }


def _message(row: Any) -> SimpleNamespace:
    text, is_hex = payload_text(bytes(row.payload), SHOWN_BYTES)
    return SimpleNamespace(
        id=row.id,
        at=row.received_at,
        topic=row.topic,
        size=len(row.payload),
        text=text,
        is_hex=is_hex,
        is_cut=len(row.payload) > SHOWN_BYTES,
    )


def payload_text(payload: bytes, limit: int) -> tuple[str, bool]:
    """Write bytes as text where they are text, else in hexadecimal (the second says which)."""
    head = payload[:limit]
    try:
        return head.decode("utf-8"), False
    except UnicodeDecodeError as error:
        if len(payload) > limit and error.start > limit - 4:  # a character was cut through
            return head[: error.start].decode("utf-8"), False
        return head.hex(" "), True


def _older(device: Device, tab: str, cursor: str | None, **more: Any) -> str:
    if cursor is None:
        return ""
    return url_for("devices.page", device_id=device.device_id, tab=tab, cursor=cursor, **more)
