"""Device logs, searched."""

from typing import Annotated

from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.errors import NotFound
from muster_platform.logs.service import LogFilter, LogService
from muster_platform.logs.views import LogView
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Key, Listed, Millis, PageQuery, listed
from muster_platform.web.api.routing import Routes
from muster_protocol.messages import Level

routes = Routes("Logs")

READ = Permission.LOGS_READ


class DeviceLogQuery(PageQuery, kw_only=True):
    """Which records of a device.

    Attributes:
        text: occurs in message or exception; case does not matter.
        logger: its name begins so.
    """

    min_level: Level | None = None
    text: Annotated[str, Meta(max_length=200)] = ""
    logger: Annotated[str, Meta(max_length=128)] = ""
    since: Millis | None = None
    until: Millis | None = None
    fingerprint: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    oldest_first: bool = False

    def filter(self, device_id: str | None, group_id: int | None = None) -> LogFilter:
        """Give it as the service takes it."""
        return LogFilter(
            device_id=device_id,
            group_id=group_id,
            min_level=self.min_level,
            text=self.text,
            logger=self.logger,
            since=self.since,
            until=self.until,
            fingerprint=self.fingerprint,
            oldest_first=self.oldest_first,
        )


class LogQuery(DeviceLogQuery, kw_only=True):
    """Which records, of one device or of a group and those inside it."""

    device_id: DeviceId | None = None
    group: Key | None = None


@routes.add("GET", "/logs", permission=READ, errors=(NotFound,))
def search_logs(unit: Unit, query: LogQuery) -> Listed[LogView]:
    """Search the logs of all devices that you may read, newest first."""
    wanted = query.filter(query.device_id, query.group)
    return listed(LogService(unit).search(wanted, query.page()))


@routes.add("GET", "/logs/{record_id}", permission=READ)
def get_log(unit: Unit, record_id: str) -> LogView:
    """Get a log record."""
    return LogService(unit).get(record_id)


@routes.add("GET", "/devices/{device_id}/logs", permission=READ)
def list_device_logs(unit: Unit, device_id: str, query: DeviceLogQuery) -> Listed[LogView]:
    """Search a device's logs, newest first."""
    return listed(LogService(unit).search(query.filter(device_id), query.page()))
