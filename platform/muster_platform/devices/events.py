"""Lines of a device's timeline."""

from typing import Any

from muster_platform.db.text import clean, clean_json
from muster_platform.devices.models import Device, DeviceEvent
from muster_platform.outbox import Live
from muster_platform.unit import Unit

SUMMARY_CHARS = 1_000


def add_event(
    unit: Unit,
    device: Device,
    kind: str,
    summary: str,
    data: dict[str, Any] | None = None,
    *,
    at: int | None = None,
) -> None:
    """Write a line of the timeline and tell open pages.

    Args:
        kind: as in DeviceEvent.
        at: ms since the epoch; now when None.
    """
    moment = unit.now() if at is None else at
    text = clean(summary)[:SUMMARY_CHARS]
    unit.session.add(
        DeviceEvent(
            device_key=device.id, at=moment, kind=kind, summary=text, data=clean_json(data or {})
        )
    )
    line = {"at": moment, "kind": kind, "summary": text}
    unit.outbox.add(Live(f"device:{device.id}", "timeline", device.group.path, line))
