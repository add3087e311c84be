"""Panels over jobs and executions: what runs, what waits and why, what failed."""

from muster_platform.access.permissions import Permission
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.jobs.views import JobView
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site.home.panel import DAY_MS, ROWS, Panel
from muster_platform.web.site.views.runs import Run, run
from muster_protocol.states import JobState

HELD = (
    *("device_offline", "device_sleeping", "device_unknown", "device_disabled", "job_paused"),
    *("cancel_unconfirmed", "no_report", "never_heard", "in_progress_silent"),
)
"""Codes of `blocked_by` that somebody may want to act on."""
ACTIVE = (
    JobState.IN_PROGRESS,
    JobState.PAUSED,
    JobState.SCHEDULED,
    JobState.WAITING_FOR_APPROVAL,
)
NEVER = 2**62


def blocked(unit: Unit) -> list[Run]:
    """Give the executions that something holds back."""
    views = ExecutionService(unit).troubles(NEVER, HELD, ROWS)
    return [run(view, unit.now()) for view in views]


def failed(unit: Unit) -> list[Run]:
    """Give the executions that failed in the last day."""
    views = ExecutionService(unit).troubles(unit.now() - DAY_MS, (), ROWS)
    return [run(view, unit.now()) for view in views]


def running(unit: Unit) -> list[JobView]:
    """Give the jobs that have not ended."""
    return JobService(unit).list(JobFilter(states=ACTIVE), PageRequest(ROWS)).items


def recent(unit: Unit) -> list[JobView]:
    """Give the newest jobs."""
    return JobService(unit).list(JobFilter(), PageRequest(ROWS)).items


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    may_read = (Permission.COMMANDS_READ,)
    return [
        Panel(
            name="blocked",
            title="Commands that wait, and why",
            permissions=may_read,
            read=blocked,
            topics="fleet:execution fleet:presence",
        ),
        Panel(
            name="failed",
            title="Commands and updates that failed in 24 hours",
            permissions=may_read,
            read=failed,
            topics="fleet:execution",
        ),
        Panel(
            name="running",
            title="Running jobs",
            permissions=may_read,
            read=running,
            topics="fleet:job fleet:execution",
            more=("All jobs", "jobs.index"),
        ),
        Panel(
            name="recent",
            title="Recent commands",
            permissions=may_read,
            read=recent,
            topics="fleet:job fleet:execution",
            more=("All jobs", "jobs.index"),
        ),
    ]
