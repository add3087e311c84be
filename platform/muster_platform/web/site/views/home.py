"""The operator's home: the fleet's state, problems first."""

from collections.abc import Callable
from typing import Any

from flask_admin import AdminIndexView, expose

from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.logs.views import LogView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.views.runs import Run, run
from muster_protocol.messages import Level
from muster_protocol.states import PresenceState

ROWS = 8
RECENT_MS = 24 * 3600 * 1000
HELD = (
    *("device_offline", "device_sleeping", "device_unknown", "device_disabled", "job_paused"),
    *("cancel_unconfirmed", "no_report", "in_progress_silent"),
)
"""Codes of `blocked_by` that somebody may want to act on."""


def fleet(unit: Unit) -> dict[str, int]:
    """Count devices by presence."""
    counts = DeviceService(unit).count_by_presence(DeviceFilter(disabled=False))
    return {str(state): count for state, count in counts.items()}


def problems(unit: Unit) -> list[Device]:
    """Give the devices that are offline or suspect, the latest first."""
    wanted = DeviceFilter(
        presence=frozenset({PresenceState.OFFLINE, PresenceState.SUSPECT}),
        disabled=False,
        sort="since",
        descending=True,
    )
    return DeviceService(unit).list(wanted, PageRequest(ROWS)).items


def troubles(unit: Unit) -> list[Run]:
    """Give the executions that failed in the last day or that something holds back."""
    views = ExecutionService(unit).troubles(unit.now() - RECENT_MS, HELD, ROWS)
    return [run(view, unit.now()) for view in views]


def jobs(unit: Unit) -> list[Any]:
    """Give the newest jobs."""
    return JobService(unit).list(JobFilter(), PageRequest(ROWS)).items


def errors(unit: Unit) -> list[LogView]:
    """Give the newest errors in logs."""
    wanted = LogFilter(min_level=Level.ERROR, since=unit.now() - RECENT_MS)
    return LogService(unit).search(wanted, PageRequest(ROWS)).items


PARTS: dict[str, tuple[Permission, Callable[[Unit], Any]]] = {
    "fleet": (Permission.DEVICES_READ, fleet),
    "problems": (Permission.DEVICES_READ, problems),
    "troubles": (Permission.COMMANDS_READ, troubles),
    "jobs": (Permission.COMMANDS_READ, jobs),
    "errors": (Permission.LOGS_READ, errors),
}
"""Part of the page -> the permission that it needs somewhere, and what it shows."""


class Home(gate.SiteView, AdminIndexView):
    """Where everybody begins."""

    @expose("/")
    def index(self) -> str:
        """Show the parts that the person may see."""
        with gate.reading() as unit:
            shown = {
                name: read(unit) if unit.actor.may_somewhere(permission) else None
                for name, (permission, read) in PARTS.items()
            }
        return self.render("site/home.html", **shown)

    @expose("/part/<piece>")
    def part(self, piece: str) -> str:
        """Draw one part again."""
        if piece not in PARTS:
            raise NotFound("part of the page", piece)
        permission, read = PARTS[piece]
        with gate.reading() as unit:
            unit.actor.require_somewhere(permission)
            return self.render(f"site/home/{piece}.html", **{piece: read(unit)})
