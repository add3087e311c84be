"""What documents say of their devices, read in two queries per batch."""

from collections.abc import Iterable

from sqlalchemy import Connection

from muster_platform.db.bulk import among, member
from muster_platform.logs.counting import versions_of
from muster_platform.stream.records import DeviceContext


def device_contexts(connection: Connection, keys: Iterable[int]) -> dict[int, DeviceContext]:
    """Look up devices by key; those that are gone are left out.

    Args:
        connection: inside the transaction that stores the batch.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    versions = versions_of(connection, wanted)
    rows = connection.exec_driver_sql(
        "SELECT d.id, d.device_id, d.display_name, p.name, g.path"  # noqa: S608 - our own names
        " FROM devices d JOIN profiles p ON p.id = d.profile_id"
        f" JOIN groups g ON g.id = d.group_id WHERE {member(connection, 'd.id')}",
        (among(connection, wanted),),
    )
    return {
        key: DeviceContext(device_id, name, profile, versions.get(key, ""), path)
        for key, device_id, name, profile, path in rows
    }
