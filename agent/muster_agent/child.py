"""A gateway's child: telemetry, logs and events under its own id, with its own counters.

Its commands are declared with `agent.command(name, child=…)`: journaled and run once, as the
gateway's own. First form: its settings are kept by the broker and not applied.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from muster_agent.core import Core, Effect
from muster_agent.logs import level_of
from muster_agent.values import pack, point
from muster_protocol.messages import Event, LogRecord, Logs
from muster_protocol.states import PresenceReason


class Child:
    """Made by `Agent.child`; safe to use from any thread."""

    def __init__(
        self, child_id: str, core: Core, do: Callable[[Callable[[], list[Effect]]], None]
    ) -> None:
        self.child_id = child_id
        self._core = core
        self._do = do

    def send_telemetry(self, values: Mapping[str, Any], ts: int | None = None) -> None:
        """Send values of the child; as `Agent.send_telemetry`."""
        item = point(values, self._core.stamp() if ts is None else ts)
        for message in pack([item]) if item.values else ():
            self._do(lambda message=message: self._core.send("telemetry", message, self.child_id))  # type: ignore[misc]

    def send_event(self, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Send an event of the child."""
        event = Event(name=name, data=dict(data or {}), ts=self._core.stamp())
        self._do(lambda: self._core.send("events", event, self.child_id))

    def log(
        self, message: str, level: int = logging.INFO, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Send one log record of the child."""
        record = LogRecord(
            level=level_of(level),
            message=message[:16_384],
            ts=self._core.stamp(),
            fields=dict(fields or {}),
        )
        self._do(lambda: self._core.send("logs", Logs(records=[record]), self.child_id))

    def goodbye(self) -> None:
        """Say that the child has gone."""
        self._do(lambda: self._core.child_goodbye(self.child_id, PresenceReason.DISCONNECTED))
