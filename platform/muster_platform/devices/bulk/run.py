"""Takes running bulk changes on, a short step at a time. May be lost, doubled, or run twice."""

from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.authors import present_actor
from muster_platform.devices.bulk import models
from muster_platform.devices.bulk.acts import ACTS
from muster_platform.devices.bulk.models import BulkChange, BulkItem
from muster_platform.devices.find import find_device
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device
from muster_platform.devices.restore import DeletedService
from muster_platform.errors import MusterError, NotFound, PermissionDenied
from muster_platform.outbox import Live, Touched
from muster_platform.unit import Unit


def advance_one(unit: Unit, hooks: DeviceHooks, limit: int) -> int:
    """Change some devices of the oldest change that nobody else is at.

    The change's row is held for the length of the step, so two workers never share one; what is
    done is marked in the same transaction.

    Returns:
        How many devices were looked at.
    """
    change = unit.session.scalars(
        select(BulkChange)
        .where(BulkChange.state == models.RUNNING)
        .order_by(BulkChange.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if change is None:
        return 0
    items = unit.session.scalars(
        select(BulkItem)
        .where(BulkItem.bulk_id == change.id, BulkItem.state == models.PENDING)
        .order_by(BulkItem.device_key)
        .limit(limit)
    ).all()
    author = present_actor(unit.session, change.author_kind, change.author_id)
    for item in items:
        _change(unit, author, change, item, hooks)
    change.changed += sum(item.state == models.CHANGED for item in items)
    change.skipped += sum(item.state == models.SKIPPED for item in items)
    if len(items) < limit:
        change.state, change.ended_at = models.DONE, unit.now()
    _tell(unit, change)
    return max(len(items), 1)


def _change(
    unit: Unit, author: Actor | None, change: BulkChange, item: BulkItem, hooks: DeviceHooks
) -> None:
    """Change one device in a transaction of its own inside the step's."""
    act = ACTS[change.act]
    try:
        if author is None:
            raise PermissionDenied(act.permission)
        with unit.session.begin_nested():
            named = unit.as_actor(author)
            device = _deleted(named, item) if act.of_deleted else _same_device(named, item)
            args = change.args if item.args is None else item.args
            undo = act.apply(named, device, args, hooks, change.reason)
            unit.session.flush()
    except MusterError as error:
        item.state, item.why, item.detail = models.SKIPPED, error.code[:32], error.detail
        return
    if undo is None and act.undone_by:
        item.state, item.why = models.SKIPPED, "same"
    else:
        item.state, item.undo = models.CHANGED, undo


def _same_device(unit: Unit, item: BulkItem) -> Device:
    """Load the device that was planned, and no other that has its id since.

    Raises:
        NotFound: it was deleted, or the author may not read it any more.
    """
    device = find_device(unit, item.device_id)
    if device.id != item.device_key:
        raise NotFound("device", item.device_id)
    return device


def _deleted(unit: Unit, item: BulkItem) -> Device:
    """Load the device that a change deleted.

    Raises:
        NotFound: it is purged, or the author may not read it any more.
    """
    return DeletedService(unit).get(item.device_key)


def _tell(unit: Unit, change: BulkChange) -> None:
    data = {"bulk": change.id, "state": change.state, "changed": change.changed}
    unit.outbox.add(Live("fleet", "bulk", change.group_path, data))
    name = f"{ACTS[change.act].text}: {change.total} devices"
    unit.outbox.touched.append(Touched("bulk", change.id, name, change.author_name))
