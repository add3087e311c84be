"""Tells people of alarms: whom, and by which mails."""

from muster_platform.access.actor import system_actor
from muster_platform.alerts.calling import call_due
from muster_platform.alerts.telling import waiting, write
from muster_platform.bootstrap import Platform

BATCH = 500
BATCHES = 200
_ACTOR = system_actor("worker")


def tell_alarms(platform: Platform) -> int:
    """Tell people on call of alarms; give how many mails were written."""
    for _ in range(BATCHES):
        with platform.unit(_ACTOR) as unit:
            number = call_due(unit, BATCH)
        if number < BATCH:
            break
    with platform.unit(_ACTOR, write=False) as unit:
        wishes = waiting(unit)
    written = 0
    for wish in wishes:
        with platform.unit(_ACTOR) as unit:
            # Asked again: another worker may have written it meanwhile.
            if wish in waiting(unit):
                written += write(unit, wish) is not None
    return written
