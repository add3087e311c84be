"""Secrets of devices: made, rotated, revoked, checked."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from muster_broker.accounts.passwords import hash_secret, verify_secret
from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.devices.broker_accounts import accounts_changed
from muster_platform.devices.find import find_device, live_device
from muster_platform.devices.models import Credential, Device, EnrolmentToken
from muster_platform.devices.outbound import disconnect
from muster_platform.devices.rows import add_event
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

SECRET_BYTES = 32
PREFIX_CHARS = 6
"""Characters of a secret that are kept in the clear to recognise it: of 43, all random."""
OVERLAP_S = 24 * 3600
"""How long the secrets before a rotation still work, unless told otherwise."""
OVERLAP_MAX_S = 366 * 86_400
USE_STEP_MS = 3_600_000
"""last_used_at is exact to this: a fleet that connects again and again writes little."""

_UNKNOWN = hash_secret("", salt=bytes(12))
"""Checked for a device without credentials, so that the answer takes as long."""


class CredentialService:
    """What people do with the secrets of devices."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def rotate(self, device_id: str, overlap_s: int = OVERLAP_S) -> str:
        """Give a device a new secret (256 random bits); those before it end after the overlap.

        Args:
            overlap_s: seconds for which older secrets still work; 0 ends them now.

        Returns:
            The secret: shown this once, only its hash is kept.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without devices:enrol on its group.
            InvalidInput: the overlap is negative or longer than a year.
            Conflict: a child has no credential of its own.
        """
        if not 0 <= overlap_s <= OVERLAP_MAX_S:
            raise InvalidInput(f"overlap_s is 0 to {OVERLAP_MAX_S} seconds", where="overlap_s")
        device = self._own(device_id)
        ends_at = self._unit.now() + overlap_s * 1000
        self._session.execute(
            update(Credential)
            .where(
                Credential.device_key == device.id,
                Credential.revoked_at.is_(None),
                or_(Credential.expires_at.is_(None), Credential.expires_at > ends_at),
            )
            .values(expires_at=ends_at)
        )
        _, secret = add_credential(self._unit, device)
        if overlap_s == 0:
            disconnect(self._unit, device)
        self._note("credential.rotate", device, {"overlap_s": overlap_s})
        return secret

    def revoke(self, device_id: str, credential_id: str) -> None:
        """End one secret now and close the connection, which may have used it.

        Raises:
            NotFound: no such device that the actor may read, or no such credential of it.
            PermissionDenied: without devices:enrol on its group.
        """
        device = self._own(device_id)
        row = self._session.get(Credential, credential_id)
        if row is None or row.device_key != device.id:
            raise NotFound("credential", credential_id)
        if row.revoked_at is None:
            row.revoked_at = self._unit.now()
            disconnect(self._unit, device)
            self._note("credential.revoke", device, {"credential": row.id, "prefix": row.prefix})

    def revoke_all(self, device_id: str) -> int:
        """End all secrets of a device, so that it may enrol again; give how many worked.

        Raises:
            NotFound, PermissionDenied: as `revoke`.
        """
        device = self._own(device_id)
        count = end_credentials(self._unit, device)
        disconnect(self._unit, device)
        self._note("credential.revoke_all", device, {"revoked": count})
        return count

    def list(self, device_id: str) -> list[Credential]:
        """List a device's credentials, newest first; none holds a secret.

        Raises:
            NotFound: no such device that the actor may read.
        """
        device = find_device(self._unit, device_id)
        statement = select(Credential).where(Credential.device_key == device.id)
        return list(
            self._session.scalars(
                statement.order_by(Credential.created_at.desc(), Credential.id.desc())
            )
        )

    def sources(self, rows: Sequence[Credential]) -> dict[str, str]:
        """Give the names of the enrolment tokens that credentials came from, by token id."""
        ids = {row.enrolment_token_id for row in rows if row.enrolment_token_id}
        statement = select(EnrolmentToken.id, EnrolmentToken.name)
        found = self._session.execute(statement.where(EnrolmentToken.id.in_(ids)))
        return {row.id: row.name for row in found}

    def _own(self, device_id: str) -> Device:
        device = find_device(self._unit, device_id, Permission.DEVICES_ENROL)
        if device.gateway_id is not None:
            raise Conflict(f"{device_id} is a child: its gateway connects for it", code="child")
        return device

    def _note(self, action: str, device: Device, after: dict[str, object]) -> None:
        audit.record(
            self._unit,
            action,
            "device",
            device.id,
            device.device_id,
            after=after,
            device_key=device.id,
        )
        add_event(self._unit, device, "credential", _SUMMARIES[action])


_SUMMARIES = {
    "credential.rotate": "New secret made",
    "credential.revoke": "A secret was revoked",
    "credential.revoke_all": "All secrets were revoked",
}


def add_credential(
    unit: Unit,
    device: Device,
    *,
    enrolment_token_id: str | None = None,
    install_id: str | None = None,
) -> tuple[Credential, str]:
    """Make a secret for a device and store its hash; whoever calls has checked the right."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = Credential(
        id=uuid7(unit.now()),
        device_key=device.id,
        hash=hash_secret(secret),
        prefix=secret[:PREFIX_CHARS],
        created_at=unit.now(),
        enrolment_token_id=enrolment_token_id,
        install_id=install_id,
    )
    unit.session.add(row)
    unit.session.flush()
    accounts_changed(unit)
    return row, secret


def working_credentials(session: Session, device: Device, now_ms: int) -> list[Credential]:
    """Give the credentials that a device can connect with now, newest first."""
    statement = (
        select(Credential)
        .where(
            Credential.device_key == device.id,
            Credential.revoked_at.is_(None),
            or_(Credential.expires_at.is_(None), Credential.expires_at > now_ms),
        )
        .order_by(Credential.created_at.desc(), Credential.id.desc())
    )
    return list(session.scalars(statement))


def end_credentials(unit: Unit, device: Device) -> int:
    """Revoke what works of a device's credentials; give how many."""
    rows = working_credentials(unit.session, device, unit.now())
    for row in rows:
        row.revoked_at = unit.now()
    unit.session.flush()
    return len(rows)


class Proof(NamedTuple):
    """A secret that works: whose it is, and which."""

    device: Device
    credential: Credential


def prove(session: Session, device_id: str, secret: str, now_ms: int) -> Proof | None:
    """Check a device's secret (HTTPS basic, the broker's contract).

    Returns:
        The device when the secret works; it may be disabled: the caller must look. None for
        an unknown device, a child, or a wrong, expired or revoked secret.
    """
    device = live_device(session, device_id)
    rows = [] if device is None else working_credentials(session, device, now_ms)
    if device is None or device.gateway_id is not None or not rows:
        verify_secret(secret, _UNKNOWN)
        return None
    found = next((row for row in rows if verify_secret(secret, row.hash)), None)
    return None if found is None else Proof(device, found)


def verify(session: Session, device_id: str, secret: str, now_ms: int) -> Device | None:
    """Give the device whose secret this is, as `prove`."""
    proof = prove(session, device_id, secret, now_ms)
    return None if proof is None else proof.device


def is_use_news(credential: Credential, now_ms: int) -> bool:
    """Say whether a use of it now is worth a write: once an hour is."""
    return now_ms - (credential.last_used_at or 0) >= USE_STEP_MS


def note_use(unit: Unit, credential_id: str) -> None:
    """Store that a secret was used now."""
    unit.session.execute(
        update(Credential)
        .where(Credential.id == credential_id)
        .values(last_used_at=unit.now())
        .execution_options(synchronize_session=False)
    )
