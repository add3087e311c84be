"""Import of a list of devices."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.import_plan import Options, Status
from muster_platform.devices.import_rules import BYTES
from muster_platform.devices.importing import ImportReport, ImportService
from muster_platform.errors import Conflict, NotFound
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key
from muster_platform.web.api.routing import Routes

routes = Routes("Import")

BODY_BYTES = 2 * BYTES + 64 * 1024
"""JSON writes a line's end and a quote as two characters."""


class DeviceList(Input, kw_only=True):
    """A list of devices, and what to do with it.

    Attributes:
        csv: its text; columns device_id, profile, group, display_name, tags, gateway.
        apply: do it, all or nothing; false: say what would be done.
        update_existing: devices that are registered already are changed.
        make_secrets: new devices get a secret, shown in this answer and never again.
        group_id: home of new devices whose line names no group.
    """

    csv: Annotated[str, Meta(max_length=BYTES)]
    apply: bool = False
    update_existing: bool = False
    make_secrets: bool = False
    group_id: Key | None = None


class ImportLine(msgspec.Struct, kw_only=True):
    """What becomes of one line.

    Attributes:
        line: its number in the list.
        column: the one at fault.
        changes: {field: [before, after]}.
    """

    line: int
    device_id: str
    status: Status
    why: str
    column: str
    changes: dict[str, tuple[Any, Any]]


class ImportAnswer(msgspec.Struct, kw_only=True):
    """What was planned, and whether it was done.

    Attributes:
        applied: all of it was done; false: nothing was.
        counts: lines by status.
        secrets: {device id: secret} of new devices; shown now and never again.
    """

    applied: bool
    counts: dict[str, int]
    rows: list[ImportLine]
    secrets: dict[str, str]


@routes.add(
    "POST",
    "/devices/import",
    permission=Permission.DEVICES_ENROL,
    errors=(Conflict, NotFound),
    body_bytes=BODY_BYTES,
)
def import_devices(unit: Unit, body: DeviceList) -> ImportAnswer:
    """Plan the import of a list of devices, or do it: all lines, or none.

    With `apply` and an invalid line nothing is done; `applied` is false and the lines say why.
    """
    service = ImportService(unit, DEVICE_HOOKS)
    options = Options(body.update_existing, body.make_secrets, body.group_id)
    found = service.apply(body.csv, options) if body.apply else service.plan(body.csv, options)
    return _answer(found)


def _answer(report: ImportReport) -> ImportAnswer:
    return ImportAnswer(
        applied=report.applied,
        counts=report.counts,
        rows=[msgspec.convert(row, ImportLine, from_attributes=True) for row in report.rows],
        secrets=report.secrets,
    )
