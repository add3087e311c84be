"""Logs at a glance, for homes: how much, how bad, what fails, who is loud."""

from dataclasses import dataclass

from muster_platform.logs.filter import LogFilter
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.fingerprint_views import FingerprintFilter, FingerprintView
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.narrowing import narrowed
from muster_platform.logs.ranges import Part, fill, width_of
from muster_platform.logs.store import Facet, LogStore
from muster_platform.logs.stores import store_of
from muster_platform.logs.views import LEVELS
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_protocol.messages import Level


@dataclass(frozen=True, slots=True)
class NoisyDevice:
    """A device and how many records it wrote."""

    device_id: str
    count: int


class LogOverview:
    """Counts over the logs of all devices that the actor may read.

    Each raises PermissionDenied without logs:read on any group at all. Times are ms since the
    epoch.
    """

    def __init__(self, unit: Unit, store: LogStore | None = None) -> None:
        self._unit = unit
        self._store = store or store_of(unit)

    def volume(self, since: int, until: int, buckets: int = 60) -> list[Part]:
        """Count records by level over a range, in at most so many equal parts, oldest first.

        The first part begins at a multiple of its width, so it may begin before `since`; what
        is before `since` is not counted in it.
        """
        width = width_of(since, until, buckets)
        start = since // width * width
        query = narrowed(self._unit, LogFilter(since=since, until=until))
        return fill(self._store.histogram(query, start, width), start, until, width)

    def levels(self, since: int) -> dict[Level, int]:
        """Count records by level since then, worst level first; levels without any are left out."""
        query = narrowed(self._unit, LogFilter(since=since))
        found = {int(level): n for level, n in self._store.counts(query, Facet.LEVEL, len(LEVELS))}
        return {LEVELS[number]: found[number] for number in sorted(found, reverse=True)}

    def top_fingerprints(self, since: int, limit: int = 8) -> list[FingerprintView]:
        """Give the open faults seen since then, those with most records first."""
        wanted = FingerprintFilter(
            states=frozenset({FingerprintState.OPEN, FingerprintState.REGRESSED}),
            since=since,
            sort="count",
        )
        return FingerprintService(self._unit).search(wanted, PageRequest(limit)).items

    def noisy_devices(self, since: int, limit: int = 8) -> list[NoisyDevice]:
        """Give the devices that wrote most records since then."""
        query = narrowed(self._unit, LogFilter(since=since))
        return [NoisyDevice(*pair) for pair in self._store.counts(query, Facet.DEVICE, limit)]
