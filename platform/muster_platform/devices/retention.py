"""Retention: deletes what is older than its profile, or the installation, wants to keep.

Telemetry and logs are kept as long as the device's profile says. A round goes through the
profile's devices in the order of their keys, a few at a time, and deletes a bounded number of
rows in one transaction; `RetentionMark` says how far it has come. Borders are whole days (UTC),
so that there is one round a day and nothing to do in the hours between.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, text

from muster_platform.db.bulk import among, is_postgres, member
from muster_platform.devices.models import Device, Profile
from muster_platform.devices.settings_models import RetentionMark
from muster_platform.devices.stream_models import LatestValue
from muster_platform.unit import Unit

DAY_MS = 24 * 3600 * 1000
DEVICES = 200
"""Devices looked at in one step."""
ROWS = 5_000
"""Rows deleted in one step."""

Delete = Callable[[Connection, Sequence[int], int, int], int]
"""Deletes, of devices (keys), what is older than a time (ms), at most so many rows; how many."""


class Round(NamedTuple):
    """What is to be deleted of one profile's devices.

    Attributes:
        name: of its mark.
        before: border, ms since the epoch.
    """

    name: str
    profile_id: int
    profile: str
    before: int


def border(now: int, kept_days: int) -> int:
    """Give the time before which data goes: midnight (UTC) that many days ago."""
    return (now - kept_days * DAY_MS) // DAY_MS * DAY_MS


def kept_days(unit: Unit, profile: Profile, kind: str) -> int:
    """Give how many days a profile's data is kept; 0 for ever.

    Args:
        kind: `telemetry` or `logs`.
    """
    own: int | None = getattr(profile, f"{kind}_kept_days")
    default: int = getattr(unit.settings, f"{kind}_kept_days")
    return default if own is None else own


def rounds(unit: Unit, kind: str) -> list[Round]:
    """Give what is to be deleted of a kind of data, by profile."""
    found = []
    for profile in unit.session.scalars(select(Profile).order_by(Profile.id)):
        days = kept_days(unit, profile, kind)
        if days:
            before = border(unit.now(), days)
            found.append(Round(f"{kind}:{profile.id}", profile.id, profile.name, before))
    return found


def longest_days(unit: Unit, kind: str) -> int:
    """Give how many days the data of any profile is kept; 0 when some is kept for ever."""
    all_days = [kept_days(unit, one, kind) for one in unit.session.scalars(select(Profile))]
    return 0 if not all_days or 0 in all_days else max(all_days)


def step(unit: Unit, wanted: Round, delete_rows: Delete) -> tuple[int, bool]:
    """Take one step of a round.

    Returns:
        Rows deleted, and whether the round is over.
    """
    mark = _mark(unit, wanted.name)
    if mark.after_key is None:
        if mark.before >= wanted.before:
            return 0, True
        mark.before, mark.after_key = wanted.before, 0
    # Whoever keeps data for longer from now on means what is still there, too.
    mark.before = min(mark.before, wanted.before)
    keys = unit.session.scalars(
        select(Device.id)
        .where(Device.profile_id == wanted.profile_id, Device.id > mark.after_key)
        .order_by(Device.id)
        .limit(DEVICES)
    ).all()
    number = delete_rows(unit.session.connection(), keys, mark.before, ROWS) if keys else 0
    mark.deleted += number
    if number < ROWS:
        mark.after_key = keys[-1] if len(keys) == DEVICES else None
    if mark.after_key is None:
        mark.done_at = unit.now()
    unit.session.flush()
    return number, mark.after_key is None and mark.before >= wanted.before


def note(unit: Unit, name: str, before: int, number: int) -> None:
    """Remember what was deleted of data that needs no walk."""
    mark = _mark(unit, name)
    mark.before, mark.done_at = before, unit.now()
    mark.deleted += number
    unit.session.flush()


def _mark(unit: Unit, name: str) -> RetentionMark:
    found = unit.session.get(RetentionMark, name, with_for_update=True)
    if found is None:
        found = RetentionMark(name=name, before=0, deleted=0)
        unit.session.add(found)
        unit.session.flush()
    return found


# What is deleted ----------------------------------------------------------------------------


def delete_telemetry(connection: Connection, keys: Sequence[int], before: int, limit: int) -> int:
    """Delete values of devices, then their latest values that are as old (see Delete).

    The metrics of each device are known from its latest values, so the index leads to each
    series' old end and nothing else is read.
    """
    some = _delete_values_postgres if is_postgres(connection) else _delete_values_sqlite
    number = some(connection, keys, before, limit)
    if number < limit:
        old = LatestValue.device_key.in_(keys) & (LatestValue.ts < before)
        connection.execute(delete(LatestValue).where(old))
    return number


def _delete_values_sqlite(
    connection: Connection, keys: Sequence[int], before: int, limit: int
) -> int:
    result = connection.exec_driver_sql(
        "DELETE FROM telemetry WHERE rowid IN (SELECT t.rowid FROM telemetry_latest l"  # noqa: S608
        " CROSS JOIN telemetry t ON t.device_key = l.device_key AND t.metric_id = l.metric_id"
        f" WHERE {member(connection, 'l.device_key')} AND t.ts < ? LIMIT ?)",
        (among(connection, keys), before, limit),
    )
    return result.rowcount


def _delete_values_postgres(
    connection: Connection, keys: Sequence[int], before: int, limit: int
) -> int:
    """Find the rows' places first: DELETE has no LIMIT, and a partition is asked by its name."""
    rows = connection.exec_driver_sql(
        "SELECT t.tableoid::regclass::text, t.ctid::text FROM telemetry_latest l"
        " JOIN telemetry t ON t.device_key = l.device_key AND t.metric_id = l.metric_id"
        " WHERE l.device_key = ANY(%s::bigint[]) AND t.ts < %s LIMIT %s",
        (list(keys), before, limit),
    ).all()
    places: dict[str, list[str]] = {}
    for leaf, place in rows:
        places.setdefault(leaf, []).append(place)
    number = 0
    for leaf, found in places.items():
        # Asked again what it is: a place may have been used anew since.
        result = connection.exec_driver_sql(
            f"DELETE FROM ONLY {leaf} WHERE ctid = ANY(%s::tid[])"  # noqa: S608 - the catalogue's
            " AND device_key = ANY(%s::bigint[]) AND ts < %s",
            (found, list(keys), before),
        )
        number += result.rowcount
    return number


def delete_older(connection: Connection, table: str, column: str, before: int, limit: int) -> int:
    """Delete rows of a table with an index on the column, at most so many; give how many."""
    statement = text(
        f"DELETE FROM {table} WHERE id IN"  # noqa: S608 - our names only
        f" (SELECT id FROM {table} WHERE {column} < :before ORDER BY {column} LIMIT :limit)"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).rowcount


def delete_first(connection: Connection, table: str, column: str, before: int, limit: int) -> int:
    """Delete old rows among the first of a table whose ids grow with time; give how many."""
    statement = text(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM"  # noqa: S608 - our names only
        f" (SELECT id, {column} AS moment FROM {table} ORDER BY id LIMIT :limit) AS first"
        " WHERE moment < :before)"
    )
    return connection.execute(statement, {"before": before, "limit": limit}).rowcount


def delete_metric_names(connection: Connection, limit: int) -> int:
    """Delete names of telemetry of which no device has any value; give how many.

    The newest name stays in any case: SQLite would give its id to the next one, and ingest
    remembers ids.
    """
    statement = text(
        "DELETE FROM metrics WHERE id IN (SELECT m.id FROM metrics m"
        " WHERE NOT EXISTS (SELECT 1 FROM telemetry_latest l WHERE l.metric_id = m.id)"
        " AND m.id < (SELECT MAX(id) FROM metrics) ORDER BY m.id LIMIT :limit)"
    )
    return connection.execute(statement, {"limit": limit}).rowcount
