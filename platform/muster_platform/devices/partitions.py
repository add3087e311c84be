"""Partitions of telemetry on PostgreSQL: one a week, so that old data goes by dropping a table.

A week is [Monday, next Monday) in UTC. What falls into no week's partition is in the default
partition and is deleted row by row. All this takes locks that everybody waits for, so each step
waits for its own locks only a moment, and otherwise leaves it to the next pass.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

DAY_MS = 24 * 3600 * 1000
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS
"""1970-01-05."""
WEEKS_BEFORE = 5
"""A device's clock is believed for 30 days back."""
WEEKS_AHEAD = 2
MOVED_ROWS_MAX = 1_000_000
"""More rows of a week in the default partition than this stay there: moving them would lock ingest
out for too long."""
LOCK_TIMEOUT_MS = 2_000

_BOUNDS = re.compile(r"FROM \('?(-?\d+)'?\) TO \('?(-?\d+)'?\)")


class Partition(NamedTuple):
    """A partition and its time [start, end), ms since the epoch."""

    name: str
    start: int
    end: int


def week_of(ts: int) -> Partition:
    """Give the partition that a time belongs to."""
    start = (ts - FIRST_MONDAY_MS) // WEEK_MS * WEEK_MS + FIRST_MONDAY_MS
    day = datetime.fromtimestamp(start / 1000, UTC)
    return Partition(f"telemetry_w{day:%Y%m%d}", start, start + WEEK_MS)


def existing(connection: Connection) -> list[Partition]:
    """Give the weeks that there are, oldest first."""
    rows = connection.execute(
        text(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
            " JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = CAST('telemetry' AS regclass)"
        )
    )
    found = [(name, _BOUNDS.search(bounds or "")) for name, bounds in rows]
    weeks = [Partition(name, int(at[1]), int(at[2])) for name, at in found if at]
    return sorted(weeks, key=lambda week: week.start)


def missing(connection: Connection, now: int) -> list[Partition]:
    """Give the weeks around now that have no partition yet; the coming ones first."""
    there = existing(connection)
    weeks = [week_of(now + n * WEEK_MS) for n in range(WEEKS_AHEAD, -WEEKS_BEFORE - 1, -1)]
    return [
        week
        for week in weeks
        if not any(known.start < week.end and week.start < known.end for known in there)
    ]


def add(connection: Connection, week: Partition) -> int | None:
    """Make a week's partition; what the default partition holds of it moves there.

    Returns:
        How many rows were moved; None when there are too many to move.
    """
    _patience(connection)
    bounds = {"start": week.start, "end": week.end}
    # Nobody may write into the default partition between the move and the attachment.
    connection.execute(text("LOCK TABLE telemetry_default IN SHARE ROW EXCLUSIVE MODE"))
    inside = "FROM telemetry_default WHERE ts >= :start AND ts < :end"
    held = connection.execute(
        text(f"SELECT count(*) FROM (SELECT 1 {inside} LIMIT :most) AS found"),  # noqa: S608
        bounds | {"most": MOVED_ROWS_MAX + 1},
    ).scalar_one()
    if held > MOVED_ROWS_MAX:
        return None
    name = week.name
    connection.execute(
        text(f"CREATE TABLE {name} (LIKE telemetry INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    )
    if held:
        connection.execute(
            text(
                f"WITH moved AS (DELETE {inside} RETURNING *)"  # noqa: S608 - names of ours
                f" INSERT INTO {name} SELECT * FROM moved"
            ),
            bounds,
        )
    connection.execute(
        text(
            f"ALTER TABLE telemetry ATTACH PARTITION {name}"
            f" FOR VALUES FROM ({week.start}) TO ({week.end})"
        )
    )
    return int(held)


def drop(connection: Connection, week: Partition) -> int:
    """Drop a week with all that is in it; give about how many rows."""
    _patience(connection)
    rows = connection.execute(
        text(
            "SELECT GREATEST(c.reltuples, s.n_live_tup, 0) FROM pg_class c"
            " LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
            " WHERE c.oid = CAST(:name AS regclass)"
        ),
        {"name": week.name},
    ).scalar_one()
    connection.execute(text(f"DROP TABLE {week.name}"))
    return int(rows)


def _patience(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
