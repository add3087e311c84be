"""Devices that wait for approval: listed, let in, refused."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.approval import MANY, ApprovalService
from muster_platform.devices.enrolment_models import EnrolmentRequest
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key, Listed, PageQuery, Reason
from muster_platform.web.api.routing import Routes

routes = Routes("Approval")

ENROL = Permission.DEVICES_ENROL
RequestId = Annotated[str, Meta(min_length=1, max_length=64)]


class RequestQuery(PageQuery, kw_only=True):
    """Which requests; those that wait unless another state is named."""

    state: Literal["PENDING", "APPROVED", "REJECTED", "EXPIRED"] = "PENDING"


class RequestAnswer(msgspec.Struct, kw_only=True):
    """A device that asked to be let in. Times are ms since the epoch.

    Attributes:
        attributes: what it tells of itself; claims.
        count: how often it has asked.
        used_at: when it fetched its secret.
    """

    id: str
    device_id: str
    install_id: str
    address: str
    attributes: dict[str, Any]
    token_id: str
    token_name: str
    profile: str
    group_id: int
    state: str
    count: int
    first_asked_at: int
    last_asked_at: int
    decided_by: str | None
    decided_at: int | None
    reason: str
    used_at: int | None


class Approval(Input, kw_only=True):
    """Which devices to let in, all or none.

    Attributes:
        group_id: home of those not registered yet, inside the token's group.
        display_name: for a single one.
    """

    requests: Annotated[list[RequestId], Meta(min_length=1, max_length=MANY)]
    group_id: Key | None = None
    display_name: Annotated[str, Meta(max_length=128)] = ""
    reason: Reason = ""


class Rejection(Input, kw_only=True):
    """Which devices to refuse, and why: they are told so."""

    requests: Annotated[list[RequestId], Meta(min_length=1, max_length=MANY)]
    reason: Reason = ""


@routes.add("GET", "/enrolment-requests", permission=ENROL)
def list_requests(unit: Unit, query: RequestQuery) -> Listed[RequestAnswer]:
    """List devices that asked to be let in, newest first."""
    page = ApprovalService(unit).list(query.state, query.page())
    return Listed(items=[_answer(row) for row in page.items], next_cursor=page.next_cursor)


@routes.add("POST", "/enrolment-requests/approve", permission=ENROL, errors=(Conflict,))
def approve_requests(unit: Unit, body: Approval) -> Listed[RequestAnswer]:
    """Let devices in; each gets its secret when it asks again."""
    rows = ApprovalService(unit).approve(
        body.requests,
        group_id=body.group_id,
        display_name=body.display_name,
        reason=body.reason,
    )
    return Listed(items=[_answer(row) for row in rows])


@routes.add("POST", "/enrolment-requests/reject", permission=ENROL, errors=(Conflict,))
def reject_requests(unit: Unit, body: Rejection) -> Listed[RequestAnswer]:
    """Refuse devices; approving them later undoes it."""
    rows = ApprovalService(unit).reject(body.requests, body.reason)
    return Listed(items=[_answer(row) for row in rows])


def _answer(row: EnrolmentRequest) -> RequestAnswer:
    names = [
        name
        for name in RequestAnswer.__struct_fields__
        if name not in ("token_name", "profile", "group_id")
    ]
    return RequestAnswer(
        **{name: getattr(row, name) for name in names},
        token_name=row.token.name,
        profile=row.token.profile.name,
        group_id=row.token.group_id,
    )
