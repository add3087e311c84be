"""What the log store does when something happens to a device."""

from sqlalchemy import delete

from muster_platform.devices.hooks import NoHooks
from muster_platform.logs.models import LogRecord
from muster_platform.unit import Unit


class LogHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """Delete its records; first form: in the same transaction."""
        unit.session.execute(
            delete(LogRecord).where(LogRecord.device_key == device_key),
            execution_options={"synchronize_session": False},
        )
