"""Panels over the platform itself: its parts, what the data takes."""

from muster_platform.access.permissions import Permission
from muster_platform.devices.storage import StorageFacts, StorageService
from muster_platform.parts.service import PartState
from muster_platform.unit import Unit
from muster_platform.web.context import platform
from muster_platform.web.parts import part_states
from muster_platform.web.site.home.panel import Panel


def parts(unit: Unit) -> list[PartState]:
    """Give every part with its state."""
    return part_states(platform(), unit)


def storage(unit: Unit) -> StorageFacts:
    """Give what the data takes."""
    return StorageService(unit).facts()


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    may_read = (Permission.SYSTEM_READ,)
    return [
        Panel(
            name="parts",
            title="Health of the platform",
            permissions=may_read,
            read=parts,
            every_s=10,
        ),
        Panel(name="storage", title="Storage", permissions=may_read, read=storage, every_s=60),
    ]
