"""The registry's passes: data of deleted devices, requests and uploads that nobody needs."""

from collections.abc import Callable

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import DEVICE_HOOKS, Platform
from muster_platform.devices import approval, importing
from muster_platform.devices.purge import purge_step
from muster_platform.unit import Unit
from muster_platform.worker.passes import PASS_S, for_a_while

ROWS = 2_000
"""Rows of one transaction: ingest must not wait for it."""
STEPS = 2_000
BATCH = 500
_ACTOR = system_actor("worker")


def purge_deleted(platform: Platform) -> int:
    """Delete the data of devices that can be restored no more; the next pass goes on."""
    return for_a_while(platform, lambda unit: purge_step(unit, DEVICE_HOOKS, ROWS), PASS_S)


def expire_requests(platform: Platform) -> int:
    """Give up enrolment requests of devices that do not ask any more."""
    return _in_batches(platform, approval.expire_requests)


def clean_imports(platform: Platform) -> int:
    """Delete uploaded lists of devices that nobody applied."""
    return _in_batches(platform, importing.clean_imports)


def _in_batches(platform: Platform, step: Callable[[Unit, int], int]) -> int:
    total = 0
    for _ in range(STEPS):
        with platform.unit(_ACTOR) as unit:
            count = step(unit, BATCH)
        total += count
        if count < BATCH:
            break
    return total
