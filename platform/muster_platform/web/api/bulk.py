"""Bulk changes: many devices of the registry at once, planned before they are made."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.bulk.models import BulkChange, BulkItem
from muster_platform.devices.bulk.plan import SHOWN
from muster_platform.devices.bulk.service import BulkService, why_text
from muster_platform.devices.selection import Selection
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Input, Listed, PageQuery, Reason
from muster_platform.web.api.device_selection import DeviceSelection
from muster_platform.web.api.jobs import JOB_BODY_BYTES, Because, LeftOut
from muster_platform.web.api.routing import Routes

routes = Routes("Bulk changes")

READ = Permission.DEVICES_READ
WRITE = Permission.DEVICES_WRITE
BulkAct = Literal["move", "tag", "disable", "enable", "delete"]
BulkState = Literal["RUNNING", "DONE", "CANCELED"]
ItemState = Literal["PENDING", "CHANGED", "SKIPPED"]


class BulkSelection(Input, kw_only=True):
    """Who is meant: exactly one of device ids and a filter of the device list."""

    devices: Annotated[list[DeviceId], Meta(min_length=1)] | None = None
    filter: DeviceSelection | None = None

    def selection(self) -> Selection:
        """Give it as the service takes it.

        Raises:
            InvalidInput: both, or neither.
        """
        if (self.devices is None) == (self.filter is None):
            raise InvalidInput("give either devices or filter", where="selection")
        if self.filter is not None:
            return Selection(filter=self.filter.filter())
        return Selection(devices=tuple(dict.fromkeys(self.devices or ())))


class BulkRequest(Input, kw_only=True):
    """What is to be done to whom.

    Attributes:
        args: of move `{"group": id}`, of tag `{"add": {name: value}, "remove": [names]}`, else
            none.
    """

    selection: BulkSelection
    act: BulkAct
    args: dict[str, Any] = {}


class BulkStart(BulkRequest, kw_only=True):
    """A change as it was planned.

    Attributes:
        digest: of the plan: another fleet than the one that was looked at is refused.
    """

    digest: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Reason = ""


class BulkDevice(msgspec.Struct, kw_only=True):
    """A device that is in."""

    device_id: str
    display_name: str
    group: str


class BulkPlanAnswer(msgspec.Struct, kw_only=True):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    digest: str
    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[BulkDevice]
    excluded: list[LeftOut]


class BulkAnswer(msgspec.Struct, kw_only=True):
    """A change and how far it is; times are ms since the epoch.

    Attributes:
        undoes: id of the change that this one takes back.
        undone_by: id of the change that took this one back.
    """

    id: str
    act: str
    args: dict[str, Any]
    reason: str
    author_name: str
    state: BulkState
    total: int
    changed: int
    skipped: int
    undoes: str | None
    undone_by: str | None
    created_at: int
    ended_at: int | None


class BulkItemAnswer(msgspec.Struct, kw_only=True):
    """One device of a change; `code` and `why` say what kept it from being changed."""

    device_id: str
    state: ItemState
    code: str
    why: str


class BulkItemQuery(PageQuery, kw_only=True):
    """Which devices of a change."""

    state: ItemState | None = None


@routes.add(
    "POST",
    "/bulk/plan",
    permission=WRITE,
    writes=False,
    errors=(NotFound,),
    body_bytes=JOB_BODY_BYTES,
)
def plan_bulk_change(unit: Unit, body: BulkRequest) -> BulkPlanAnswer:
    """Say who a change would be for, who not and why. Changes nothing.

    Deleting needs devices:delete.
    """
    plan = BulkService(unit).plan(body.selection.selection(), body.act, body.args)
    return BulkPlanAnswer(
        digest=plan.digest,
        included_count=len(plan.included),
        excluded_count=len(plan.excluded),
        excluded_by_code=plan.excluded_by_code,
        included=[
            BulkDevice(device_id=item.device_id, display_name=item.display_name, group=item.group)
            for item in plan.included[:SHOWN]
        ],
        excluded=[
            LeftOut(device_id=item.device_id, code=item.code, why=item.why)
            for item in plan.excluded[:SHOWN]
        ],
    )


@routes.add(
    "POST",
    "/bulk",
    permission=WRITE,
    status=202,
    errors=(Conflict, NotFound),
    idempotent=True,
    body_bytes=JOB_BODY_BYTES,
)
def start_bulk_change(unit: Unit, body: BulkStart) -> BulkAnswer:
    """Begin a change that was planned; it goes on by itself.

    Each device is changed with the rights that its author has then. Deleting needs
    devices:delete.
    """
    service = BulkService(unit)
    change = service.start(
        body.selection.selection(), body.act, body.args, digest=body.digest, reason=body.reason
    )
    return _answer(service, change)


@routes.add("GET", "/bulk", permission=READ)
def list_bulk_changes(unit: Unit, query: PageQuery) -> Listed[BulkAnswer]:
    """List changes, newest first."""
    service = BulkService(unit)
    page = service.list(query.page())
    return Listed(
        items=[_answer(service, item) for item in page.items], next_cursor=page.next_cursor
    )


@routes.add("GET", "/bulk/{bulk_id}", permission=READ, errors=(NotFound,))
def get_bulk_change(unit: Unit, bulk_id: str) -> BulkAnswer:
    """Look at a change."""
    service = BulkService(unit)
    return _answer(service, service.get(bulk_id))


@routes.add("GET", "/bulk/{bulk_id}/items", permission=READ, errors=(NotFound,))
def list_bulk_items(unit: Unit, bulk_id: str, query: BulkItemQuery) -> Listed[BulkItemAnswer]:
    """List the devices of a change and what became of each."""
    page = BulkService(unit).items(bulk_id, query.page(), query.state or "")
    return Listed(items=[_item(row) for row in page.items], next_cursor=page.next_cursor)


@routes.add("POST", "/bulk/{bulk_id}/cancel", permission=WRITE, errors=(Conflict, NotFound))
def cancel_bulk_change(unit: Unit, bulk_id: str, body: Because) -> BulkAnswer:
    """Stop a change where it stands; what is changed stays changed."""
    service = BulkService(unit)
    return _answer(service, service.cancel(bulk_id, body.reason))


@routes.add(
    "POST",
    "/bulk/{bulk_id}/undo",
    permission=WRITE,
    status=202,
    errors=(Conflict, NotFound),
)
def undo_bulk_change(unit: Unit, bulk_id: str, body: Because) -> BulkAnswer:
    """Take a change back: every device gets what it had before."""
    service = BulkService(unit)
    return _answer(service, service.undo(bulk_id, body.reason))


def _answer(service: BulkService, change: BulkChange) -> BulkAnswer:
    names = ("id", "act", "args", "reason", "author_name", "state", "total", "changed", "skipped")
    plain = {name: getattr(change, name) for name in names}
    return BulkAnswer(
        **plain,
        undoes=change.undoes,
        undone_by=service.undone_by(change.id),
        created_at=change.created_at,
        ended_at=change.ended_at,
    )


def _item(row: BulkItem) -> BulkItemAnswer:
    return BulkItemAnswer(
        device_id=row.device_id,
        state=row.state,  # type: ignore[arg-type]
        code=row.why,
        why=why_text(row),
    )
