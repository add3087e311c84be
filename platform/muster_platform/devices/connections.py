"""The platform's side of the broker's contract: who may connect, who no longer may."""

from typing import NamedTuple

from sqlalchemy import select

from muster_broker.accounts.contract import (
    BAD_CREDENTIALS,
    NOT_ALLOWED,
    CheckAnswer,
    CheckRequest,
    ConnectAnswer,
    ConnectRequest,
)
from muster_platform.devices.credentials import is_use_news, prove
from muster_platform.devices.models import Device
from muster_platform.unit import Unit

CACHE_S = 60
"""How long a broker may reuse an admission: bounds what a lost kick costs."""


class Decision(NamedTuple):
    """What the broker is told, and the credential whose use is to be noted (None: no news)."""

    answer: ConnectAnswer
    used: str | None


def decide_connect(unit: Unit, request: ConnectRequest) -> Decision:
    """Decide whether a device may connect; client id, user name and device id are one."""
    proof = None
    if request.client_id == request.username:
        proof = prove(unit.session, request.client_id, request.password, unit.now())
    if proof is None:
        return Decision(ConnectAnswer(allow=False, reason=BAD_CREDENTIALS), None)
    if proof.device.disabled_at is not None:
        return Decision(ConnectAnswer(allow=False, reason=NOT_ALLOWED), None)
    used = proof.credential.id if is_use_news(proof.credential, unit.now()) else None
    return Decision(ConnectAnswer(allow=True, cache_s=CACHE_S), used)


def answer_connect(unit: Unit, request: ConnectRequest) -> ConnectAnswer:
    """Decide whether a device may connect, and write nothing."""
    return decide_connect(unit, request).answer


def answer_check(unit: Unit, request: CheckRequest) -> CheckAnswer:
    """Say which of those connected may no longer be: disabled, deleted, unknown, a child."""
    allowed = set(
        unit.session.scalars(
            select(Device.device_id).where(
                Device.device_id.in_(request.device_ids),
                Device.deleted_at.is_(None),
                Device.disabled_at.is_(None),
                Device.gateway_id.is_(None),
            )
        )
    )
    return CheckAnswer(refused=[item for item in request.device_ids if item not in allowed])
