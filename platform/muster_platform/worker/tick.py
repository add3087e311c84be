"""A task of the schedule that only says: the schedule sends, the queue carries, a worker works."""

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.parts.service import Beat, PartService

EVERY_S = 10.0
_NAME = "schedule"


def tick(platform: Platform) -> int:
    """Show that the schedule, the queue and the worker live; gives 0, for nothing is ever left."""
    with platform.unit(system_actor("worker")) as unit:
        PartService(unit).beat(_NAME, None, [Beat(name=_NAME, detail="Tasks arrive on time")])
    return 0
