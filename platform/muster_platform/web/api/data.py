"""What devices said: telemetry, inventory, ledger, timeline, quarantine."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import select

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import TIMELINE
from muster_platform.devices.ledger_view import LedgerService, LedgerView
from muster_platform.devices.models import InventoryItem
from muster_platform.devices.sampling import POINTS_MAX
from muster_platform.devices.service import DeviceService
from muster_platform.devices.telemetry import (
    HISTORY_POINTS,
    HISTORY_POINTS_MAX,
    History,
    Latest,
    TelemetryService,
)
from muster_platform.devices.timeline import TimelineLine, TimelineService
from muster_platform.unit import Unit
from muster_platform.web import values_csv
from muster_platform.web.api.common import Input, Listed, Millis, PageQuery, listed
from muster_platform.web.api.routing import Csv, Routes

routes = Routes("Device data")

READ = Permission.DEVICES_READ


class HistoryQuery(Input, kw_only=True):
    """Which values of which metric: the newest `limit` of them, given oldest first.

    With `points` they are gathered into at most so many buckets instead.
    """

    metric: Annotated[str, Meta(min_length=1, max_length=160)]
    since: Millis | None = None
    until: Millis | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_POINTS_MAX)] = HISTORY_POINTS
    points: Annotated[int, Meta(ge=1, le=POINTS_MAX)] | None = None


class ValuesQuery(Input, kw_only=True):
    """Values of which metrics (all when none is named), of which time."""

    metric: list[Annotated[str, Meta(min_length=1, max_length=160)]] = []
    since: Millis | None = None
    until: Millis | None = None


class InventoryLine(msgspec.Struct, kw_only=True):
    """A component, and since when (ms since the epoch) it is in this version."""

    component: str
    version: str
    since: int


@routes.add("GET", "/devices/{device_id}/telemetry", permission=Permission.TELEMETRY_READ)
def list_latest(unit: Unit, device_id: str) -> Listed[Latest]:
    """List the newest value of every metric of a device."""
    return Listed(items=TelemetryService(unit).latest(device_id))


@routes.add("GET", "/devices/{device_id}/telemetry/history", permission=Permission.TELEMETRY_READ)
def get_history(unit: Unit, device_id: str, query: HistoryQuery) -> History:
    """Get the values of a metric within a time: the newest, or gathered into buckets."""
    service = TelemetryService(unit)
    if query.points is not None:
        return service.sampled(device_id, query.metric, query.since, query.until, query.points)
    return service.history(device_id, query.metric, query.since, query.until, query.limit)


@routes.add("GET", "/devices/{device_id}/telemetry.csv", permission=Permission.TELEMETRY_READ)
def export_telemetry(unit: Unit, device_id: str, query: ValuesQuery) -> Csv:
    """Export values as they were sent as CSV, oldest first; no cell is a formula.

    Ends after the setting `export_rows_max`.
    """
    rows = TelemetryService(unit).raw(device_id, query.metric, query.since, query.until)
    return Csv("".join(values_csv.lines(rows)))


@routes.add("GET", "/devices/{device_id}/inventory", permission=READ)
def list_inventory(unit: Unit, device_id: str) -> Listed[InventoryLine]:
    """List the components that a device says it has."""
    device = DeviceService(unit).get(device_id)
    rows = unit.session.scalars(
        select(InventoryItem)
        .where(InventoryItem.device_key == device.id)
        .order_by(InventoryItem.component)
    )
    return Listed(items=[msgspec.convert(row, InventoryLine, from_attributes=True) for row in rows])


@routes.add("GET", "/devices/{device_id}/ledger", permission=READ)
def get_ledger(unit: Unit, device_id: str) -> LedgerView:
    """Get what a device sent, and what of it is stored, doubled, missing, quarantined."""
    return LedgerService(unit).of(device_id)


@routes.add("GET", "/devices/{device_id}/timeline", permission=READ)
def list_timeline(unit: Unit, device_id: str, query: PageQuery) -> Listed[TimelineLine]:
    """List what happened to a device, newest first: presence, acts of people, executions."""
    return listed(TimelineService(unit, TIMELINE).list(device_id, query.page()))
