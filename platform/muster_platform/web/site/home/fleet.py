"""Panels over devices: how many in which state, which need a look, what they have, what changed."""

from dataclasses import dataclass
from typing import Any

from muster_platform.access.permissions import Permission
from muster_platform.devices.changes import Change, ChangeService
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.inventories import Behind, ComponentVersions, InventoryService
from muster_platform.devices.models import Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.jobs.failing import FailingDevice, FailureService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site import words
from muster_platform.web.site.home.panel import DAY_MS, ROWS, Panel
from muster_protocol.states import PresenceState

CHANGES = ("presence", "settings", "inventory", "enrolment", "credential", "clone")
"""Kinds of timeline lines that somebody on call wants to know of."""
ORDER = (
    PresenceState.ONLINE,
    PresenceState.SLEEPING,
    PresenceState.SUSPECT,
    PresenceState.OFFLINE,
    PresenceState.UNKNOWN,
)
"""From well to unknown, as tiles are read."""
COMPONENTS = 6
"""Components that a panel shows; the others are in their own list."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Devices of one profile by presence; `total` of all states."""

    name: str
    title: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """Count all."""
        return sum(self.counts.values())

    @property
    def shares(self) -> list[tuple[str, int, str]]:
        """Give (tone, number, label) of each state that there is."""
        looks = ((words.look(words.PRESENCE, state), n) for state, n in self.counts.items() if n)
        return [(look.tone, number, look.label) for look, number in looks]

    @property
    def words(self) -> str:
        """Give the shares in words."""
        return ", ".join(f"{number} {label.lower()}" for _tone, number, label in self.shares)


def fleet(unit: Unit) -> dict[str, int]:
    """Count devices by presence."""
    counts = DeviceService(unit).count_by_presence(DeviceFilter(disabled=False))
    return {str(state): counts[state] for state in ORDER}


def problems(unit: Unit) -> list[Device]:
    """Give the devices that are offline or suspect, the latest first."""
    wanted = DeviceFilter(
        presence=frozenset({PresenceState.OFFLINE, PresenceState.SUSPECT}),
        disabled=False,
        sort="since",
        descending=True,
    )
    return DeviceService(unit).list(wanted, PageRequest(ROWS)).items


def failing(unit: Unit) -> list[FailingDevice]:
    """Give the devices on which commands failed in the last day."""
    return FailureService(unit).devices(unit.now() - DAY_MS, ROWS)


def glance(unit: Unit) -> list[Glance]:
    """Count devices by profile and presence; profiles without devices are left out."""
    service = DeviceService(unit)
    found = []
    for profile in ProfileService(unit).list():
        counts = service.count_by_presence(DeviceFilter(profile=profile.name, disabled=False))
        named = {str(state): count for state, count in counts.items()}
        found.append(Glance(profile.name, profile.title or profile.name, named))
    return [one for one in found if one.total]


def heard(unit: Unit) -> list[Device]:
    """Give the devices whose state changed last."""
    wanted = DeviceFilter(disabled=False, sort="since", descending=True)
    return DeviceService(unit).list(wanted, PageRequest(ROWS)).items


def versions(unit: Unit) -> list[ComponentVersions]:
    """Give the components with their versions."""
    return InventoryService(unit).versions()[:COMPONENTS]


def behind(unit: Unit) -> list[Behind]:
    """Give devices with older versions than others have."""
    return InventoryService(unit).behind(ROWS)


def changes(unit: Unit) -> list[Change]:
    """Give what changed in the last day."""
    return ChangeService(unit).recent(unit.now() - DAY_MS, CHANGES, 12)


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    devices: Any = {"permissions": (Permission.DEVICES_READ,), "topics": "fleet:presence"}
    return [
        Panel(name="fleet", title="", read=fleet, **devices),
        Panel(
            name="problems",
            title="Devices that need a look",
            read=problems,
            more=("All offline", "device.index_view"),
            more_filters={"presence": str(PresenceState.OFFLINE)},
            **devices,
        ),
        Panel(
            name="glance",
            title="By profile",
            permissions=(Permission.DEVICES_READ, Permission.PROFILES_READ),
            read=glance,
            topics="fleet:presence",
        ),
        Panel(
            name="heard",
            title="Latest changes of state",
            read=heard,
            more=("All devices", "device.index_view"),
            **devices,
        ),
        Panel(
            name="failing",
            title="Devices on which commands failed",
            permissions=(Permission.DEVICES_READ, Permission.COMMANDS_READ),
            read=failing,
            topics="fleet:execution",
        ),
        Panel(
            name="versions",
            title="Versions in the fleet",
            permissions=(Permission.DEVICES_READ,),
            read=versions,
            every_s=30,
            more=("All components", "versions.index"),
        ),
        Panel(
            name="behind",
            title="Devices with old versions",
            permissions=(Permission.DEVICES_READ,),
            read=behind,
            every_s=30,
        ),
        Panel(
            name="changes",
            title="What changed in 24 hours",
            read=changes,
            **devices,
        ),
    ]
