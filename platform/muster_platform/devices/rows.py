"""Making a device with all the rows that belong to it."""

from sqlalchemy.exc import IntegrityError

from muster_platform.access.models import Group
from muster_platform.db.text import clean
from muster_platform.devices.events import add_event as add_event
from muster_platform.devices.models import (
    Device,
    DeviceSettings,
    Presence,
    Profile,
    Tag,
)
from muster_platform.devices.settings_effective import bring_up_to_date
from muster_platform.errors import Conflict, InvalidInput
from muster_platform.unit import Unit
from muster_protocol.ids import DEVICE_ID_PATTERN, is_device_id
from muster_protocol.states import PresenceState

NAME_CHARS = 128


def add_device(
    unit: Unit,
    device_id: str,
    profile: Profile,
    group: Group,
    *,
    display_name: str = "",
    tags: dict[str, str] | None = None,
    gateway: Device | None = None,
) -> Device:
    """Insert a device with its presence and settings.

    Raises:
        InvalidInput: device_id or display_name do not fit.
        Conflict: the id is taken.
    """
    if not is_device_id(device_id):
        raise InvalidInput(
            f"not a device id: {device_id[:80]!r}; it must match {DEVICE_ID_PATTERN}",
            where="device_id",
        )
    now = unit.now()
    name = check_display_name(display_name) or device_id
    device = Device(
        device_id=device_id,
        display_name=name,
        search=search_text(device_id, name),
        profile=profile,
        group=group,
        gateway_id=gateway.id if gateway else None,
        plain=True,
        agent="",
        capabilities=[],
        attributes={},
        created_at=now,
        presence=Presence(state=PresenceState.UNKNOWN, reason="", since=now, session=0),
        tags=[Tag(name=key, value=value) for key, value in sorted((tags or {}).items())],
    )
    try:
        # A savepoint: PostgreSQL would give the whole transaction up for a taken id.
        with unit.session.begin_nested():
            unit.session.add(device)
    except IntegrityError as error:
        raise Conflict(f"there is a device {device_id} already", code="exists") from error
    unit.session.add(
        DeviceSettings(
            device_key=device.id,
            version=0,
            desired={},
            applied_version=0,
            reported={},
            errors={},
        )
    )
    unit.session.flush()
    bring_up_to_date(unit, [device.id])
    return device


def check_display_name(name: str) -> str:
    """Clean a display name ("" is none given).

    Raises:
        InvalidInput: too long.
    """
    text = clean(name).strip()
    if len(text) > NAME_CHARS:
        raise InvalidInput(
            f"a display name has at most {NAME_CHARS} characters", where="display_name"
        )
    return text


def search_text(device_id: str, display_name: str) -> str:
    """Give what the search box looks into."""
    return f"{device_id} {display_name}".lower()
