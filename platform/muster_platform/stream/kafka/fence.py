"""One writer per partition, also when a consumer lost it without having noticed.

A process that stood still for long is put out of the group, and another reads its partitions
again. When it goes on it still holds a batch: both would look into the ledger before either had
written, and store the same messages. So whoever stores messages of a partition locks it until the
commit; the second then finds in the ledger what the first has stored.
"""

from collections.abc import Callable, Collection
from zlib import crc32

from muster_platform.unit import Unit

SPACE = 7_042
"""First number of our locks, so that they are nobody else's."""

Place = tuple[str, int]


class PartitionFence:
    """Locks the partitions of the batch in hand; on SQLite there is one writer anyway."""

    def __init__(self, places: Callable[[], Collection[Place]]) -> None:
        """Prepare.

        Args:
            places: gives (topic, partition) of all that is about to be stored.
        """
        self._places = places

    def fence(self, unit: Unit) -> None:
        """Wait until nobody else writes what comes from these partitions; kept to the commit."""
        if unit.session.get_bind().dialect.name != "postgresql":
            return
        numbers = sorted({number_of(place) for place in self._places()})
        if numbers:
            unit.session.connection().exec_driver_sql(
                "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::integer[]) AS"
                " wanted (number)",
                (SPACE, numbers),
            ).fetchall()


def number_of(place: Place) -> int:
    """Give a partition's lock, a signed 32-bit number; two that share one only wait longer."""
    return crc32(f"{place[0]}/{place[1]}".encode()) - 2**31
