"""What the tabs and fragments of a device page show; each part reads for itself."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import request, url_for

from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.bootstrap import TIMELINE
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.devices.timeline import TimelineLine, TimelineService
from muster_platform.errors import InvalidInput
from muster_platform.jobs.executions import ExecutionService
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.logs.views import LogView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.updates.rollouts import RolloutService
from muster_platform.web.site import words
from muster_platform.web.site.views import registry_parts
from muster_platform.web.site.views.device_charts import charts
from muster_platform.web.site.views.runs import pretty, run
from muster_protocol.messages import Level

SHORT = 8
LONG = 50
TAIL_RECORDS = 200
CHARTED = 4
"""Metrics charted at first: those with values in the range that is shown at first."""
CHARTED_MS = 3_600_000
NO_DRAFT = SimpleNamespace(name="", args="", timeout_s="")


class Latest(NamedTuple):
    """A metric's latest value, as text and as what can be charted."""

    name: str
    text: str
    ts: int
    is_chartable: bool
    is_boolean: bool


def overview(unit: Unit, device: Device) -> dict[str, Any]:
    """Telemetry, log, latest commands, latest events."""
    values = latest(unit, device) if _may(unit, Permission.TELEMETRY_READ, device) else None
    since = unit.now() - CHARTED_MS
    chartable = [value.name for value in values or () if value.is_chartable and value.ts >= since]
    return {
        "latest": values,
        "charted": chartable[:CHARTED],
        "commands": None,
        **(commands(unit, device, SHORT) if _may(unit, Permission.COMMANDS_READ, device) else {}),
        **timeline(unit, device, SHORT),
        "older_url": "",
    }


def latest(unit: Unit, device: Device) -> list[Latest]:
    """Give the latest values by name."""
    found = TelemetryService(unit).latest(device.device_id)
    return [
        Latest(
            item.metric,
            value_text(item.value),
            item.ts,
            is_chartable=not isinstance(item.value, str | None),
            is_boolean=isinstance(item.value, bool),
        )
        for item in found
    ]


def value_text(value: Any) -> str:
    """Write a value for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, int | float) else str(value or "")


def commands(unit: Unit, device: Device, size: int = LONG) -> dict[str, Any]:
    """Give the newest executions."""
    page = ExecutionService(unit).of_device(
        device.device_id, PageRequest(size, request.args.get("cursor") or None)
    )
    return {
        "commands": [run(view, unit.now()) for view in page.items],
        "waiting": _waiting(unit, device),
        "older_url": _older(device, "commands", page.next_cursor),
    }


def _waiting(unit: Unit, device: Device) -> Sequence[tuple[str, str, int]]:
    """Give the rollouts in which the device waits for its phase."""
    if not _may(unit, Permission.ROLLOUTS_READ, device):
        return ()
    return RolloutService(unit).waiting_of(device.device_id)


def timeline(unit: Unit, device: Device, size: int = LONG) -> dict[str, Any]:
    """Give the newest lines of the timeline."""
    page = TimelineService(unit, TIMELINE).list(
        device.device_id, PageRequest(size, request.args.get("cursor") or None)
    )
    return {
        "trail": [trail_line(entry) for entry in page.items],
        "older_url": _older(device, "timeline", page.next_cursor),
    }


TRAIL_ICONS = {
    "presence": "activity",
    "hello": "plug-connected",
    "inventory": "clipboard-list",
    "settings": "adjustments",
    "enrolment": "key",
    "credential": "key",
    "app_event": "bolt",
    "clone": "alert-triangle",
    "alarm": "alert-triangle",
    "execution": "terminal-2",
    "audit": "user",
}
TRAIL_TONES = {
    "clone": "warn",
    **{str(state): look.tone for state, look in (words.PRESENCE | words.EXECUTION).items()},
}


def trail_line(line: TimelineLine) -> SimpleNamespace:
    """Prepare a line of the timeline: icon, tone, text."""
    kind = line.kind if line.source == "device" else line.source
    look = words.EXECUTION.get(line.kind)
    return SimpleNamespace(
        source=line.source,
        id=line.id,
        at=line.at,
        icon=look.icon if look else TRAIL_ICONS.get(kind, "info-circle"),
        tone=look.tone if look else TRAIL_TONES.get(str(line.data.get("state")) or kind, ""),
        text=line.summary,
        url=_trail_url(line),
    )


def _trail_url(line: TimelineLine) -> str:
    """Give the address of the job or alarm that a line is about, "" for other lines."""
    if "job_id" in line.data:
        return url_for("jobs.page", job_id=line.data["job_id"])
    if "alarm_id" in line.data:
        return url_for("alarms.page", alarm_id=line.data["alarm_id"])
    return ""


def settings(unit: Unit, device: Device) -> dict[str, Any]:
    """Give desired and reported settings, and how each key stands."""
    service = SettingsService(unit)
    found = service.get(device.device_id)
    return {
        "settings": found,
        "keys": service.keys(device.device_id),
        "draft": pretty(found.own),
        "may_settings": _may(unit, Permission.SETTINGS_WRITE, device),
    }


def inventory(unit: Unit, device: Device) -> dict[str, Any]:
    """Give the installed components."""
    return {"inventory": DeviceService(unit).inventory(device.device_id)}


def status(unit: Unit, device: Device) -> dict[str, Any]:
    """Give how many alarms about the device are open, beside the device itself."""
    return {"open_alarms": open_alarms(unit, device)}


def open_alarms(unit: Unit, device: Device) -> int:
    """Count the open alarms about a device; 0 for whoever may see none there."""
    if not _may(unit, Permission.ALARMS_READ, device):
        return 0
    return sum(AlarmQuery(unit).open_by_severity(device_id=device.device_id).values())


TABS: dict[str, Callable[[Unit, Device], dict[str, Any]]] = {
    "overview": overview,
    "commands": commands,
    "timeline": timeline,
    "settings": settings,
    "inventory": inventory,
    "access": registry_parts.access,
    "children": registry_parts.children,
    "raw": registry_parts.raw,
}


def _fragment_size(read: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def sized(unit: Unit, device: Device) -> dict[str, Any]:
        is_long = "full" in request.args
        shown = read(unit, device, LONG if is_long else SHORT)
        return shown if is_long else shown | {"older_url": ""}

    return sized


FRAGMENTS: dict[str, tuple[str, Callable[..., dict[str, Any]]]] = {
    "status": ("site/device/status.html", status),
    "settings": ("site/device/settings_keys.html", settings),
    "commands": ("site/device/commands.html", _fragment_size(commands)),
    "timeline": ("site/device/trail.html", _fragment_size(timeline)),
}


def history(unit: Unit, device_id: str, metrics: list[str]) -> dict[str, Any]:
    """Give what charts are drawn from, and the latest values.

    Raises:
        InvalidInput: too many metrics at once, or a time that is none.
    """
    values = [
        {"name": item.metric, "text": value_text(item.value), "ts": item.ts}
        for item in TelemetryService(unit).latest(device_id)
    ]
    return {**charts(unit, device_id, metrics), "latest": values}


def log_tail(unit: Unit, device_id: str, level: str, text: str) -> list[dict[str, Any]]:
    """Give the newest records of a device's log, oldest first.

    Raises:
        InvalidInput: no such level.
    """
    wanted = LogFilter(device_id=device_id, min_level=log_level(level), text=text)
    page = LogService(unit).search(wanted, PageRequest(TAIL_RECORDS))
    return [log_record(record) for record in reversed(page.items)]


def log_record(record: LogView) -> dict[str, Any]:
    """Give a record as the tail draws it."""
    failure = None
    if record.exception_type is not None:
        failure = {
            "type": record.exception_type,
            "message": record.exception_message or "",
            "stacktrace": record.stacktrace or "",
        }
    return {
        "id": record.id,
        "ts": record.ts,
        "level": str(record.level),
        "logger": record.logger,
        "message": record.message,
        "exception": failure,
    }


def log_level(text: str) -> Level | None:
    """Read a level, None for "".

    Raises:
        InvalidInput: no such level.
    """
    if not text:
        return None
    try:
        return Level(text)
    except ValueError:
        names = ", ".join(Level)
        raise InvalidInput(f"level is one of {names}, not {text[:20]}", where="level") from None


def _may(unit: Unit, permission: Permission, device: Device) -> bool:
    return unit.actor.may(permission, device.group.path)


def _older(device: Device, tab: str, cursor: str | None) -> str:
    if cursor is None:
        return ""
    return url_for("devices.page", device_id=device.device_id, tab=tab, cursor=cursor)
