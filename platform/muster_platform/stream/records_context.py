"""What documents say of their devices, read in two queries per batch."""

from collections.abc import Iterable

from sqlalchemy import Connection

from muster_platform.db.bulk import among, member
from muster_platform.logs.fingerprint_rules import app_version
from muster_platform.stream.records import DeviceContext


def device_contexts(connection: Connection, keys: Iterable[int]) -> dict[int, DeviceContext]:
    """Look up devices by key; those that are gone are left out.

    Args:
        connection: inside the transaction that stores the batch.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    inventories: dict[int, dict[str, str]] = {}
    found = connection.exec_driver_sql(
        "SELECT device_key, component, version FROM inventory_items"  # noqa: S608 - our own names
        f" WHERE {member(connection, 'device_key')}",
        (among(connection, wanted),),
    )
    for key, component, version in found:
        inventories.setdefault(key, {})[component] = version
    rows = connection.exec_driver_sql(
        "SELECT d.id, d.device_id, d.display_name, p.name, g.path"  # noqa: S608 - our own names
        " FROM devices d JOIN profiles p ON p.id = d.profile_id"
        f" JOIN groups g ON g.id = d.group_id WHERE {member(connection, 'd.id')}",
        (among(connection, wanted),),
    )
    return {
        key: DeviceContext(device_id, name, profile, app_version(inventories.get(key, {})), path)
        for key, device_id, name, profile, path in rows
    }
