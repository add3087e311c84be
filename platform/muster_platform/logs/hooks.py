"""What the log store does when something happens to a device."""

from sqlalchemy import delete, select

from muster_platform.db.chunks import chunks
from muster_platform.devices.hooks import NoHooks
from muster_platform.logs.models import LogRecord
from muster_platform.unit import Unit


class LogHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:
        """Delete a batch of its records."""
        ids = select(LogRecord.id).where(LogRecord.device_key == device_key).limit(limit)
        found = list(unit.session.scalars(ids))
        for part in chunks(found):
            unit.session.execute(
                delete(LogRecord).where(LogRecord.id.in_(part)),
                execution_options={"synchronize_session": False},
            )
        return len(found)
