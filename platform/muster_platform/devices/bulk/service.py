"""Bulk changes: planned, begun, watched, stopped, taken back."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select

from muster_platform.access import audit
from muster_platform.access.groups import common_path
from muster_platform.access.models import Group
from muster_platform.access.narrow import in_permitted_group, permitted
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.bulk import models
from muster_platform.devices.bulk.acts import ACTS, AGAINST, Args
from muster_platform.devices.bulk.models import BulkChange, BulkItem
from muster_platform.devices.bulk.plan import BulkPlan, plan
from muster_platform.devices.models import Device
from muster_platform.devices.selection import Selection
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.outbox import WAKE_BULK, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

_NEWEST_FIRST: Order[BulkChange] = Order(
    "bulk", (Key(BulkChange.__table__.c.id, str, lambda row: row.id),), descending=True
)
_BY_DEVICE: Order[BulkItem] = Order(
    "bulk_items", (Key(BulkItem.__table__.c.device_key, int, lambda row: row.device_key),)
)
ROWS = 1_000


class BulkService:
    """What people do to many devices at once; every method checks its permission itself."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def plan(self, selection: Selection, act: str, args: Args) -> BulkPlan:
        """Say who a change would be for, who not and why; changes nothing.

        Raises:
            InvalidInput, NotFound, PermissionDenied: as `plan.plan`.
        """
        return plan(self._unit, selection, act, args)

    def start(
        self, selection: Selection, act: str, args: Args, *, digest: str, reason: str = ""
    ) -> BulkChange:
        """Begin a change that was planned; the worker goes through the devices.

        Args:
            digest: of the plan that its author looked at.

        Raises:
            InvalidInput, NotFound, PermissionDenied: as `plan`.
            Conflict: nobody would be changed, or the fleet changed since the plan was made.
        """
        planned = self.plan(selection, act, args)
        if not planned.included:
            first = planned.excluded[0] if planned.excluded else None
            why = f"{first.device_id}: {first.why}" if first else "no device was chosen"
            raise Conflict(f"nobody would be changed; {why}", code="nobody_included")
        if digest != planned.digest:
            raise Conflict(
                "the devices changed since the plan was made; look at the new plan",
                code="plan_changed",
                digest=planned.digest,
            )
        return self._make(
            act,
            planned.args,
            selection.document(),
            reason,
            [(item.key, item.device_id, item.group_path, None) for item in planned.included],
        )

    def undo(self, bulk_id: str, reason: str = "") -> BulkChange:
        """Take back what a change did, device by device, to what was there before.

        Raises:
            NotFound: no such change, or not for this actor's eyes.
            Conflict: it still runs, was taken back already, or cannot be.
        """
        change = self._locked(bulk_id)
        back = ACTS[change.act].undone_by
        if not back:
            raise Conflict(f"what was {ACTS[change.act].past} is not taken back here")
        if change.state == models.RUNNING:
            raise Conflict("it still runs; stop it first")
        taken = select(BulkChange.id).where(BulkChange.undoes == change.id)
        if self._session.scalar(taken):
            raise Conflict("it was taken back already", code="undone")
        act = ACTS[back]
        self._unit.actor.require_somewhere(act.permission)
        rows = self._session.execute(
            select(BulkItem.device_key, BulkItem.device_id, Group.path, BulkItem.undo)
            .join(Device, Device.id == BulkItem.device_key)
            .join(Group, Group.id == Device.group_id)
            .where(
                BulkItem.bulk_id == change.id,
                BulkItem.state == models.CHANGED,
                Device.deleted_at.is_not(None) if act.of_deleted else Device.deleted_at.is_(None),
            )
        )
        items = [(key, name, path, args) for key, name, path, args in rows if args is not None]
        if not items:
            raise Conflict("it changed nothing that can be taken back")
        return self._make(back, {}, {"undo": change.id}, reason, items, undoes=change.id)

    def cancel(self, bulk_id: str, reason: str = "") -> BulkChange:
        """Stop a change where it stands; what is changed stays changed.

        Raises:
            NotFound: as `undo`.
            Conflict: it has ended.
        """
        change = self._locked(bulk_id)
        if change.state != models.RUNNING:
            raise Conflict("it has ended already")
        change.state, change.ended_at = models.CANCELED, self._unit.now()
        self._note("bulk.cancel", change, reason)
        return change

    def get(self, bulk_id: str) -> BulkChange:
        """Look at one.

        Raises:
            NotFound: no such change, or not for this actor's eyes.
        """
        statement = select(BulkChange).where(BulkChange.id == bulk_id, self._seen())
        change = self._session.scalars(statement).one_or_none()
        if change is None:
            raise NotFound("bulk change", bulk_id)
        return change

    def undone_by(self, bulk_id: str) -> str | None:
        """Give the id of the change that took this one back, None where none did."""
        return self._session.scalar(select(BulkChange.id).where(BulkChange.undoes == bulk_id))

    def list(self, page: PageRequest) -> Page[BulkChange]:
        """List changes, newest first.

        Raises:
            PermissionDenied: without devices:read anywhere.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        statement = select(BulkChange).where(self._seen())
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST_FIRST, page, most)

    def items(self, bulk_id: str, page: PageRequest, state: str = "") -> Page[BulkItem]:
        """List the devices of a change that the actor may read.

        Raises:
            NotFound: as `get`.
            InvalidInput: no such state, or the cursor does not fit.
        """
        change = self.get(bulk_id)
        if state and state not in models.ITEM_STATES:
            raise InvalidInput(f"a state is one of {', '.join(models.ITEM_STATES)}", where="state")
        statement = (
            select(BulkItem)
            .join(Device, Device.id == BulkItem.device_key)
            .where(
                BulkItem.bulk_id == change.id,
                in_permitted_group(self._unit.actor, Permission.DEVICES_READ, Device.group_id),
            )
        )
        if state:
            statement = statement.where(BulkItem.state == state)
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _BY_DEVICE, page, most)

    def _make(
        self,
        act: str,
        args: Args,
        selection: dict[str, Any],
        reason: str,
        items: Iterable[tuple[int, str, str, Args | None]],
        *,
        undoes: str | None = None,
    ) -> BulkChange:
        unit, chosen = self._unit, list(items)
        change = BulkChange(
            id=uuid7(unit.now()),
            act=act,
            args=args,
            selection=selection,
            reason=clean(reason),
            group_path=common_path(path for _key, _name, path, _args in chosen),
            author_kind=unit.actor.kind,
            author_id=unit.actor.id,
            author_name=unit.actor.name[:254],
            state=models.RUNNING,
            total=len(chosen),
            changed=0,
            skipped=0,
            undoes=undoes,
            created_at=unit.now(),
        )
        self._session.add(change)
        self._session.flush()
        for start in range(0, len(chosen), ROWS):
            rows = [
                {"bulk_id": change.id, "device_key": key, "device_id": name, "args": own}
                for key, name, _path, own in chosen[start : start + ROWS]
            ]
            self._session.execute(insert(BulkItem), rows)
        self._note("bulk.undo" if undoes else "bulk.start", change, reason)
        unit.outbox.add(Wake(WAKE_BULK))
        return change

    def _seen(self) -> ColumnElement[bool]:
        actor = self._unit.actor
        mine = (BulkChange.author_kind == actor.kind) & (BulkChange.author_id == actor.id)
        return or_(permitted(actor, Permission.DEVICES_READ, BulkChange.group_path), mine)

    def _locked(self, bulk_id: str) -> BulkChange:
        change = self.get(bulk_id)
        act = ACTS[change.act]
        if not self._unit.actor.may(act.permission, change.group_path):
            group = self._session.scalar(select(Group).where(Group.path == change.group_path))
            self._unit.actor.require(
                act.permission, change.group_path, group.name if group else "everywhere"
            )
        statement = (
            select(BulkChange)
            .where(BulkChange.id == change.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return self._session.scalars(statement).one()

    def _note(self, action: str, change: BulkChange, reason: str) -> None:
        audit.record(
            self._unit,
            action,
            "bulk",
            change.id,
            f"{ACTS[change.act].text}: {change.total} devices",
            after={"act": change.act, "args": change.args, "devices": change.total},
            reason=reason,
        )


def why_text(item: BulkItem) -> str:
    """Say why a device was left as it is, "" where it was changed."""
    return item.detail or AGAINST.get(item.why, item.why)
