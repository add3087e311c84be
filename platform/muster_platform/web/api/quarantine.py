"""The quarantine: messages that could not be taken; read again, or deleted."""

import base64
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Input, Listed, Millis, PageQuery, Reason
from muster_platform.web.api.routing import Routes

routes = Routes("Quarantine")

Code = Annotated[str, Meta(min_length=1, max_length=32)]
WRITE = Permission.SYSTEM_WRITE


class QuarantineQuery(PageQuery, kw_only=True):
    """Which messages."""

    device_id: DeviceId | None = None
    reason: Code | None = None
    since: Millis | None = None
    until: Millis | None = None


class QuarantineLine(msgspec.Struct, kw_only=True):
    """A message that could not be taken. Times are ms since the epoch.

    Attributes:
        reason: a code.
        detail: what was wrong with it, and where.
        replay_at: when somebody asked that it be read again; null: nobody did, or it was.
        size: of the payload in bytes.
    """

    id: int
    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    replay_at: int | None
    replay_by: str | None
    size: int


class QuarantineMessage(QuarantineLine, kw_only=True):
    """A message that could not be taken, whole; the payload's bytes in base64."""

    payload_base64: str


class QuarantineReason(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class QuarantineSelection(Input, kw_only=True):
    """Which messages, as in the list, and why it is done, for the audit log."""

    device_id: DeviceId | None = None
    reason: Code | None = None
    since: Millis | None = None
    until: Millis | None = None
    why: Reason = ""

    def filter(self) -> QuarantineFilter:
        """Give it as the service takes it."""
        return QuarantineFilter(self.device_id, self.reason, self.since, self.until)


class QuarantineCount(msgspec.Struct, kw_only=True):
    """How many messages it was done to."""

    count: int


@routes.add("GET", "/quarantine", permission=Permission.LOGS_READ)
def list_quarantine(unit: Unit, query: QuarantineQuery) -> Listed[QuarantineLine]:
    """List messages that could not be taken, newest first.

    Messages of unknown devices belong to no group and take system:read everywhere.
    """
    wanted = QuarantineFilter(query.device_id, query.reason, query.since, query.until)
    page = QuarantineService(unit).list(wanted, query.page())
    items = [QuarantineLine(**_fields(row)) for row in page.items]
    return Listed(items=items, next_cursor=page.next_cursor)


@routes.add("GET", "/quarantine/{message_id}", permission=Permission.LOGS_READ)
def get_quarantined(unit: Unit, message_id: int) -> QuarantineMessage:
    """Get a message that could not be taken, with its bytes."""
    return _whole(QuarantineService(unit).get(message_id))


@routes.add("POST", "/quarantine/{message_id}/replay", permission=WRITE)
def replay_quarantined(unit: Unit, message_id: int, body: QuarantineReason) -> QuarantineMessage:
    """Have a message read again, soon, with the time at which it was received."""
    return _whole(QuarantineService(unit).replay(message_id, body.reason))


@routes.add("DELETE", "/quarantine/{message_id}", permission=WRITE)
def delete_quarantined(unit: Unit, message_id: int, query: QuarantineReason) -> None:
    """Delete a message for good."""
    QuarantineService(unit).delete(message_id, query.reason)


@routes.add("POST", "/quarantine/replay", permission=WRITE, errors=(NotFound,))
def replay_quarantine(unit: Unit, body: QuarantineSelection) -> QuarantineCount:
    """Have the messages of a filter read again, the oldest 10,000 of them."""
    return QuarantineCount(count=QuarantineService(unit).replay_all(body.filter(), body.why))


@routes.add("POST", "/quarantine/delete", permission=WRITE, errors=(NotFound,))
def delete_quarantine(unit: Unit, body: QuarantineSelection) -> QuarantineCount:
    """Delete the messages of a filter for good, the oldest 10,000 of them."""
    return QuarantineCount(count=QuarantineService(unit).delete_all(body.filter(), body.why))


def _whole(row: Quarantined) -> QuarantineMessage:
    encoded = base64.b64encode(row.payload).decode("ascii")
    return QuarantineMessage(**_fields(row), payload_base64=encoded)


def _fields(row: Quarantined) -> dict[str, Any]:
    names = [name for name in QuarantineLine.__struct_fields__ if name != "size"]
    return {name: getattr(row, name) for name in names} | {"size": len(row.payload)}
