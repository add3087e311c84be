"""Profiles: the types of devices."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Profile
from muster_platform.devices.profile_limits import DAYS_MAX
from muster_platform.devices.profiles import ProfileService
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed, Seconds
from muster_platform.web.api.routing import Routes
from muster_protocol.limits import EXPECT_EVERY_S

routes = Routes("Profiles")

ProfileName = Annotated[str, Meta(min_length=1, max_length=64)]
Title = Annotated[str, Meta(max_length=128)]
Contact = Literal["always", "periodic"]
Qos = Annotated[int, Meta(ge=0, le=2)]


class ProfileAnswer(msgspec.Struct, kw_only=True):
    """A device type.

    Attributes:
        contact: `always` (a lost connection is OFFLINE) or `periodic` (it is SLEEPING).
        expect_every_s: silence after which a device is missed.
        qos_down: QoS of commands.
        version: counts the edits; for If-Match.
    """

    name: str
    title: str
    contact: str
    expect_every_s: int
    qos_down: int
    created_at: int
    version: int
    message_bytes_max: int
    metrics_max: int
    telemetry_kept_days: int | None
    logs_kept_days: int | None
    command_queue_s: int | None
    command_timeout_s: int | None
    command_step_timeout_s: int | None


class ProfileLimits(Input, kw_only=True):
    """What a profile allows its devices, and how long what they say is kept.

    Attributes:
        message_bytes_max: largest telemetry, log or event message taken, in bytes; 0 for the
            installation's. A larger one goes to quarantine.
        metrics_max: most names of telemetry of one device; 0 for any number. A message with
            one more goes to quarantine.
        telemetry_kept_days, logs_kept_days: 0 for ever, null for the installation's.
        command_queue_s, command_timeout_s, command_step_timeout_s: limits of commands for which
            nobody chose any; null for the installation's.
    """

    message_bytes_max: Annotated[int, Meta(ge=0, le=1024 * 1024)] | UnsetType = UNSET
    metrics_max: Annotated[int, Meta(ge=0, le=100_000)] | UnsetType = UNSET
    telemetry_kept_days: Annotated[int, Meta(ge=0, le=DAYS_MAX)] | UnsetType | None = UNSET
    logs_kept_days: Annotated[int, Meta(ge=0, le=DAYS_MAX)] | UnsetType | None = UNSET
    command_queue_s: Seconds | UnsetType | None = UNSET
    command_timeout_s: Seconds | UnsetType | None = UNSET
    command_step_timeout_s: Seconds | UnsetType | None = UNSET

    def given(self) -> dict[str, object]:
        """Give the limits that were named."""
        named = {name: getattr(self, name) for name in ProfileLimits.__struct_fields__}
        return {name: value for name, value in named.items() if value is not UNSET}


class NewProfile(ProfileLimits, kw_only=True):
    """A profile to be made; the name never changes."""

    name: ProfileName
    title: Title = ""
    contact: Contact = "always"
    expect_every_s: Seconds = EXPECT_EVERY_S
    qos_down: Qos = 1


class ProfileChange(ProfileLimits, kw_only=True):
    """What to change; null leaves title, contact, expect_every_s and qos_down as they are."""

    title: Title | None = None
    contact: Contact | None = None
    expect_every_s: Seconds | None = None
    qos_down: Qos | None = None


WRITE = Permission.PROFILES_WRITE


@routes.add("GET", "/profiles", permission=Permission.PROFILES_READ)
def list_profiles(unit: Unit) -> Listed[ProfileAnswer]:
    """List all profiles by name."""
    return Listed(items=[profile_answer(row) for row in ProfileService(unit).list()])


@routes.add("POST", "/profiles", permission=WRITE, status=201, errors=(Conflict,), idempotent=True)
def create_profile(unit: Unit, body: NewProfile) -> ProfileAnswer:
    """Make a profile."""
    made = ProfileService(unit).create(
        body.name,
        body.title,
        body.contact,
        body.expect_every_s,
        body.qos_down,
        limits=body.given(),
    )
    return profile_answer(made)


@routes.add("GET", "/profiles/{name}", permission=Permission.PROFILES_READ, etag="version")
def get_profile(unit: Unit, name: str) -> ProfileAnswer:
    """Get a profile by its name."""
    return profile_answer(ProfileService(unit).get(name))


@routes.add("PATCH", "/profiles/{name}", permission=WRITE, etag="version")
def update_profile(
    unit: Unit, name: str, body: ProfileChange, if_match: int | None
) -> ProfileAnswer:
    """Change a profile; the presence of its devices is judged by it from then on."""
    changed = ProfileService(unit).update(
        name,
        title=body.title,
        contact=body.contact,
        expect_every_s=body.expect_every_s,
        qos_down=body.qos_down,
        limits=body.given(),
        if_version=if_match,
    )
    return profile_answer(changed)


@routes.add("DELETE", "/profiles/{name}", permission=WRITE, errors=(Conflict,))
def delete_profile(unit: Unit, name: str) -> None:
    """Delete a profile that nothing uses."""
    ProfileService(unit).delete(name)


def profile_answer(profile: Profile) -> ProfileAnswer:
    """Show a profile."""
    return msgspec.convert(profile, ProfileAnswer, from_attributes=True)
