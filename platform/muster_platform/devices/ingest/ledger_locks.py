"""Who may write which accounts of the ledger at the same time.

Where there is Kafka, two processes store what one device says: its hello comes from MQTT, its
telemetry from Kafka, and a hello rewrites the accounts of all channels. Whoever read an account
before the other wrote it would write the older state back, and what came between would count as
missing: it would be sent, and stored, again. So a hello has its device's accounts alone.

Locks of PostgreSQL by number, few of them, each for a share of the devices; SQLite has one writer.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from muster_platform.db.bulk import is_postgres

SPACE = 7_041
"""First number of our locks, so that they are nobody else's."""
STRIPES = 64
"""Devices with the same key modulo this share a lock: a batch takes this many at most."""

# In the order of the rows, the same in every process: nobody waits in a circle.
_TAKE = (
    "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(%s, stripe)"
    " ELSE pg_advisory_xact_lock_shared(%s, stripe) END"
    " FROM unnest(%s::integer[], %s::boolean[]) AS wanted (stripe, alone)"
)


def lock_accounts(connection: Connection, keys: Iterable[int], alone: Iterable[int] = ()) -> None:
    """Wait until accounts of devices may be read, and keep them until the transaction ends.

    To be called before anything else is locked.

    Args:
        connection: inside the transaction.
        keys: of devices that have more numbers taken; others may do that at the same time.
        alone: of devices whose accounts are rewritten.
    """
    if not is_postgres(connection):
        return
    own = {key % STRIPES for key in alone}
    stripes = sorted({key % STRIPES for key in keys} | own)
    if stripes:
        flags = [stripe in own for stripe in stripes]
        connection.exec_driver_sql(_TAKE, (SPACE, SPACE, stripes, flags)).fetchall()
