"""What a broker with files of its own must know: whose secret is which, and who was deleted."""

from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from muster_platform.devices.models import Credential, Device
from muster_platform.outbox import WAKE_ACCOUNTS, Wake
from muster_platform.unit import Unit


def accounts_changed(unit: Unit) -> None:
    """Have the broker's files written again after the commit."""
    unit.outbox.add(Wake(WAKE_ACCOUNTS))


def device_accounts(session: Session, now_ms: int) -> dict[str, str]:
    """Give the hash of each device that may connect, by device id.

    Such a broker holds one secret for each name: of several that work, the newest counts.
    """
    statement = (
        select(Device.device_id, Credential.hash)
        .join(Credential, Credential.device_key == Device.id)
        .where(
            Device.deleted_at.is_(None),
            Device.disabled_at.is_(None),
            Device.gateway_id.is_(None),
            Credential.revoked_at.is_(None),
            or_(Credential.expires_at.is_(None), Credential.expires_at > now_ms),
        )
        .order_by(Credential.created_at, Credential.id)
    )
    return {row.device_id: row.hash for row in session.execute(statement)}


def own_connections(session: Session, device_ids: list[str]) -> set[str]:
    """Give those that are registered and no children, enabled or not."""
    found: set[str] = set()
    for first in range(0, len(device_ids), 500):
        statement = select(Device.device_id).where(
            Device.device_id.in_(device_ids[first : first + 500]),
            Device.deleted_at.is_(None),
            Device.gateway_id.is_(None),
        )
        found.update(session.scalars(statement))
    return found


class Deleted(NamedTuple):
    """A device that was deleted; another may have its id by now."""

    key: int
    device_id: str


def deleted_since(session: Session, since_ms: int) -> list[Deleted]:
    """Give the devices that were deleted at that time or later, ms since the epoch."""
    statement = select(Device.id, Device.device_id).where(Device.deleted_at >= since_ms)
    return [Deleted(key, device_id) for key, device_id in session.execute(statement)]
