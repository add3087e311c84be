"""What others do when something happens to a device; composition passes them in.

The devices folder knows neither jobs nor logs: they implement this and are called in the same
transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from muster_platform.unit import Unit


class DeviceHooks(Protocol):
    """Called inside the unit of work that changes the device."""

    def on_hello(self, unit: Unit, device_key: int, running: Sequence[str]) -> None:
        """Act on a new session: everything open is sent again.

        Args:
            running: executions that the device has begun and not ended.
        """
        ...

    def on_reachable(self, unit: Unit, device_key: int) -> None:
        """Act on a device that dispatch may publish to from now on."""
        ...

    def on_unreachable(self, unit: Unit, device_key: int) -> None:
        """Act on a device that dispatch may not publish to any more."""
        ...

    def on_inventory(
        self, unit: Unit, device_key: int, versions: Mapping[str, str], received_at: int
    ) -> None:
        """Act on a whole inventory that has just been stored.

        Args:
            versions: {component: version}.
            received_at: ms since the epoch.
        """
        ...

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """Act on a device that is being deleted; its data stays, hidden, until it is purged."""
        ...

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:
        """Delete at most `limit` rows of a deleted device's data; give how many were deleted.

        Called in transaction after transaction until it gives 0.
        """
        ...


class NoHooks:
    """Does nothing; a base for those who care about few of them."""

    def on_hello(self, unit: Unit, device_key: int, running: Sequence[str]) -> None:
        """Do nothing."""

    def on_reachable(self, unit: Unit, device_key: int) -> None:
        """Do nothing."""

    def on_unreachable(self, unit: Unit, device_key: int) -> None:
        """Do nothing."""

    def on_inventory(
        self, unit: Unit, device_key: int, versions: Mapping[str, str], received_at: int
    ) -> None:
        """Do nothing."""

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """Do nothing."""

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:  # noqa: ARG002
        """Do nothing."""
        return 0


class AllHooks:
    """Calls several, in order."""

    def __init__(self, *hooks: DeviceHooks) -> None:
        self._hooks = hooks

    def on_hello(self, unit: Unit, device_key: int, running: Sequence[str]) -> None:
        """Pass it on."""
        for hook in self._hooks:
            hook.on_hello(unit, device_key, running)

    def on_reachable(self, unit: Unit, device_key: int) -> None:
        """Pass it on."""
        for hook in self._hooks:
            hook.on_reachable(unit, device_key)

    def on_unreachable(self, unit: Unit, device_key: int) -> None:
        """Pass it on."""
        for hook in self._hooks:
            hook.on_unreachable(unit, device_key)

    def on_inventory(
        self, unit: Unit, device_key: int, versions: Mapping[str, str], received_at: int
    ) -> None:
        """Pass it on."""
        for hook in self._hooks:
            hook.on_inventory(unit, device_key, versions, received_at)

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """Pass it on."""
        for hook in self._hooks:
            hook.on_removed(unit, device_key)

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:
        """Pass it on, one after the other."""
        return next(
            (count for hook in self._hooks if (count := hook.on_purge(unit, device_key, limit))), 0
        )
