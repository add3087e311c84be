"""Which devices a batch is about: one query per batch, so that a change bites on the next one."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from muster_platform.db.bulk import among, member
from muster_platform.db.text import clean


class KnownDevice(NamedTuple):
    """What ingest needs of a device.

    Attributes:
        key: internal key.
        gateway_key: of the gateway that speaks for it, or None.
        plain: it never said hello.
        group_path: decides who may see what it sends live.
        capture_until: until then (ms since the epoch) its messages are kept as they came, too.
    """

    key: int
    device_id: str
    gateway_key: int | None
    plain: bool
    group_path: str
    capture_until: int = 0


def known_devices(connection: Connection, device_ids: Iterable[str]) -> dict[str, KnownDevice]:
    """Look up devices that are not deleted, by device id."""
    condition = member(connection, "d.device_id", "text")
    rows = connection.exec_driver_sql(
        "SELECT d.id, d.device_id, d.gateway_id, d.plain, g.path, d.capture_until"  # noqa: S608
        f" FROM devices d JOIN groups g ON g.id = d.group_id WHERE {condition}"
        " AND d.deleted_at IS NULL",
        (among(connection, list(device_ids)),),
    )
    return {
        device_id: KnownDevice(key, device_id, gateway, bool(plain), path, until or 0)
        for key, device_id, gateway, plain, path, until in rows
    }


def boot_text(boot: str) -> str:
    """Give a boot id as stores keep it."""
    return clean(boot)
