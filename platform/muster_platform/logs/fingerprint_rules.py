"""What becomes of a fault: states, and when it has come back. Pure."""

from enum import StrEnum

from muster_platform.devices.version_order import version_key

DAY_MS = 86_400_000


class FingerprintState(StrEnum):
    """What people have decided, or that it came back against that."""

    OPEN = "OPEN"
    REGRESSED = "REGRESSED"
    RESOLVED = "RESOLVED"
    IGNORED = "IGNORED"


AGENT_COMPONENT = "muster-agent"
APP_COMPONENT = "app"


def app_version(inventory: dict[str, str]) -> str:
    """Give the version that a device's errors are counted under.

    It is that of the component `app`, else of the only one beside the agent, else "".

    Args:
        inventory: component -> version.
    """
    if APP_COMPONENT in inventory:
        return inventory[APP_COMPONENT]
    others = [version for name, version in inventory.items() if name != AGENT_COMPONENT]
    return others[0] if len(others) == 1 else ""


def has_regressed(resolved_at: int, resolved_in: str, ts: int, version: str) -> bool:
    """Say whether a record shows that a resolved fault is back.

    A record from before the fault was resolved does not, however late it comes; nor does one of
    a version older than the one that resolved it. Where either version is not known, the time
    decides: better told once too often than missed.

    Args:
        resolved_at, ts: ms since the epoch.
        resolved_in: "" where nobody said.
        version: that the device ran, "" where it does not say.
    """
    if ts <= resolved_at:
        return False
    if not resolved_in or not version:
        return True
    return version_key(version) >= version_key(resolved_in)
