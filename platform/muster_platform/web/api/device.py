"""What devices ask over HTTPS: their secret, and a word while they have no MQTT."""

from typing import Annotated, Any

import msgspec
from flask import request
from msgspec import Meta

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.approval import Told
from muster_platform.devices.credentials import is_use_news, note_use, prove
from muster_platform.devices.enrolment import EnrolmentService, EnrolmentWaiting
from muster_platform.devices.ingest.contact import Contact, apply_contact
from muster_platform.devices.models import Device
from muster_platform.errors import Conflict, NotAuthenticated, Rejected
from muster_platform.unit import Unit
from muster_platform.updates.artifacts import for_device
from muster_platform.web import auth
from muster_platform.web.api.common import DeviceId
from muster_platform.web.api.release_files import file_answer
from muster_platform.web.api.routing import Binary, Caller, Routes
from muster_platform.web.context import client_address, platform
from muster_platform.web.limits import Limit
from muster_protocol.ids import is_device_id
from muster_protocol.messages import Component

routes = Routes("Devices themselves")

BODY_BYTES = 256 * 1024
REALM = 'Basic realm="muster device", charset="UTF-8"'

Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Enrolment(msgspec.Struct, kw_only=True):
    """A device asks for its secret.

    Attributes:
        token: an enrolment token.
        install_id: of this installation; the same again soon replaces a lost answer.
        profile: what the device takes itself for; refused where the token is for another.
        attributes: what it tells of itself; shown to the person who approves.
    """

    token: Annotated[str, Meta(min_length=1, max_length=128)]
    device_id: DeviceId
    install_id: Id
    profile: Id | None = None
    attributes: dict[str, Any] = {}


class BrokerAddress(msgspec.Struct, kw_only=True):
    """Where to connect, as mqtt://, mqtts://, ws:// or wss://."""

    url: str


class Enrolled(msgspec.Struct, kw_only=True):
    """The device is in; the secret is shown now and never again.

    Attributes:
        secret: password for MQTT (user name and client id are the device id) and HTTPS.
        trust_root: root of trust for updates; null in this version.
        signature: slot for a signature over it; null in this version.
    """

    device_id: str
    secret: str
    profile: str
    broker: list[BrokerAddress]
    trust_root: Any = None
    signature: Any = None


class EnrolmentPending(msgspec.Struct, kw_only=True):
    """A person has to approve; ask the same again after that time."""

    device_id: str
    state: str = "PENDING"
    retry_after_s: int


class DeviceHello(msgspec.Struct, kw_only=True):
    """What a device without MQTT tells; what is left out stays as it is.

    Attributes:
        attributes: {name: value}, such as push_token; null takes one away.
        inventory: all components.
    """

    attributes: dict[str, Any] = {}
    inventory: Annotated[list[Component], Meta(max_length=1_000)] | None = None


class DeviceHelloAnswer(msgspec.Struct, kw_only=True):
    """The server's clock (ms since the epoch), and the version of the desired settings."""

    ts: int
    settings_version: int


@routes.add(
    "POST",
    "/device/enrol",
    caller=Caller.ANYONE,
    status=201,
    errors=(NotAuthenticated, Conflict, Rejected),
    body_bytes=BODY_BYTES,
    also={202: EnrolmentPending},
)
def enrol(body: Enrolment) -> Enrolled | EnrolmentPending:
    """Exchange an enrolment token for the device's own secret."""
    settings = platform().settings
    limit = Limit("enrol", settings.enrolments_per_minute, "enrolments from this address")
    auth.spend(limit, client_address())
    with platform().unit(system_actor("enrolment")) as unit:
        told = Told(client_address(), body.attributes)
        found = EnrolmentService(unit).enrol(body.token, body.device_id, body.install_id, told)
        if isinstance(found, EnrolmentWaiting):
            return EnrolmentPending(device_id=found.device_id, retry_after_s=found.retry_after_s)
        profile = found.device.profile.name
        if body.profile is not None and body.profile != profile:
            raise Conflict(f"this enrolment token is for the profile {profile}, not {body.profile}")
        return Enrolled(
            device_id=found.device.device_id,
            secret=found.secret,
            profile=profile,
            broker=[BrokerAddress(url=url) for url in settings.broker_urls],
        )


@routes.add(
    "POST",
    "/device/hello",
    caller=Caller.DEVICE,
    errors=(NotAuthenticated, Conflict),
    body_bytes=BODY_BYTES,
)
def device_hello(body: DeviceHello) -> DeviceHelloAnswer:
    """Tell attributes and inventory while MQTT is not connected; presence stays as it is."""
    device_id, secret = _basic()
    per_minute = platform().settings.requests_per_minute
    auth.spend(Limit("device", per_minute, "requests of this device"), client_address(), device_id)
    with platform().unit(system_actor("device")) as unit:
        device = _admitted(unit, device_id, secret)
        contact = Contact(attributes=body.attributes, inventory=body.inventory)
        version = apply_contact(unit, device, contact, unit.now(), DEVICE_HOOKS)
        return DeviceHelloAnswer(ts=unit.now(), settings_version=version)


@routes.add(
    "GET",
    "/device/artifacts/{artifact_id}",
    caller=Caller.DEVICE,
    errors=(NotAuthenticated, Conflict),
)
def device_artifact(artifact_id: str) -> Binary:
    """Download a file of a published release for the device's profile, or by Range a part of it.

    A gateway may fetch what is for its children too.
    """
    device_id, secret = _basic()
    per_minute = platform().settings.requests_per_minute
    auth.spend(Limit("device", per_minute, "requests of this device"), client_address(), device_id)
    with platform().unit(system_actor("device")) as unit:
        artifact = for_device(unit, _admitted(unit, device_id, secret), artifact_id)
    found: Binary = file_answer(artifact)
    return found


def _basic() -> tuple[str, str]:
    """Read the header; refused alike whatever is wrong with it."""
    given = request.authorization
    if given is None or given.type != "basic":
        raise _refused()
    device_id, secret = given.username or "", given.password or ""
    if not is_device_id(device_id):
        raise _refused()
    return device_id, secret


def _admitted(unit: Unit, device_id: str, secret: str) -> Device:
    proof = prove(unit.session, device_id, secret, unit.now())
    if proof is None:
        raise _refused()
    device = proof.device
    if is_use_news(proof.credential, unit.now()):
        note_use(unit, proof.credential.id)
    if device.disabled_at is not None:
        raise Conflict(f"{device_id} is disabled: what it says is not taken", code="disabled")
    return device


def _refused() -> NotAuthenticated:
    return NotAuthenticated("send device id and secret by HTTP basic authentication", scheme=REALM)
