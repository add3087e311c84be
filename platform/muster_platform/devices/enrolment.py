"""Enrolment: a token lets devices of a profile fetch their own secret."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import or_, select, update

from muster_platform.access import audit
from muster_platform.access.narrow import in_permitted_group, require_on
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.approval import Told, ask, check_fits
from muster_platform.devices.credentials import add_credential, working_credentials
from muster_platform.devices.find import live_device
from muster_platform.devices.models import Credential, Device, EnrolmentToken
from muster_platform.devices.outbound import disconnect
from muster_platform.devices.profiles import find_profile
from muster_platform.devices.rows import add_device, add_event
from muster_platform.devices.service import require_group
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
)
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7
from muster_protocol.limits import ID_CHARS

Mode = Literal["pre_registered", "allow_new", "approve"]
MODES: tuple[Mode, ...] = ("pre_registered", "allow_new", "approve")
NAME_CHARS = 128
TOKEN_BYTES = 32
PREFIX_CHARS = 12
_MARK = "mst_"
"""Begins every token, so that one found in a log or a repository is known for what it is."""


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What a device gets.

    Attributes:
        secret: its password for MQTT and HTTPS; shown this once.
        created: the device was not registered before.
    """

    device: Device
    secret: str
    created: bool


@dataclass(frozen=True, slots=True)
class EnrolmentWaiting:
    """A person has to approve; the device is to ask again.

    Attributes:
        retry_after_s: seconds to wait.
    """

    device_id: str
    retry_after_s: int


class EnrolmentService:
    """Makes tokens, and takes devices in."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def create_token(
        self,
        name: str,
        profile: str | int,
        group_id: int,
        mode: str = "pre_registered",
        max_uses: int | None = None,
        expires_at: int | None = None,
        reenrol: bool = False,
    ) -> tuple[EnrolmentToken, str]:
        """Make a token.

        Args:
            profile: name or id; only devices of it enrol.
            group_id: new devices get it as home; registered ones must be in it or inside it.
            mode: `pre_registered`, `allow_new` or `approve`.
            expires_at: ms since the epoch; None for never.
            reenrol: whether a device that has a working secret may enrol again (its earlier
                secrets end). Without it whoever holds the token cannot take over a device.

        Returns:
            The row and the token's text, shown this once.

        Raises:
            NotFound: no such profile, or no such group that the actor may read.
            PermissionDenied: without devices:enrol on the group.
            InvalidInput: names the field that does not fit.
        """
        group = require_group(self._unit, group_id, Permission.DEVICES_ENROL)
        text = _MARK + secrets.token_urlsafe(TOKEN_BYTES)
        token = EnrolmentToken(
            id=uuid7(self._unit.now()),
            name=_check_name(name),
            profile=find_profile(self._unit, profile),
            group=group,
            mode=_check_mode(mode),
            reenrol=reenrol,
            token_hash=_hash(text),
            token_prefix=text[:PREFIX_CHARS],
            max_uses=_check_uses(max_uses),
            uses=0,
            created_at=self._unit.now(),
            expires_at=_check_expiry(expires_at, self._unit.now()),
        )
        self._session.add(token)
        self._session.flush()
        described = {"profile": token.profile.name, "group": group.name, "mode": token.mode}
        self._note("enrolment_token.create", token, after={**described, "reenrol": reenrol})
        return token, text

    def list(self) -> list[EnrolmentToken]:
        """List the tokens of groups that the actor may enrol into, newest first.

        Raises:
            PermissionDenied: without devices:enrol on any group.
        """
        actor = self._unit.actor
        actor.require_somewhere(Permission.DEVICES_ENROL)
        narrowed = in_permitted_group(actor, Permission.DEVICES_ENROL, EnrolmentToken.group_id)
        statement = select(EnrolmentToken).where(narrowed).order_by(EnrolmentToken.id.desc())
        return list(self._session.scalars(statement))

    def revoke(self, token_id: str) -> EnrolmentToken:
        """End a token; devices that it let in stay.

        Raises:
            NotFound: no such token in a group that the actor may read.
            PermissionDenied: without devices:enrol on that group.
        """
        token = self._session.get(EnrolmentToken, token_id)
        if token is None:
            raise NotFound("enrolment token", token_id)
        require_on(
            self._unit.actor,
            Permission.DEVICES_ENROL,
            token.group,
            read=Permission.GROUPS_READ,
            kind="enrolment token",
            name=token_id,
        )
        if token.revoked_at is None:
            token.revoked_at = self._unit.now()
            self._note("enrolment_token.revoke", token)
        return token

    def enrol(
        self, token: str, device_id: str, install_id: str, told: Told | None = None
    ) -> EnrolmentResult | EnrolmentWaiting:
        """Let a device in; the token is the right, so this runs as a system actor.

        The same token and install_id again within settings.enrolment_repeat_s replaces the
        secret: the answer was lost.

        Args:
            told: shown to the person who approves.

        Raises:
            NotAuthenticated: the token is unknown, expired, revoked or used up.
            InvalidInput: device_id or install_id do not fit.
            Conflict: the device is not registered and the token allows no new ones; it is of
                another profile or group, disabled, a child, or has enrolled already.
            Rejected: a person has said no.
            RateLimited: too many wait for approval.
        """
        row = self._valid_token(token)
        if not install_id or len(install_id) > ID_CHARS:
            raise InvalidInput(f"install_id has 1 to {ID_CHARS} characters", where="install_id")
        device = live_device(self._session, device_id)
        if row.mode == "approve":
            return self._enrol_approved(row, device, device_id, clean(install_id), told or Told())
        if device is None:
            return self._enrol_new(row, device_id, clean(install_id))
        return self._enrol_known(row, device, clean(install_id))

    def _valid_token(self, text: str) -> EnrolmentToken:
        row = self._session.scalar(
            select(EnrolmentToken).where(EnrolmentToken.token_hash == _hash(text))
        )
        now = self._unit.now()
        if row is None or not hmac.compare_digest(row.token_hash, _hash(text)):
            raise NotAuthenticated("the enrolment token is not known; check it for lost characters")
        if row.revoked_at is not None:
            raise NotAuthenticated("the enrolment token was revoked; ask for another one")
        if row.expires_at is not None and row.expires_at <= now:
            raise NotAuthenticated("the enrolment token has expired; ask for another one")
        return row

    def _enrol_new(self, row: EnrolmentToken, device_id: str, install_id: str) -> EnrolmentResult:
        if row.mode != "allow_new":
            raise Conflict(
                f"{device_id} is not registered, and this enrolment token is for registered "
                "devices only; register it first",
                code="not_registered",
            )
        device = add_device(self._unit, device_id, row.profile, row.group)
        return self._admit(row, device, install_id, created=True)

    def _enrol_approved(
        self,
        row: EnrolmentToken,
        device: Device | None,
        device_id: str,
        install_id: str,
        told: Told,
    ) -> EnrolmentResult | EnrolmentWaiting:
        one = select(EnrolmentToken.id).where(EnrolmentToken.id == row.id)
        self._session.execute(one.with_for_update())
        if device is not None:
            check_fits(row, device)
            working = working_credentials(self._session, device, self._unit.now())
            if any(self._repeats(item, row, install_id) for item in working):
                return self._enrol_known(row, device, install_id)
            if working and not row.reenrol:
                raise _enrolled_already(device)
        request = ask(self._unit, row, device_id, install_id, told)
        if request.state == "PENDING" or device is None:
            return EnrolmentWaiting(device_id, self._unit.settings.enrolment_retry_s)
        request.used_at = self._unit.now()
        return self._enrol_known(row, device, install_id)

    def _enrol_known(self, row: EnrolmentToken, device: Device, install_id: str) -> EnrolmentResult:
        # One at a time: of two that ask at the same moment only one may find it free.
        one = select(Device.id).where(Device.id == device.id)
        self._session.execute(one.with_for_update(key_share=True))
        check_fits(row, device)
        working = working_credentials(self._session, device, self._unit.now())
        repeated = next((item for item in working if self._repeats(item, row, install_id)), None)
        if repeated is not None:
            repeated.revoked_at = self._unit.now()
            return self._hand_out(row, device, install_id, created=False)
        if working and not row.reenrol:
            raise _enrolled_already(device)
        for item in working:
            item.revoked_at = self._unit.now()
        if working:
            disconnect(self._unit, device)
        return self._admit(row, device, install_id, created=False)

    def _repeats(self, item: Credential, row: EnrolmentToken, install_id: str) -> bool:
        return (
            item.enrolment_token_id == row.id
            and item.install_id == install_id
            and self._unit.now() - item.created_at <= self._unit.settings.enrolment_repeat_s * 1000
        )

    def _admit(
        self, row: EnrolmentToken, device: Device, install_id: str, *, created: bool
    ) -> EnrolmentResult:
        self._count_use(row)
        return self._hand_out(row, device, install_id, created=created)

    def _count_use(self, row: EnrolmentToken) -> None:
        # In SQL, so that two devices at the same moment cannot share the last use.
        free = or_(EnrolmentToken.max_uses.is_(None), EnrolmentToken.uses < EnrolmentToken.max_uses)
        taken = self._session.scalar(
            update(EnrolmentToken)
            .where(EnrolmentToken.id == row.id, free)
            .values(uses=EnrolmentToken.uses + 1)
            .returning(EnrolmentToken.id)
            .execution_options(synchronize_session=False)
        )
        if taken is None:
            raise NotAuthenticated("the enrolment token is used up; ask for another one")
        self._session.refresh(row, ["uses"])

    def _hand_out(
        self, row: EnrolmentToken, device: Device, install_id: str, *, created: bool
    ) -> EnrolmentResult:
        _, secret = add_credential(
            self._unit, device, enrolment_token_id=row.id, install_id=install_id
        )
        device.enrolled_at = self._unit.now()
        add_event(
            self._unit,
            device,
            "enrolment",
            f"Enrolled with the token {row.name}",
            {"install_id": install_id, "token": row.token_prefix},
        )
        return EnrolmentResult(device, secret, created)

    def _note(self, action: str, token: EnrolmentToken, after: object = None) -> None:
        audit.record(self._unit, action, "enrolment_token", token.id, token.name, after=after)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _enrolled_already(device: Device) -> Conflict:
    return Conflict(
        f"{device.device_id} has enrolled already; an operator can revoke its secrets, "
        "then it may enrol again",
        code="already_enrolled",
    )


def _check_name(name: str) -> str:
    text = clean(name).strip()
    if not text or len(text) > NAME_CHARS:
        raise InvalidInput(f"a token's name has 1 to {NAME_CHARS} characters", where="name")
    return text


def _check_mode(mode: str) -> str:
    if mode not in MODES:
        raise InvalidInput(f"mode is one of {', '.join(MODES)}", where="mode")
    return mode


def _check_uses(uses: int | None) -> int | None:
    if uses is not None and uses < 1:
        raise InvalidInput("max_uses is at least 1, or none for no limit", where="max_uses")
    return uses


def _check_expiry(expires_at: int | None, now_ms: int) -> int | None:
    if expires_at is not None and expires_at <= now_ms:
        raise InvalidInput("expires_at lies in the past", where="expires_at")
    return expires_at
