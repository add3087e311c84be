"""Approval: devices that ask to be let in wait in a list until a person decides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, func, select

from muster_platform.access import audit
from muster_platform.access.models import Group
from muster_platform.access.narrow import in_permitted_group, require_on
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean, clean_json
from muster_platform.devices.enrolment_models import EnrolmentRequest
from muster_platform.devices.find import live_device
from muster_platform.devices.models import Device, EnrolmentToken
from muster_platform.devices.rows import add_device, add_event
from muster_platform.devices.service import require_group
from muster_platform.errors import Conflict, InvalidInput, NotFound, RateLimited, Rejected
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.ids import DEVICE_ID_PATTERN, is_device_id, uuid7

State = Literal["PENDING", "APPROVED", "REJECTED", "EXPIRED"]
STATES: tuple[State, ...] = ("PENDING", "APPROVED", "REJECTED", "EXPIRED")
ATTRIBUTES = 32
ATTRIBUTE_BYTES = 4_096
"""Most of what an asking device may tell of itself: nobody has let it in yet."""
REASON_CHARS = 1_000
MANY = 500
"""Most requests decided in one act."""

_NEWEST: Order[EnrolmentRequest] = Order(
    "requests", (Key(EnrolmentRequest.__table__.c.id, str, lambda row: row.id),), descending=True
)


@dataclass(frozen=True, slots=True)
class Told:
    """What an asking device tells, and where it asks from.

    Attributes:
        attributes: {name: value}, such as model and serial number.
    """

    address: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


class ApprovalService:
    """What people do with devices that wait."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, state: str | None, page: PageRequest) -> Page[EnrolmentRequest]:
        """List requests by tokens of groups that the actor may enrol into, newest first.

        Raises:
            PermissionDenied: without devices:enrol on any group.
            InvalidInput: no such state, or the cursor does not fit.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_ENROL)
        statement = select(EnrolmentRequest).join(EnrolmentToken).where(self._enrollable())
        if state is not None:
            if state not in STATES:
                raise InvalidInput(f"state is one of {', '.join(STATES)}", where="state")
            statement = statement.where(EnrolmentRequest.state == state)
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST, page, most)

    def waiting(self) -> int:
        """Count the devices that wait for this actor's word; 0 for one who may decide nowhere."""
        if not self._unit.actor.may_somewhere(Permission.DEVICES_ENROL):
            return 0
        statement = select(func.count(EnrolmentRequest.id)).join(EnrolmentToken)
        narrowed = statement.where(EnrolmentRequest.state == "PENDING", self._enrollable())
        return int(self._session.scalar(narrowed) or 0)

    def get(self, request_id: str) -> EnrolmentRequest:
        """Get one.

        Raises:
            NotFound: no such request by a token of a group that the actor may read.
            PermissionDenied: without devices:enrol on that group.
        """
        found = self._session.scalar(
            select(EnrolmentRequest)
            .where(EnrolmentRequest.id == request_id)
            .with_for_update(of=EnrolmentRequest)
        )
        if found is None:
            raise NotFound("enrolment request", request_id)
        require_on(
            self._unit.actor,
            Permission.DEVICES_ENROL,
            found.token.group,
            read=Permission.GROUPS_READ,
            kind="enrolment request",
            name=request_id,
        )
        return found

    def approve(
        self,
        request_ids: Sequence[str],
        *,
        group_id: int | None = None,
        display_name: str = "",
        reason: str = "",
    ) -> Sequence[EnrolmentRequest]:
        """Let devices in: all of those named, or none; each fetches its secret by asking again.

        Args:
            group_id: home of those that are not registered yet; the token's when None.
            display_name: for a single one that is not registered yet.

        Raises:
            NotFound, PermissionDenied: as `get`, or for the group.
            InvalidInput: the group is not inside the token's, or a name for several.
            Conflict: it was decided already, its token no longer holds, or a device of that id
                is registered elsewhere.
        """
        if display_name and len(request_ids) > 1:
            raise InvalidInput("a name is for one device, not for several", where="display_name")
        group = None
        if group_id is not None:
            group = require_group(self._unit, group_id, Permission.DEVICES_ENROL)
        return [self._approve(row, group, display_name, reason) for row in self._all(request_ids)]

    def reject(self, request_ids: Sequence[str], reason: str = "") -> Sequence[EnrolmentRequest]:
        """Refuse devices: those named are told so when they ask again; approving undoes it.

        Raises:
            NotFound, PermissionDenied: as `get`.
            Conflict: it was decided already.
        """
        found = self._all(request_ids)
        for row in found:
            if row.state != "PENDING":
                raise _decided(row)
            self._decide(row, "REJECTED", reason)
        return found

    def _all(self, request_ids: Sequence[str]) -> Sequence[EnrolmentRequest]:
        if not 1 <= len(request_ids) <= MANY:
            raise InvalidInput(f"name 1 to {MANY} requests", where="requests")
        return [self.get(one) for one in sorted(set(request_ids))]

    def _approve(
        self, row: EnrolmentRequest, group: Group | None, display_name: str, reason: str
    ) -> EnrolmentRequest:
        if row.state not in ("PENDING", "REJECTED"):
            raise _decided(row)
        token = row.token
        if (
            token.revoked_at is not None
            or (token.expires_at or self._unit.now()) < self._unit.now()
        ):
            raise Conflict(
                f"the token {token.name} no longer holds; {row.device_id} must ask with another",
                code="token_ended",
            )
        device = live_device(self._session, row.device_id)
        if device is None:
            home = group or token.group
            if not home.path.startswith(token.group.path):
                raise InvalidInput(
                    f"{home.name} is not inside {token.group.name}, the token's group",
                    where="group_id",
                )
            device = add_device(
                self._unit, row.device_id, token.profile, home, display_name=display_name
            )
        check_fits(token, device)
        row.device_key = device.id
        self._decide(row, "APPROVED", reason)
        add_event(self._unit, device, "enrolment", f"Approved by {self._unit.actor.name}")
        return row

    def _decide(self, row: EnrolmentRequest, state: State, reason: str) -> None:
        before = row.state
        row.state, row.reason = state, clean(reason)[:REASON_CHARS]
        row.decided_by, row.decided_at = self._unit.actor.name[:254], self._unit.now()
        self._session.flush()
        audit.record(
            self._unit,
            "enrolment_request.approve" if state == "APPROVED" else "enrolment_request.reject",
            "enrolment_request",
            row.id,
            row.device_id,
            before={"state": before},
            after={"state": state, "token": row.token.name, "address": row.address},
            reason=reason,
            device_key=row.device_key,
        )

    def _enrollable(self) -> ColumnElement[bool]:
        actor = self._unit.actor
        return in_permitted_group(actor, Permission.DEVICES_ENROL, EnrolmentToken.group_id)


def check_fits(token: EnrolmentToken, device: Device) -> None:
    """Refuse a registered device that a token is not for.

    Raises:
        Conflict: it is a child, disabled, or of another profile or group.
    """
    if device.gateway_id is not None:
        raise Conflict(f"{device.device_id} is a child: its gateway enrols", code="child")
    if device.disabled_at is not None:
        raise Conflict(f"{device.device_id} is disabled", code="disabled")
    if device.profile_id != token.profile_id or not device.group.path.startswith(token.group.path):
        raise Conflict(
            f"{device.device_id} is registered with another profile or group than this "
            "enrolment token is for",
            code="other_scope",
        )


def ask(
    unit: Unit, token: EnrolmentToken, device_id: str, install_id: str, told: Told
) -> EnrolmentRequest:
    """Note that a device asks; the same device and installation is the same request.

    The caller holds the token's row, so that the bound on those that wait is exact.

    Returns:
        PENDING: it has to wait. APPROVED: it may have its secret now, once.

    Raises:
        InvalidInput: not a device id.
        Rejected: a person said no.
        RateLimited: too many wait already.
    """
    if not is_device_id(device_id):
        raise InvalidInput(
            f"not a device id: {device_id[:80]!r}; it must match {DEVICE_ID_PATTERN}",
            where="device_id",
        )
    row = unit.session.scalar(
        select(EnrolmentRequest)
        .where(
            EnrolmentRequest.token_id == token.id,
            EnrolmentRequest.device_id == device_id,
            EnrolmentRequest.install_id == install_id,
        )
        .order_by(EnrolmentRequest.id.desc())
        .limit(1)
    )
    if row is not None and row.state == "REJECTED":
        why = f": {row.reason}" if row.reason else ""
        raise Rejected(f"{device_id} was not let in{why}; ask whoever runs this installation")
    if row is not None and row.state == "APPROVED" and row.used_at is None:
        if row.device_key is not None and _is_live(unit, row.device_key):
            return row
        row.state = "EXPIRED"  # what was approved is deleted by now
    if row is not None and row.state == "PENDING" and not _is_old(unit, row):
        row.count += 1
        row.last_asked_at = unit.now()
        row.address, row.attributes = clean(told.address)[:64], _bounded(told.attributes)
        return row
    if row is not None and row.state == "PENDING":
        row.state = "EXPIRED"
        unit.session.flush()
    return _open(unit, token, device_id, install_id, told)


def expire_requests(unit: Unit, limit: int) -> int:
    """Give up requests of devices that do not ask any more; give how many."""
    rows = unit.session.scalars(
        select(EnrolmentRequest)
        .where(EnrolmentRequest.state == "PENDING", EnrolmentRequest.last_asked_at < _oldest(unit))
        .limit(limit)
        .with_for_update(of=EnrolmentRequest, skip_locked=True)
    ).all()
    for row in rows:
        row.state = "EXPIRED"
    return len(rows)


def _open(
    unit: Unit, token: EnrolmentToken, device_id: str, install_id: str, told: Told
) -> EnrolmentRequest:
    waiting = unit.session.scalar(
        select(func.count(EnrolmentRequest.id)).where(
            EnrolmentRequest.token_id == token.id, EnrolmentRequest.state == "PENDING"
        )
    )
    if (waiting or 0) >= unit.settings.enrolment_requests_max:
        raise RateLimited(
            f"{waiting} devices wait for approval by this token already; come back later",
            unit.settings.enrolment_retry_s * 10,
        )
    row = EnrolmentRequest(
        id=uuid7(unit.now()),
        token=token,
        device_id=device_id,
        install_id=install_id,
        address=clean(told.address)[:64],
        attributes=_bounded(told.attributes),
        first_asked_at=unit.now(),
        last_asked_at=unit.now(),
        count=1,
        state="PENDING",
        reason="",
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _is_live(unit: Unit, device_key: int) -> bool:
    device = unit.session.get(Device, device_key)
    return device is not None and device.deleted_at is None


def _oldest(unit: Unit) -> int:
    return unit.now() - unit.settings.enrolment_request_s * 1000


def _is_old(unit: Unit, row: EnrolmentRequest) -> bool:
    return row.last_asked_at < _oldest(unit)


def _bounded(attributes: dict[str, Any]) -> dict[str, Any]:
    """Take as many attributes as fit; what is too large is left out, asking is what counts."""
    taken: dict[str, Any] = {}
    left = ATTRIBUTE_BYTES
    for name, value in list(clean_json(attributes).items())[:ATTRIBUTES]:
        size = len(msgspec.json.encode({name: value}))
        if size <= left:
            taken[name], left = value, left - size
    return taken


def _decided(row: EnrolmentRequest) -> Conflict:
    return Conflict(
        f"the request of {row.device_id} is {row.state} already"
        + (f", decided by {row.decided_by}" if row.decided_by else ""),
        code="decided",
    )
