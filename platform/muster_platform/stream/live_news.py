"""What browsers are told of a batch at once; a page reads the rest from the database."""

from collections.abc import Iterable, Sequence
from typing import Any

from muster_platform.devices.ingest.book import KnownDevice
from muster_platform.devices.ingest.telemetry import Latest
from muster_platform.logs import ingest as logs
from muster_platform.outbox import Live, Outbox

LIVE_VALUES = 64
LIVE_RECORDS = 20
"""Most of one device in one batch."""


class LiveNews:
    """Gathers the news of one batch."""

    def __init__(self) -> None:
        self._records: dict[int, list[dict[str, Any]]] = {}
        self._logged: dict[int, int] = {}

    def log(self, device_key: int, rows: Sequence[logs.Row]) -> None:
        """Add log records of a device; the newest are shown, the others counted."""
        shown = self._records.setdefault(device_key, [])
        shown += map(logs.told, rows[-LIVE_RECORDS:])
        del shown[:-LIVE_RECORDS]
        self._logged[device_key] = self._logged.get(device_key, 0) + len(rows)

    def tell(self, outbox: Outbox, devices: Iterable[KnownDevice], latest: Latest) -> None:
        """Tell browsers what is new, after the commit.

        Args:
            devices: those that the batch is about.
            latest: their newest values.
        """
        known = {device.key: device for device in devices}
        values: dict[int, dict[str, Any]] = {}
        for (key, name), (_, _, ts, num, txt) in latest.items():
            shown = values.setdefault(key, {})
            if len(shown) < LIVE_VALUES:
                shown[name] = {"ts": ts, "value": txt if num is None else num}
        for key, shown in values.items():
            outbox.add(Live(f"device:{key}", "telemetry", known[key].group_path, {"values": shown}))
        for key, records in self._records.items():
            more = {
                "device": known[key].device_id,
                "left_out": self._logged[key] - len(records),
            }
            path = known[key].group_path
            outbox.add(Live(f"device:{key}", "log", path, {"records": records, **more}))
