"""The limits that a profile sets for its devices: one table of what each may be."""

from collections.abc import Mapping
from typing import NamedTuple

from muster_platform.devices.models import Profile
from muster_platform.errors import InvalidInput

DAYS_MAX = 3_650
LONGEST_S = 10 * 365 * 86_400


class Limit(NamedTuple):
    """One limit.

    Attributes:
        least, most: what it may be, beside what `default` means.
        default: 0 (no limit) or None (the installation's).
    """

    name: str
    least: int
    most: int
    default: int | None


LIMITS: tuple[Limit, ...] = (
    Limit("message_bytes_max", 256, 1024 * 1024, 0),
    Limit("metrics_max", 1, 100_000, 0),
    Limit("telemetry_kept_days", 0, DAYS_MAX, None),
    Limit("logs_kept_days", 0, DAYS_MAX, None),
    Limit("command_queue_s", 1, LONGEST_S, None),
    Limit("command_timeout_s", 1, LONGEST_S, None),
    Limit("command_step_timeout_s", 1, LONGEST_S, None),
)
_BY_NAME = {limit.name: limit for limit in LIMITS}


def check_limits(given: Mapping[str, object]) -> dict[str, int | None]:
    """Check limits by name.

    Raises:
        InvalidInput: no such limit, or out of range; `where` is its name.
    """
    return {name: _checked(name, value) for name, value in given.items()}


def limits_of(profile: Profile) -> dict[str, int | None]:
    """Give a profile's limits by name."""
    return {limit.name: getattr(profile, limit.name) for limit in LIMITS}


def _checked(name: str, value: object) -> int | None:
    limit = _BY_NAME.get(name)
    if limit is None:
        raise InvalidInput(f"a profile has no limit {name}", where=name)
    if value == limit.default and not isinstance(value, bool):
        return limit.default
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not limit.least <= value <= limit.most:  # type: ignore[operator]
        otherwise = "0 for none" if limit.default == 0 else "empty for the installation's"
        raise InvalidInput(
            f"{name} is {limit.least} to {limit.most}, or {otherwise}; not {value!r}", where=name
        )
    return value  # type: ignore[return-value]
