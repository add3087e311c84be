"""What an app says through its agent: telemetry, events, logs, inventory, children."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from muster_agent.child import Child
from muster_agent.clock import Clock
from muster_agent.core import Effect
from muster_agent.errors import ConfigError, StoreError
from muster_agent.logs import PlatformLogHandler, exception_info, level_of, pack
from muster_agent.net import Driver, Peer
from muster_agent.values import pack as pack_points
from muster_agent.values import point
from muster_protocol.messages import Component, Event, LogRecord, Logs, Point

_log = logging.getLogger("muster_agent")

_EARLY_RECORDS = 1_000


class Voice:
    """The sending half of an Agent. All methods may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._log_handlers: list[PlatformLogHandler] = []
        self._early_records: list[LogRecord] = []
        self._driver: Driver | None = None
        self._peer: Peer | None = None
        self._inventory_said: dict[str, str] = {}

    def send_telemetry(
        self, values: Mapping[str, Any], ts: int | None = None, *, sure: bool = True
    ) -> None:
        """Send values measured together. When this returns they are on disk.

        Args:
            values: name -> number, bool, str or (latitude, longitude).
            ts: ms since the epoch; None: now.
            sure: False sends with QoS 0: no spool, no ledger, gone if not connected.

        Raises:
            ConfigError: a value is not allowed.
            StoreError: it could not be stored, and was not accepted.
        """
        core = self._started().core
        item = point(values, core.stamp() if ts is None else ts)
        if not item.values:
            return
        if sure:
            self.send_points([item])
        else:
            message = next(pack_points([item]))
            self._do(lambda: core.send_unsure("telemetry", message))

    def send_points(self, points: Sequence[Point]) -> None:
        """Send many points at once (a buffer read out of a sensor): one commit a message.

        Raises:
            StoreError: as `send_telemetry`; earlier parts may have been accepted.
        """
        core = self._started().core
        for message in pack_points(points):
            self._do(lambda message=message: core.send("telemetry", message))  # type: ignore[misc]

    def send_event(self, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Send an app event (user consented, button pressed).

        Raises:
            ConfigError, StoreError: as `send_telemetry`.
        """
        core = self._started().core
        event = Event(name=name, data=dict(data or {}), ts=core.stamp())
        self._do(lambda: core.send("events", event))

    def log(
        self,
        level: int,
        message: str,
        fields: Mapping[str, Any] | None = None,
        error: BaseException | None = None,
        logger: str = "",
    ) -> None:
        """Send one log record; `level` is one of Python's logging.

        Raises:
            StoreError: it could not be stored.
        """
        record = LogRecord(
            level=level_of(level),
            message=message[:16_384],
            ts=self._stamp(),
            logger=logger[:128],
            fields=dict(fields or {}),
            exception=exception_info(error) if error is not None else None,
        )
        self._send_records([record])

    def log_handler(self) -> logging.Handler:
        """Give a handler for Python's logging that sends to the platform.

        What is logged before `start` is kept in memory until then (the last 1,000 records).
        """
        handler = PlatformLogHandler(self._send_records, self._stamp)
        self._log_handlers.append(handler)
        return handler

    def set_inventory(self, versions: Mapping[str, str]) -> None:
        """Say what is installed now, by component; also before `start`.

        It stands beside the options' inventory and in place of what that says of the same
        components, until the process ends: say it again at each start.
        """
        self._inventory_said = dict(versions)
        if self._peer is not None:
            self.inventory_changed()

    def inventory_changed(self) -> None:
        """Report the inventory again, without a new connection."""
        core = self._started().core
        self._do(core.inventory_changed)

    def child(
        self,
        child_id: str,
        profile: str,
        inventory: Sequence[Component] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> Child:
        """Speak for a child behind this gateway: says its hello, now and at each connection.

        Raises:
            ConfigError: not a device id.
        """
        core = self._started().core
        with self._locked().lock:
            core.family.join(child_id, profile, inventory, attributes)
        self._do(lambda: core.child_hello(child_id))
        return Child(child_id, core, self._do)

    def flush_logs(self) -> None:
        """Store log records that the handlers have gathered."""
        for handler in self._log_handlers:
            handler.flush()

    # -- inner -----------------------------------------------------------------------------

    def _started(self) -> Peer:
        if self._peer is None:
            raise ConfigError("start the agent first: agent.start() or agent.run()")
        return self._peer

    def _locked(self) -> Driver:
        if self._driver is None:
            raise ConfigError("start the agent first: agent.start() or agent.run()")
        return self._driver

    def _do(self, act: Callable[[], list[Effect]]) -> None:
        """Tell the core something and carry out what follows, from any thread."""
        driver, peer = self._locked(), self._started()
        with driver.lock:
            peer.run(act())
        driver.wake()

    def _stamp(self) -> int:
        return self._clock.wall_ms() if self._peer is None else self._peer.core.stamp()

    def _send_records(self, records: list[LogRecord]) -> None:
        if self._peer is None:
            self._early_records = (self._early_records + records)[-_EARLY_RECORDS:]
            return
        core = self._peer.core
        for batch in pack(records):
            try:
                self._do(lambda batch=batch: core.send("logs", Logs(records=batch)))  # type: ignore[misc]
            except StoreError as error:
                _log.error("%d log records could not be stored: %s", len(batch), error)
