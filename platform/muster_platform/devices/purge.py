"""Purging deleted devices: their data goes in short transactions, a tombstone stays.

The tombstone is the row itself: the audit log and the history of jobs name it.
"""

from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from muster_platform.db.chunks import chunks
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import (
    Credential,
    Device,
    DeviceEvent,
    DeviceSettings,
    InventoryItem,
    Lease,
    Presence,
    Tag,
)
from muster_platform.devices.presence import INGEST_LEASE
from muster_platform.devices.stream_models import (
    LatestValue,
    LedgerRow,
    LedgerTotal,
    Quarantined,
    RawMessage,
    telemetry,
)
from muster_platform.unit import Unit

_MANY: tuple[Any, ...] = (DeviceEvent, Quarantined, RawMessage)
"""Tables that may hold any number of rows of one device, with a key `id`."""

_FEW = (
    Credential,
    DeviceSettings,
    InventoryItem,
    LatestValue,
    LedgerRow,
    LedgerTotal,
    Presence,
    Tag,
)
"""Tables in which the rows of one device are bounded."""

RECENT_MS = 10 * 60 * 1000
"""No batch of ingest is under way for longer."""


def purge_step(unit: Unit, hooks: DeviceHooks, limit: int) -> int:
    """Delete a batch of the data of the deleted device that is due first.

    Args:
        limit: most rows of this transaction.

    Returns:
        How many rows were deleted, the last step of a device counts as one; 0: nothing is due.
    """
    due: tuple[ColumnElement[bool], ...] = (
        Device.purge_at <= unit.now(),
        Device.deleted_at.is_not(None),
    )
    if unit.settings.kafka_brokers:
        # Batches from Kafka hold no lease that could be waited for.
        due = (*due, Device.deleted_at <= unit.now() - RECENT_MS)
    _let_ingest_end(unit, *due)
    device = unit.session.scalars(
        select(Device)
        .where(*due)
        .order_by(Device.purge_at)
        .limit(1)
        .with_for_update(of=Device, skip_locked=True)
    ).one_or_none()
    if device is None:
        return 0
    count = _telemetry(unit, device.id, limit) or hooks.on_purge(unit, device.id, limit)
    for model in _MANY:
        count = count or _rows(unit, model, device.id, limit)
    if not count:
        _finish(unit, device)
    return count or 1


def _let_ingest_end(unit: Unit, *due: ColumnElement[bool]) -> None:
    """Wait for a batch that was begun before a device was deleted: it may still write of it.

    Every batch holds ingest's lease to its end. Before the device, as ingest does, so that the
    two never wait for each other.
    """
    recent = select(Device.id).where(*due, Device.deleted_at > unit.now() - RECENT_MS).limit(1)
    if unit.session.scalar(recent) is not None:
        lease = select(Lease.name).where(Lease.name == INGEST_LEASE)
        unit.session.execute(lease.with_for_update())


def _telemetry(unit: Unit, device_key: int, limit: int) -> int:
    """Delete the oldest values of one metric: the index has them together."""
    table, session = telemetry.c, unit.session
    metric = session.scalar(select(func.min(table.metric_id)).where(table.device_key == device_key))
    if metric is None:
        return 0
    own = (table.device_key == device_key, table.metric_id == metric)
    until = session.scalar(
        select(table.ts).where(*own).order_by(table.ts).offset(limit - 1).limit(1)
    )
    statement = delete(telemetry).where(*own)
    if until is not None:
        statement = statement.where(table.ts <= until)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _rows(unit: Unit, model: Any, device_key: int, limit: int) -> int:
    ids = select(model.id).where(model.device_key == device_key).order_by(model.id).limit(limit)
    found = list(unit.session.scalars(ids))
    for part in chunks(found):
        unit.session.execute(
            delete(model).where(model.id.in_(part)),
            execution_options={"synchronize_session": False},
        )
    return len(found)


def _finish(unit: Unit, device: Device) -> None:
    for model in _FEW:
        unit.session.execute(
            delete(model).where(model.device_key == device.id),
            execution_options={"synchronize_session": False},
        )
    unit.session.expire(device, ["presence", "tags"])
    device.purge_at = None
    device.attributes = {}
    device.capabilities = []
    device.install_id = device.previous_install_id = None
    unit.session.flush()
