"""What profiles allow their devices: size of a message, number of names of telemetry.

A message beyond a limit is kept whole in quarantine (reason `limit`) and can be played again once
the limit is raised: what was accepted is not lost. Messages of control are never held back.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from muster_platform.db.bulk import among, member
from muster_platform.devices.ingest.book import KnownDevice
from muster_protocol.messages import Event, Location, Logs, Message, Telemetry

LIMIT = "limit"
"""Reason in the quarantine."""


class _Limits(NamedTuple):
    message_bytes_max: int
    metrics_max: int


class LimitBook:
    """The limits of the devices of one batch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._limits: dict[int, _Limits] = {}
        self._names: dict[int, set[str]] = {}

    def load(
        self, devices: Collection[KnownDevice], said: Iterable[tuple[int, Message | None]]
    ) -> None:
        """Read what is needed to judge a batch; costs one small query where no profile limits.

        Args:
            said: (device key, message) of the batch.
        """
        profiles = {
            profile_id: _Limits(size, metrics)
            for profile_id, size, metrics in self._connection.exec_driver_sql(
                "SELECT id, message_bytes_max, metrics_max FROM profiles"
                " WHERE message_bytes_max > 0 OR metrics_max > 0"
            )
        }
        if not profiles:
            return
        keys = [device.key for device in devices]
        rows = self._connection.exec_driver_sql(
            f"SELECT id, profile_id FROM devices WHERE {member(self._connection, 'id')}",  # noqa: S608
            (among(self._connection, keys),),
        )
        self._limits = {key: profiles[of] for key, of in rows if of in profiles}
        new: dict[int, set[str]] = {}
        for key, message in said:
            limits = self._limits.get(key)
            if limits is not None and limits.metrics_max and isinstance(message, Telemetry):
                new.setdefault(key, set()).update(_names(message))
        self._load_names(new)

    def _load_names(self, new: Mapping[int, set[str]]) -> None:
        """Read the names of devices that might have too many with what they say now."""
        counts = self._connection.exec_driver_sql(
            "SELECT device_key, COUNT(*) FROM telemetry_latest"  # noqa: S608 - our own names
            f" WHERE {member(self._connection, 'device_key')} GROUP BY device_key",
            (among(self._connection, list(new)),),
        )
        held = {key: count for key, count in counts}  # noqa: C416 - rows, not pairs
        close = [
            key
            for key, names in new.items()
            if held.get(key, 0) + len(names) > self._limits[key].metrics_max
        ]
        self._names = {key: set() for key in close}
        if not close:
            return
        rows = self._connection.exec_driver_sql(
            "SELECT l.device_key, m.name FROM telemetry_latest l"  # noqa: S608 - our own names
            " JOIN metrics m ON m.id = l.metric_id"
            f" WHERE {member(self._connection, 'l.device_key')}",
            (among(self._connection, close),),
        )
        for key, name in rows:
            self._names[key].add(name)

    def refusal(self, device_key: int, message: Message, size: int) -> str:
        """Say why a message is beyond the device's limits; "" where it is not.

        Args:
            size: of the payload in bytes.
        """
        limits = self._limits.get(device_key)
        if limits is None or not isinstance(message, Telemetry | Logs | Event):
            return ""
        if limits.message_bytes_max and size > limits.message_bytes_max:
            return f"{size} bytes; the profile allows {limits.message_bytes_max}"
        known = self._names.get(device_key)
        if known is None or not isinstance(message, Telemetry):
            return ""
        new = _names(message) - known
        if new and len(known) + len(new) > limits.metrics_max:
            return (
                f"{min(new)[:80]} would be metric {len(known) + 1} or more of this device; "
                f"the profile allows {limits.metrics_max}"
            )
        known |= new
        return ""


def _names(message: Telemetry) -> set[str]:
    """Give the names as they are stored: a location is two."""
    found = set()
    for point in message.points:
        for name, value in point.values.items():
            if isinstance(value, Location):
                found |= {f"{name}.lat", f"{name}.lon"}
            else:
                found.add(name)
    return found
