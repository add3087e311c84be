"""Panels over the platform itself: its parts, what the data takes."""

from dataclasses import dataclass

from muster_platform.access.permissions import Permission
from muster_platform.devices.storage import StorageFacts, StorageService
from muster_platform.paging import PageRequest
from muster_platform.parts.service import PartState
from muster_platform.tasks.models import FAILED, LOST, QUEUED, RUNNING, TaskRun
from muster_platform.tasks.service import Schedule, TaskFilter, TaskService
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.parts import part_states
from muster_platform.web.site.home.panel import ROWS, Panel


def parts(unit: Unit) -> list[PartState]:
    """Give every part with its state."""
    return part_states(platform(), unit)


def storage(unit: Unit) -> StorageFacts:
    """Give what the data takes."""
    return StorageService(unit).facts()


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """How the worker fares: what failed or goes on, newest first, and what is late."""

    runs: list[TaskRun]
    late: list[Schedule]
    schedules: int


def tasks(unit: Unit) -> TaskFacts:
    """Give what the worker failed at, what it does now, and what is late."""
    service = TaskService(unit)
    found = [
        run
        for state in (RUNNING, QUEUED, LOST, FAILED)
        for run in service.page(TaskFilter(state=state), PageRequest(ROWS)).items
    ]
    rhythms = service.schedules()
    return TaskFacts(found[:ROWS], [one for one in rhythms if one.late], len(rhythms))


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    may_read = (Permission.SYSTEM_READ,)
    return [
        Panel(
            name="parts",
            title="Health of the platform",
            permissions=may_read,
            read=parts,
            every_s=10,
        ),
        Panel(
            name="tasks",
            title="Tasks",
            permissions=(Permission.TASKS_READ,),
            read=tasks,
            topics="fleet:task",
            every_s=60,
            more=("All tasks", "tasks.index"),
        ),
        Panel(name="storage", title="Storage", permissions=may_read, read=storage, every_s=60),
    ]
