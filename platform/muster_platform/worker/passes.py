"""What the tasks do, without Celery: each opens units of work and calls the domain.

Every pass may be lost, doubled, or run beside itself: it reads what is stored, takes bounded
steps, and stops when nothing is left or PASS_STEPS is reached; the next one goes on.
"""

import time
from collections.abc import Callable

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute

from muster_platform.access.actor import system_actor
from muster_platform.access.models import IdempotencyKey, RefreshToken
from muster_platform.bootstrap import DEVICE_HOOKS, Platform
from muster_platform.devices.bulk import run as bulk
from muster_platform.devices.presence import PresenceService
from muster_platform.devices.settings_walk import walk_one
from muster_platform.jobs import sweeps
from muster_platform.jobs.hooks import JobHooks
from muster_platform.unit import Unit

BATCH = 500
"""Rows of one transaction: short ones, so that nobody waits for a sweep."""
PASS_STEPS = 200
PASS_S = 30.0
"""Longest time of a pass that may have much to do: a worker has few threads, and others wait."""
PAUSE_S = 0.02
"""Between two steps of such a pass: whoever waits for SQLite's one writer asks now and then."""
SETTINGS_BATCH = 100
SETTINGS_STEPS = 100
"""Devices of one step of a change of settings, and steps of a pass."""
BULK_BATCH = 100
"""Devices of one step of a bulk change: each costs several statements."""
IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000
TOKEN_KEPT_MS = 7 * 24 * 3600 * 1000
"""A refresh token that has run out is kept for this long, for a look at what happened."""

_ACTOR = system_actor("worker")


def sweep_limits(platform: Platform) -> int:
    """End executions that have passed a limit."""
    return _until_done(platform, lambda unit: sweeps.sweep_limits(unit, BATCH))


def advance_jobs(platform: Platform) -> int:
    """Move every job on that has not ended."""
    changed, after = 0, ""
    for _ in range(PASS_STEPS):
        with platform.unit(_ACTOR, write=False) as unit:
            ids = sweeps.active_jobs(unit, after)
        if not ids:
            break
        with platform.unit(_ACTOR) as unit:
            changed += sweeps.advance_jobs(unit, ids)
        after = ids[-1]
    return changed


def find_forgotten(platform: Platform) -> int:
    """Make due what waits for a device that can be reached."""
    return _until_done(platform, lambda unit: sweeps.find_forgotten(unit, BATCH))


def advance_bulk(platform: Platform) -> int:
    """Take bulk changes of devices on."""
    return for_a_while(
        platform, lambda unit: bulk.advance_one(unit, DEVICE_HOOKS, BULK_BATCH), PASS_S
    )


def bring_settings(platform: Platform) -> int:
    """Bring changed settings of groups and profiles to their devices."""
    total = 0
    for _ in range(SETTINGS_STEPS):
        with platform.unit(_ACTOR) as unit:
            number = walk_one(unit, SETTINGS_BATCH)
        if number is None:
            break
        total += number
        time.sleep(PAUSE_S)
    return total


def sweep_presence(platform: Platform) -> int:
    """Judge the silence of devices."""
    hooks = JobHooks()
    return _until_done(platform, lambda unit: PresenceService(unit, hooks).sweep(BATCH))


def clean_idempotency(platform: Platform) -> int:
    """Forget answers to requests that nobody repeats any more."""
    return _until_done(
        platform,
        lambda unit: _delete(
            unit, IdempotencyKey.created_at, unit.now() - IDEMPOTENCY_KEPT_MS, IdempotencyKey.key
        ),
    )


def clean_tokens(platform: Platform) -> int:
    """Forget refresh tokens that ran out long ago."""
    return _until_done(
        platform,
        lambda unit: _delete(
            unit, RefreshToken.expires_at, unit.now() - TOKEN_KEPT_MS, RefreshToken.jti
        ),
    )


def for_a_while(platform: Platform, step: Callable[[Unit], int], seconds: float) -> int:
    """Take steps until one finds nothing or the time is over; the next pass goes on.

    Returns:
        How much there was.
    """
    total, until = 0, time.monotonic() + seconds
    while True:
        with platform.unit(_ACTOR) as unit:
            number = step(unit)
        total += number
        if not number or time.monotonic() >= until:
            return total
        time.sleep(PAUSE_S)


def _delete(
    unit: Unit, column: InstrumentedAttribute[int], before: int, key: InstrumentedAttribute[str]
) -> int:
    """Delete a batch of rows that are older; give how many."""
    keys = list(unit.session.scalars(select(key).where(column < before).limit(BATCH)))
    if keys:
        statement = delete(key.class_).where(key.in_(keys), column < before)
        unit.session.execute(statement, execution_options={"synchronize_session": False})
    return len(keys)


def _until_done(platform: Platform, step: Callable[[Unit], int]) -> int:
    total = 0
    for _ in range(PASS_STEPS):
        with platform.unit(_ACTOR) as unit:
            number = step(unit)
        total += number
        if number < BATCH:
            break
    return total
