"""Panels over device logs."""

from muster_platform.access.permissions import Permission
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.logs.views import LogView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site.home.panel import DAY_MS, ROWS, Panel
from muster_protocol.messages import Level


def errors(unit: Unit) -> list[LogView]:
    """Give the newest errors in logs."""
    wanted = LogFilter(min_level=Level.ERROR, since=unit.now() - DAY_MS)
    return LogService(unit).search(wanted, PageRequest(ROWS)).items


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    return [
        Panel(
            name="errors",
            title="Latest errors in logs",
            permissions=(Permission.LOGS_READ,),
            read=errors,
            topics="fleet:log",
            more=("Search logs", "logs.index"),
        ),
    ]
