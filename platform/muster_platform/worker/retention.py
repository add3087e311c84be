"""The passes that delete old data and keep telemetry's partitions.

As all passes: bounded steps, each in a transaction of its own; what is lost or left over is done
by the next one.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.db.bulk import is_postgres
from muster_platform.devices import partitions, retention
from muster_platform.devices.retention import Delete, Round
from muster_platform.logs.retention import delete_records
from muster_platform.unit import Unit
from muster_platform.worker.passes import PAUSE_S

log = logging.getLogger(__name__)

PASS_S = 40.0
"""Longest time of one pass: Celery gives a task that takes a minute to another worker."""
NAMES = 500

_ACTOR = system_actor("worker")
_BY_PROFILE: dict[str, Delete] = {
    "telemetry": retention.delete_telemetry,
    "logs": delete_records,
}
_BY_INSTALLATION: dict[str, tuple[str, str, Callable[..., int]]] = {
    "events": ("device_events", "at", retention.delete_first),
    "raw": ("raw_messages", "received_at", retention.delete_older),
    "quarantine": ("quarantine", "received_at", retention.delete_older),
}
"""Kind of data: table, column of time, how its old rows are found."""


def clean_data(platform: Platform) -> int:
    """Delete what is older than wanted; give how many rows."""
    total, until = 0, time.monotonic() + PASS_S
    for kind, delete_rows in _BY_PROFILE.items():
        with platform.unit(_ACTOR, write=False) as unit:
            wanted = retention.rounds(unit, kind)
        total += sum(_round(platform, one, delete_rows, until) for one in wanted)
    for kind in _BY_INSTALLATION:
        total += _older(platform, kind, until)
    return total + _until_done(platform, _names, NAMES, until)


def care_for_partitions(platform: Platform) -> int:
    """Make the coming weeks of telemetry, drop those that nobody wants; give how many changed."""
    with platform.unit(_ACTOR, write=False) as unit:
        connection = unit.session.connection()
        if not is_postgres(connection):
            return 0
        wanted = partitions.missing(connection, unit.now())
        days = retention.longest_days(unit, "telemetry")
        before = retention.border(unit.now(), days) if days else 0
        old = [week for week in partitions.existing(connection) if week.end <= before]
        # A week that would be dropped at once is not made.
        wanted = [week for week in wanted if week.end > before]
    made = sum(_patiently(platform, week, _add) for week in wanted)
    return made + sum(_patiently(platform, week, _drop) for week in old)


def _round(platform: Platform, wanted: Round, delete_rows: Delete, until: float) -> int:
    total = 0
    while time.monotonic() < until:
        with platform.unit(_ACTOR) as unit:
            number, over = retention.step(unit, wanted, delete_rows)
        total += number
        if over:
            break
        _pause(number)
    if total:
        kind = wanted.name.partition(":")[0]
        day = datetime.fromtimestamp(wanted.before / 1000, UTC).date()
        log.info(
            "retention: deleted %s rows of %s of the profile %s before %s",
            *(total, kind, wanted.profile, day),
        )
    return total


def _older(platform: Platform, kind: str, until: float) -> int:
    days: int = getattr(platform.settings, f"{kind}_kept_days")
    if not days:
        return 0
    table, column, delete_rows = _BY_INSTALLATION[kind]

    def step(unit: Unit) -> int:
        before = retention.border(unit.now(), days)
        number = delete_rows(unit.session.connection(), table, column, before, retention.ROWS)
        retention.note(unit, kind, before, number)
        return number

    total = _until_done(platform, step, 1, until)
    if total:
        log.info("retention: deleted %s rows of %s older than %s days", total, kind, days)
    return total


def _names(unit: Unit) -> int:
    return retention.delete_metric_names(unit.session.connection(), NAMES)


def _until_done(platform: Platform, step: Callable[[Unit], int], least: int, until: float) -> int:
    """Repeat a step until it does less than that."""
    total = 0
    while time.monotonic() < until:
        with platform.unit(_ACTOR) as unit:
            number = step(unit)
        total += number
        if number < least:
            break
        _pause(number)
    return total


def _pause(number: int) -> None:
    """Let others write after a step that deleted something."""
    if number:
        time.sleep(PAUSE_S)


def _patiently(
    platform: Platform,
    week: partitions.Partition,
    change: Callable[[Unit, partitions.Partition], bool],
) -> int:
    try:
        with platform.unit(_ACTOR) as unit:
            return int(change(unit, week))
    except OperationalError as error:
        # Somebody holds a lock for long; the next pass tries again.
        log.info("retention: %s has to wait: %s", week.name, str(error).splitlines()[0])
        return 0


def _add(unit: Unit, week: partitions.Partition) -> bool:
    moved = partitions.add(unit.session.connection(), week)
    if moved:
        log.info("retention: made %s, moved %s rows into it", week.name, moved)
    return moved is not None


def _drop(unit: Unit, week: partitions.Partition) -> bool:
    rows = partitions.drop(unit.session.connection(), week)
    retention.note(unit, "telemetry", week.end, rows)
    log.info("retention: dropped %s with about %s values", week.name, rows)
    return True
