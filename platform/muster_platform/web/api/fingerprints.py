"""Faults: what logs report, grouped, and what people decide about it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict, NotFound, PreconditionFailed
from muster_platform.logs.fingerprint_acts import NOTE_CHARS, Decision, FingerprintActs
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.fingerprint_views import (
    ActView,
    FingerprintFilter,
    FingerprintView,
    InVersion,
    OnDay,
    OnDevice,
)
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api import streaming
from muster_platform.web.api.common import (
    Cursor,
    DeviceId,
    Input,
    Key,
    Limit,
    Listed,
    Millis,
    PageQuery,
    Reason,
    listed,
)
from muster_platform.web.api.routing import Csv, Routes
from muster_platform.web.site.csv_safe import lines

routes = Routes("Fingerprints")

READ, WRITE = Permission.LOGS_READ, Permission.LOGS_WRITE

Version = Annotated[str, Meta(max_length=128)]
UserId = Annotated[str, Meta(min_length=1, max_length=36)]


class FingerprintChoice(Input, kw_only=True):
    """Which faults.

    Attributes:
        state: any of these.
        text: words that all occur in the title.
        version: of the app, that it was seen in.
        assignee: id of a user; "" for those of nobody.
        since: seen since then; new_since: seen first since then.
        sort: last_seen, first_seen, count or devices.
    """

    state: list[FingerprintState] = []
    text: Annotated[str, Meta(max_length=200)] = ""
    device_id: DeviceId | None = None
    group: Key | None = None
    version: Version | None = None
    assignee: Annotated[str, Meta(max_length=36)] | None = None
    since: Millis | None = None
    new_since: Millis | None = None
    sort: Annotated[str, Meta(max_length=16)] = "last_seen"
    descending: bool = True

    def filter(self) -> FingerprintFilter:
        """Give it as the service takes it."""
        return FingerprintFilter(
            states=frozenset(self.state),
            text=self.text,
            device_id=self.device_id,
            group_id=self.group,
            version=self.version,
            assignee=self.assignee,
            since=self.since,
            new_since=self.new_since,
            sort=self.sort,
            descending=self.descending,
        )


class FingerprintQuery(FingerprintChoice, kw_only=True):
    """Which faults, and which part of them."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class FingerprintAnswer(msgspec.Struct, kw_only=True):
    """A fault with its versions and its trend.

    Attributes:
        versions: of the app, newest version first.
        days: records of each of the last 30 days, oldest first.
    """

    fingerprint: FingerprintView
    versions: list[InVersion]
    days: list[OnDay]
    version: int


class DecisionBody(Input, kw_only=True):
    """What to change; what is left out stays.

    Attributes:
        state: OPEN, RESOLVED or IGNORED.
        resolved_in: version of the app that no longer has it; only with RESOLVED.
        assignee_id: id of a user, null for nobody.
        note: read by everybody who sees the fingerprint.
    """

    state: FingerprintState | UnsetType = UNSET
    resolved_in: Version = ""
    assignee_id: UserId | UnsetType | None = UNSET
    note: Annotated[str, Meta(max_length=NOTE_CHARS)] | UnsetType = UNSET
    reason: Reason = ""


@routes.add("GET", "/fingerprints", permission=READ, errors=(NotFound,))
def list_fingerprints(unit: Unit, query: FingerprintQuery) -> Listed[FingerprintView]:
    """List faults, the latest first; counted over the devices whose logs you may read."""
    page = PageRequest(query.limit, query.cursor)
    return listed(FingerprintService(unit).search(query.filter(), page))


@routes.add("GET", "/fingerprints.csv", permission=READ, errors=(NotFound,))
def export_fingerprints(unit: Unit, query: FingerprintChoice) -> Csv:
    """Export faults as CSV; no cell is a formula. Ends after the setting `export_rows_max`."""
    wanted = query.filter()
    found = streaming.rows(unit, lambda own, page: FingerprintService(own).search(wanted, page))
    sent: Csv = streaming.answer(Csv, lines(CSV_HEADER, map(row_of, found)))
    return sent


@routes.add("GET", "/fingerprints/{fingerprint}", permission=READ, etag="version")
def get_fingerprint(unit: Unit, fingerprint: str) -> FingerprintAnswer:
    """Show a fault with its versions and its trend."""
    service = FingerprintService(unit)
    view = service.get(fingerprint)
    return FingerprintAnswer(
        fingerprint=view,
        versions=service.versions(fingerprint),
        days=service.trend(fingerprint),
        version=view.version,
    )


@routes.add("GET", "/fingerprints/{fingerprint}/devices", permission=READ)
def list_fingerprint_devices(unit: Unit, fingerprint: str, query: PageQuery) -> Listed[OnDevice]:
    """List the devices that a fault was seen on, the latest first."""
    return listed(FingerprintService(unit).on_devices(fingerprint, query.page()))


@routes.add("GET", "/fingerprints/{fingerprint}/acts", permission=READ)
def list_fingerprint_acts(unit: Unit, fingerprint: str) -> Listed[ActView]:
    """List what was done to a fault, newest first."""
    return Listed(items=FingerprintService(unit).acts(fingerprint))


@routes.add(
    "PATCH",
    "/fingerprints/{fingerprint}",
    permission=WRITE,
    errors=(NotFound, Conflict, PreconditionFailed),
    etag="version",
)
def update_fingerprint(
    unit: Unit, fingerprint: str, body: DecisionBody, if_match: int | None
) -> FingerprintView:
    """Assign, resolve, ignore, open again, note; needs the permission wherever it was seen."""
    decision = Decision(**{name: getattr(body, name) for name in DecisionBody.__struct_fields__})
    return FingerprintActs(unit).decide(fingerprint, decision, if_version=if_match)


CSV_HEADER = (
    *("id", "title", "exception_type", "logger", "level", "state", "assignee", "count", "devices"),
    *("first_seen", "last_seen", "versions", "resolved_in", "resolved_at", "regressed_at", "note"),
)


def row_of(view: FingerprintView) -> tuple[object, ...]:
    """Give a fault as a line of the CSV export."""
    return (
        *(view.id, view.title, view.exception_type, view.logger, view.level, view.state),
        *(view.assignee_name, view.count, view.devices, view.first_seen, view.last_seen),
        *(" ".join(view.versions), view.resolved_in, view.resolved_at, view.regressed_at),
        view.note,
    )
