"""Secrets of devices, and the tokens that let devices fetch their own."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.credentials import OVERLAP_MAX_S, OVERLAP_S, CredentialService
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.models import Credential, EnrolmentToken
from muster_platform.errors import Conflict, NotFound
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Key, Listed, Millis, Name
from muster_platform.web.api.routing import Routes

routes = Routes("Credentials and enrolment")

ENROL = Permission.DEVICES_ENROL


class CredentialAnswer(msgspec.Struct, kw_only=True):
    """A device's credential, without its secret. Times are ms since the epoch.

    Attributes:
        prefix: first characters of the secret, to recognise it.
        last_used_at: when the device last connected with it, exact to an hour.
        install_id: the installation that enrolled with it.
        token: name of the enrolment token it came from; null for one made by a person.
    """

    id: str
    prefix: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    install_id: str | None
    token: str | None


class Rotation(Input, kw_only=True):
    """How long the secrets before still work; 0 ends them now."""

    overlap_s: Annotated[int, Meta(ge=0, le=OVERLAP_MAX_S)] = OVERLAP_S


class SecretAnswer(msgspec.Struct, kw_only=True):
    """A device's new secret; it is shown now and never again (null in a repeated answer)."""

    device_id: str
    secret: str | None


class RevokedAnswer(msgspec.Struct, kw_only=True):
    """How many working secrets were ended."""

    revoked: int


class NewToken(Input, kw_only=True):
    """An enrolment token to be made.

    Attributes:
        mode: `pre_registered`: only devices that are registered; `allow_new`: others too;
            `approve`: a person decides on each.
        reenrol: a device that has a working secret may enrol again.
    """

    name: Name
    profile: Annotated[str, Meta(min_length=1, max_length=64)]
    group_id: Key
    mode: Literal["pre_registered", "allow_new", "approve"] = "pre_registered"
    max_uses: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    expires_at: Millis | None = None
    reenrol: bool = False


class TokenAnswer(msgspec.Struct, kw_only=True):
    """An enrolment token, without its text. Times are ms since the epoch.

    Attributes:
        prefix: first characters of its text, to recognise it.
    """

    id: str
    name: str
    profile: str
    group_id: int
    group_name: str
    mode: str
    reenrol: bool
    prefix: str
    max_uses: int | None
    uses: int
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class TokenMade(TokenAnswer, kw_only=True):
    """A new enrolment token; its text is shown now and never again."""

    token: str | None


@routes.add("GET", "/devices/{device_id}/credentials", permission=Permission.DEVICES_READ)
def list_credentials(unit: Unit, device_id: str) -> Listed[CredentialAnswer]:
    """List a device's credentials, newest first; none holds a secret."""
    service = CredentialService(unit)
    rows = service.list(device_id)
    tokens = service.sources(rows)
    return Listed(items=[_credential(row, tokens) for row in rows])


@routes.add(
    "POST",
    "/devices/{device_id}/credentials",
    permission=ENROL,
    status=201,
    errors=(Conflict,),
    idempotent=True,
    secrets=("secret",),
)
def rotate_credential(unit: Unit, device_id: str, body: Rotation) -> SecretAnswer:
    """Give a device a new secret; those before it end after the overlap."""
    secret = CredentialService(unit).rotate(device_id, body.overlap_s)
    return SecretAnswer(device_id=device_id, secret=secret)


@routes.add(
    "DELETE",
    "/devices/{device_id}/credentials/{credential_id}",
    permission=ENROL,
    errors=(Conflict,),
)
def revoke_credential(unit: Unit, device_id: str, credential_id: str) -> None:
    """End one secret now and close the connection that may have used it."""
    CredentialService(unit).revoke(device_id, credential_id)


@routes.add("DELETE", "/devices/{device_id}/credentials", permission=ENROL, errors=(Conflict,))
def revoke_credentials(unit: Unit, device_id: str) -> RevokedAnswer:
    """End all secrets of a device, so that it may enrol again."""
    return RevokedAnswer(revoked=CredentialService(unit).revoke_all(device_id))


@routes.add("GET", "/enrolment-tokens", permission=ENROL)
def list_tokens(unit: Unit) -> Listed[TokenAnswer]:
    """List the enrolment tokens of groups that you may enrol into, newest first."""
    return Listed(items=[_token(row) for row in EnrolmentService(unit).list()])


@routes.add(
    "POST",
    "/enrolment-tokens",
    permission=ENROL,
    status=201,
    errors=(NotFound,),
    idempotent=True,
    secrets=("token",),
)
def create_token(unit: Unit, body: NewToken) -> TokenMade:
    """Make an enrolment token."""
    row, text = EnrolmentService(unit).create_token(
        body.name,
        body.profile,
        body.group_id,
        body.mode,
        body.max_uses,
        body.expires_at,
        body.reenrol,
    )
    return TokenMade(**msgspec.structs.asdict(_token(row)), token=text)


@routes.add("DELETE", "/enrolment-tokens/{token_id}", permission=ENROL)
def revoke_token(unit: Unit, token_id: str) -> TokenAnswer:
    """End an enrolment token; devices that it let in stay."""
    return _token(EnrolmentService(unit).revoke(token_id))


def _credential(row: Credential, tokens: dict[str, str]) -> CredentialAnswer:
    names = [name for name in CredentialAnswer.__struct_fields__ if name != "token"]
    fields = {name: getattr(row, name) for name in names}
    return CredentialAnswer(**fields, token=tokens.get(row.enrolment_token_id or ""))


def _token(row: EnrolmentToken) -> TokenAnswer:
    return TokenAnswer(
        id=row.id,
        name=row.name,
        profile=row.profile.name,
        group_id=row.group.id,
        group_name=row.group.name,
        mode=row.mode,
        reenrol=row.reenrol,
        prefix=row.token_prefix,
        max_uses=row.max_uses,
        uses=row.uses,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
