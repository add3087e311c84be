"""Telemetry into the database: COPY on PostgreSQL, one prepared statement on SQLite."""

import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from muster_platform.db.bulk import Column, among, insert, is_postgres, member
from muster_platform.db.text import clean
from muster_protocol.clocks import believe
from muster_protocol.messages import Location, Telemetry, Value

NUMBER, BOOLEAN, TEXT = "number", "boolean", "text"

_COPY = "COPY telemetry (device_key, metric_id, ts, num, txt) FROM STDIN"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ROW = (
    Column("device_key"),
    Column("metric_id", "integer"),
    Column("ts"),
    Column("num", "double precision"),
    Column("txt", "text"),
)


class Reading(NamedTuple):
    """One value, as stored; a boolean is num 0 or 1."""

    device_key: int
    metric: str
    kind: str
    ts: int
    num: float | None
    txt: str | None


def readings(device_key: int, message: Telemetry, received_at: int) -> Iterator[Reading]:
    """Give the values of a message; a location becomes `name.lat` and `name.lon`."""
    for point in message.points:
        ts = believe(point.ts, received_at).ts
        for name, value in point.values.items():
            yield from _reading(device_key, name, ts, value)


def _reading(device_key: int, name: str, ts: int, value: Value) -> Iterator[Reading]:
    if isinstance(value, bool):
        yield Reading(device_key, clean(name), BOOLEAN, ts, float(value), None)
    elif isinstance(value, float):
        yield Reading(device_key, clean(name), NUMBER, ts, value, None)
    elif isinstance(value, Location):
        yield Reading(device_key, clean(f"{name}.lat"), NUMBER, ts, value.lat, None)
        yield Reading(device_key, clean(f"{name}.lon"), NUMBER, ts, value.lon, None)
    else:
        yield Reading(device_key, clean(name), TEXT, ts, None, clean(value))


class Metrics:
    """Metric names and their ids; remembers what was committed."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def resolve(self, connection: Connection, kinds: dict[str, str]) -> dict[str, int]:
        """Give the ids of names, making those that are new.

        Args:
            connection: inside the transaction.
            kinds: {name: kind first seen}.
        """
        ids = self._ids
        unknown = sorted(kinds.keys() - ids.keys())
        if unknown:
            insert(
                connection,
                "metrics",
                (Column("name", "text"), Column("kind", "text")),
                [(name, kinds[name]) for name in unknown],
                conflict="(name) DO NOTHING",
            )
            found = connection.exec_driver_sql(
                f"SELECT name, id FROM metrics WHERE {member(connection, 'name', 'text')}",  # noqa: S608
                (among(connection, unknown),),
            )
            ids.update((name, metric_id) for name, metric_id in found)
        return ids

    def forget(self) -> None:
        """Forget all: a transaction that made some was rolled back."""
        self._ids = {}


def write(connection: Connection, given: list[Reading], metrics: Metrics) -> None:
    """Store readings and the newest value per device and metric."""
    if not given:
        return
    ids = metrics.resolve(connection, {reading.metric: reading.kind for reading in given})
    rows = [(r.device_key, ids[r.metric], r.ts, r.num, r.txt) for r in given]
    if is_postgres(connection):
        _copy(connection, rows)
    else:
        insert(connection, "telemetry", _ROW, rows)
    latest: dict[tuple[int, int], tuple[int, int, int, float | None, str | None]] = {}
    for row in rows:
        held = latest.get(row[:2])
        if held is None or row[2] >= held[2]:
            latest[row[:2]] = row
    insert(
        connection,
        "telemetry_latest",
        _ROW,
        [latest[key] for key in sorted(latest)],
        conflict="(device_key, metric_id) DO UPDATE SET ts = excluded.ts, num = excluded.num,"
        " txt = excluded.txt WHERE excluded.ts >= telemetry_latest.ts",
    )


def _copy(
    connection: Connection, rows: Iterable[tuple[int, int, int, float | None, str | None]]
) -> None:
    lines = [
        f"{key}\t{metric}\t{ts}\t{num!r}\t\\N\n"
        if txt is None
        else f"{key}\t{metric}\t{ts}\t\\N\t{txt.translate(_ESCAPES)}\n"
        for key, metric, ts, num, txt in rows
    ]
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(_COPY, io.StringIO("".join(lines)))
