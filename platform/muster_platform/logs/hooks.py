"""What the log store does when something happens to a device."""

from typing import Any

from sqlalchemy import delete, select, tuple_

from muster_platform.db.chunks import chunks
from muster_platform.devices.hooks import NoHooks
from muster_platform.logs.fingerprint_models import FingerprintDay
from muster_platform.logs.models import LogRecord
from muster_platform.logs.stores import forget_device
from muster_platform.unit import Unit

_TABLES: tuple[Any, ...] = (LogRecord, FingerprintDay)


class LogHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:
        """Delete a batch of its records, of its counts, then of what another store has of it.

        Raises:
            Unavailable: that store is away; the purge goes on when it is back.
        """
        for table in _TABLES:
            keys = tuple(table.__mapper__.primary_key)
            found = unit.session.execute(
                select(*keys).where(table.device_key == device_key).limit(limit)
            ).all()
            for part in chunks(found):
                unit.session.execute(
                    delete(table).where(tuple_(*keys).in_([tuple(row) for row in part])),
                    execution_options={"synchronize_session": False},
                )
            if found:
                return len(found)
        return forget_device(unit, device_key, limit)
