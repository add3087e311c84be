"""Answers to devices from processes without a connection to the broker: dispatch publishes them."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor
from muster_platform.devices import outbound
from muster_platform.unit import Units

log = logging.getLogger(__name__)


class OutboundPublisher:
    """Gathers messages; `flush` hands them to dispatch in one transaction."""

    def __init__(self, units: Units, actor: Actor) -> None:
        self._units, self._actor = units, actor
        self._waiting: list[tuple[str, bytes, bool]] = []

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,  # noqa: ARG002 - dispatch publishes all of them with QoS 1
        retain: bool = False,
    ) -> int | None:
        """Take one; its number is that of its place."""
        self._waiting.append((topic, payload, retain))
        return len(self._waiting)

    def flush(self) -> None:
        """Hand over what was gathered; a database that is away loses it: ledgers are told again."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        try:
            with self._units.open(self._actor) as unit:
                for topic, payload, retain in waiting:
                    outbound.publish(unit, topic, payload, retain=retain)
        except SQLAlchemyError as error:
            log.warning("%d answers are not sent: %s", len(waiting), str(error).splitlines()[0])
