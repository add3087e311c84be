"""Deleting old log records; how long they are kept is devices.retention's."""

from collections.abc import Sequence

from sqlalchemy import Connection

from muster_platform.db.bulk import among, is_postgres, member


def delete_records(connection: Connection, keys: Sequence[int], before: int, limit: int) -> int:
    """Delete records of devices that are older (see devices.retention.Delete)."""
    mark = "%s" if is_postgres(connection) else "?"
    result = connection.exec_driver_sql(
        "DELETE FROM log_records WHERE id IN (SELECT id FROM log_records"  # noqa: S608 - our names
        f" WHERE {member(connection, 'device_key')} AND ts < {mark} LIMIT {mark})",
        (among(connection, keys), before, limit),
    )
    return result.rowcount
