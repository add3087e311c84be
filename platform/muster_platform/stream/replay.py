"""Replay: what a person asked to be read again goes from the quarantine through the store.

It keeps its topic and the time it was received. A row that is stored is deleted; one that is
refused again says why. Whether its number is in the ledger already decides what the ledger does
(decision 0080).
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select, union_all
from sqlalchemy.exc import SQLAlchemyError

from muster_broker.receiver import Received
from muster_platform.access.actor import Actor
from muster_platform.db.text import clean
from muster_platform.devices.ingest.book import KnownDevice
from muster_platform.devices.ingest.ledger import Place
from muster_platform.devices.ingest.telemetry import Metrics
from muster_platform.devices.models import Device, DeviceSettings, InventoryItem, Presence
from muster_platform.devices.stream_models import Quarantined as Row
from muster_platform.stream.appliers import Appliers
from muster_platform.stream.kafka.ports import Records
from muster_platform.stream.lease import RoleLease
from muster_platform.stream.messages import DETAIL_CHARS, Envelope, Quarantined, Reader
from muster_platform.stream.ports import LeaseLost, SinkAway
from muster_platform.stream.records import RECORDS_TOPIC
from muster_platform.stream.sink import is_away
from muster_platform.stream.store import BatchStore
from muster_platform.unit import Unit, Units
from muster_protocol.messages import InventoryReport, Message, SettingsReport

log = logging.getLogger(__name__)

EVERY_S = 2.0
AT_ONCE = 50
"""Most messages of one step: what devices say now must not wait long for what they said then."""
OVERTAKEN = "overtaken"
"""Reason of a state (settings, inventory) that is not the newest that the device told."""
UNCOUNTED = "foreign_child"
"""A reason whose messages the ledger of their device never entered."""


class ReplayStore(BatchStore):
    """Stores one message out of the quarantine.

    Attributes:
        refusal: why it goes back there, None when it was stored.
    """

    alone = True

    def __init__(self, unit: Unit, appliers: Appliers, metrics: Metrics, row: Row) -> None:
        """Prepare.

        Args:
            row: the message; a message of a known device was entered in its ledger when it was
                quarantined, if it had a number.
        """
        super().__init__(unit, appliers, metrics)
        self.refusal: tuple[str, str, int | None] | None = None
        self._counted = row.device_key is not None and row.reason != UNCOUNTED
        self._reason = row.reason

    def _take(self, place: Place, seq: int) -> bool:
        if not self._counted:
            # False: the device has sent it again meanwhile, and it is stored.
            return super()._take(place, seq)
        self._ledger.release(place)
        return True

    def _set_aside(self, item: Quarantined) -> None:
        if self._counted:
            self._keep(item, self._devices.get(item.subject), item.reason, item.detail)
        else:
            super()._set_aside(item)

    def _control(self, envelope: Envelope, device: KnownDevice, message: Message) -> None:
        if _is_overtaken(self._unit, device.key, message, envelope.raw.received_at):
            detail = "the device has said something newer since, which stays"
            self._refuse(envelope, device, OVERTAKEN, detail, taken=True)
        else:
            super()._control(envelope, device, message)

    def _keep(
        self,
        item: Envelope | Quarantined,  # noqa: ARG002 - the row has it already
        device: KnownDevice | None,
        reason: str,
        detail: str,
    ) -> None:
        if self._counted and reason == UNCOUNTED:
            # The child has another gateway now; that its ledger has the message must not be lost.
            reason = self._reason
        self.refusal = (reason, detail, None if device is None else device.key)


class Replayer:
    """Takes what is to be read again, a few at a time, between the batches of ingest."""

    def __init__(
        self,
        units: Units,
        actor: Actor,
        appliers: Appliers,
        lease: RoleLease,
        reader: Reader,
        records: Records | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put the parts together.

        Args:
            lease: must be ours in every transaction.
            reader: decodes; the same as for what comes from the broker.
            records: takes what log records become before they are committed.
            monotonic: gives seconds.
        """
        self._units, self._actor, self._appliers = units, actor, appliers
        self._lease, self._reader, self._monotonic = lease, reader, monotonic
        self._records = records
        self._at = 0.0

    def step(self) -> int:
        """Replay what waits, if it is time to look; give how many were looked at.

        Raises:
            LeaseLost: somebody else is ingest now.
        """
        if self._monotonic() < self._at:
            return 0
        self._at = self._monotonic() + EVERY_S
        try:
            ids = self._waiting()
            for row_id in ids:
                self._replay(row_id)
        except (SQLAlchemyError, SinkAway) as error:
            log.warning("the replay waits: %s", str(error).splitlines()[0])
            return 0
        if len(ids) == AT_ONCE:
            self._at = 0.0
        return len(ids)

    def _waiting(self) -> list[int]:
        with self._units.open(self._actor, write=False) as unit:
            chosen = select(Row.id).where(Row.replay_at.is_not(None), Row.topic != RECORDS_TOPIC)
            statement = chosen.order_by(Row.id)
            return list(unit.session.scalars(statement.limit(AT_ONCE)))

    def _replay(self, row_id: int) -> None:
        try:
            with self._units.open(self._actor) as unit:
                self._lease.fence(unit)
                row = unit.session.get(Row, row_id, with_for_update=True)
                if row is not None and row.replay_at is not None:
                    self._again(unit, row)
        except (LeaseLost, SinkAway):
            raise
        except Exception as error:
            if is_away(error):
                raise
            self._give_up(row_id, error)

    def _again(self, unit: Unit, row: Row) -> None:
        if row.device_key is not None and _is_gone(unit, row.device_key):
            row.detail, row.replay_at = "read again: its device was deleted", None
            return
        # Retained: what was said then is no sign of life now.
        raw = Received(row.topic, bytes(row.payload), 1, 0, False, True, row.received_at, 0)
        item = self._reader.read(raw, f"quarantine.{row.id}")
        # Names anew each time: retention may have deleted one since.
        store = ReplayStore(unit, self._appliers, Metrics(), row)
        if isinstance(item, Envelope):
            store.store([item], [])
        else:
            store.store([], [item])
        if store.refusal is None:
            if self._records is not None:
                self._records.publish(unit.session.connection(), store.records)
            unit.session.execute(delete(Row).where(Row.id == row.id))
            return
        reason, detail, device_key = store.refusal
        row.reason, row.detail = reason[:32], clean(f"read again: {detail}"[:DETAIL_CHARS])
        row.device_key = device_key if row.device_key is None else row.device_key
        row.replay_at = None

    def _give_up(self, row_id: int, error: Exception) -> None:
        log.error("a message cannot be read again", exc_info=error)
        with self._units.open(self._actor) as unit:
            self._lease.fence(unit)
            row = unit.session.get(Row, row_id, with_for_update=True)
            if row is not None:
                row.replay_at = None
                text = f"read again: {type(error).__name__}: {error}"
                row.detail = clean(text[:DETAIL_CHARS])


def _is_overtaken(unit: Unit, device_key: int, message: Message, received_at: int) -> bool:
    """Say whether a message tells a whole state, and the device told a newer one since."""
    newer: Any
    if isinstance(message, SettingsReport):
        newer = select(DeviceSettings.device_key).where(
            DeviceSettings.device_key == device_key, DeviceSettings.reported_at > received_at
        )
    elif isinstance(message, InventoryReport):
        newer = union_all(
            select(Presence.device_key).where(
                Presence.device_key == device_key, Presence.hello_at > received_at
            ),
            select(InventoryItem.device_key).where(
                InventoryItem.device_key == device_key, InventoryItem.since > received_at
            ),
        )
    else:
        return False
    return unit.session.execute(newer.limit(1)).first() is not None


def _is_gone(unit: Unit, device_key: int) -> bool:
    """Say whether the device is deleted; another that took its id inherits nothing."""
    device = unit.session.get(Device, device_key)
    return device is None or device.deleted_at is not None
