"""Telemetry into the database: COPY on PostgreSQL, one prepared statement on SQLite."""

import io
from collections.abc import Iterable

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


Reading = tuple[int, str, int, float | None, str | None]
"""device key, metric name, ts, num (a boolean is 0 or 1), txt: one value, as stored."""

Latest = dict[tuple[int, str], Reading]


class Readings:
    """The values of one batch."""

    def __init__(self) -> None:
        self.rows: list[Reading] = []
        self.kinds: dict[str, str] = {}

    def add(self, device_key: int, message: Telemetry, received_at: int) -> None:
        """Take the values of a message; a location becomes `name.lat` and `name.lon`."""
        append, kinds = self.rows.append, self.kinds
        for point in message.points:
            ts = believe(point.ts, received_at).ts
            for name, value in point.values.items():
                if type(value) is float:
                    append((device_key, name, ts, value, None))
                    kinds.setdefault(name, NUMBER)
                else:
                    self._other(device_key, name, ts, value)

    def _other(self, device_key: int, name: str, ts: int, value: Value) -> None:
        if isinstance(value, bool):
            self.kinds.setdefault(name, BOOLEAN)
            self.rows.append((device_key, name, ts, float(value), None))
        elif isinstance(value, Location):
            for part, number in (("lat", value.lat), ("lon", value.lon)):
                self.kinds.setdefault(f"{name}.{part}", NUMBER)
                self.rows.append((device_key, f"{name}.{part}", ts, number, None))
        else:
            self.kinds.setdefault(name, TEXT)
            self.rows.append((device_key, name, ts, None, clean(str(value))))

    def latest(self) -> Latest:
        """Give the newest value of each device and metric; of equals the last."""
        newest: Latest = {}
        for row in self.rows:
            key = row[:2]
            held = newest.get(key)
            if held is None or row[2] >= held[2]:
                newest[key] = row
        return newest


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


def write(connection: Connection, given: Readings, metrics: Metrics) -> Latest:
    """Store readings and the newest value per device and metric; give the newest."""
    if not given.rows:
        return {}
    ids = metrics.resolve(connection, given.kinds)
    if is_postgres(connection):
        _copy(connection, given.rows, ids)
    else:
        insert(connection, "telemetry", _ROW, [(r[0], ids[r[1]], *r[2:]) for r in given.rows])
    latest = given.latest()
    insert(
        connection,
        "telemetry_latest",
        _ROW,
        sorted((key, ids[name], *row[2:]) for (key, name), row in latest.items()),
        conflict="(device_key, metric_id) DO UPDATE SET ts = excluded.ts, num = excluded.num,"
        " txt = excluded.txt WHERE excluded.ts >= telemetry_latest.ts",
    )
    return latest


def _copy(connection: Connection, rows: Iterable[Reading], ids: dict[str, int]) -> None:
    lines = [
        f"{key}\t{ids[name]}\t{ts}\t{num!r}\t\\N\n"
        if txt is None
        else f"{key}\t{ids[name]}\t{ts}\t\\N\t{txt.translate(_ESCAPES)}\n"
        for key, name, ts, num, txt in rows
    ]
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(_COPY, io.StringIO("".join(lines)))
