"""The platform's side of the broker's contract: who may connect, who no longer may."""

from sqlalchemy import select

from muster_broker.accounts.contract import (
    BAD_CREDENTIALS,
    NOT_ALLOWED,
    CheckAnswer,
    CheckRequest,
    ConnectAnswer,
    ConnectRequest,
)
from muster_platform.devices.credentials import verify
from muster_platform.devices.models import Device
from muster_platform.unit import Unit

CACHE_S = 60
"""How long a broker may reuse an admission: bounds what a lost kick costs."""


def answer_connect(unit: Unit, request: ConnectRequest) -> ConnectAnswer:
    """Decide whether a device may connect; client id, user name and device id are one."""
    device = None
    if request.client_id == request.username:
        device = verify(unit.session, request.client_id, request.password, unit.now())
    if device is None:
        return ConnectAnswer(allow=False, reason=BAD_CREDENTIALS)
    if device.disabled_at is not None:
        return ConnectAnswer(allow=False, reason=NOT_ALLOWED)
    return ConnectAnswer(allow=True, cache_s=CACHE_S)


def answer_check(unit: Unit, request: CheckRequest) -> CheckAnswer:
    """Say which of the connected devices may no longer be: disabled, deleted, unknown."""
    allowed = set(
        unit.session.scalars(
            select(Device.device_id).where(
                Device.device_id.in_(request.device_ids),
                Device.deleted_at.is_(None),
                Device.disabled_at.is_(None),
            )
        )
    )
    return CheckAnswer(refused=[item for item in request.device_ids if item not in allowed])
