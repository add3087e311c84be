"""The one table of the kinds of rules."""

from typing import Any

from muster_platform.alerts.kinds.base import Kind
from muster_platform.alerts.kinds.logs import LogMatch, NewFingerprint
from muster_platform.alerts.kinds.offline import Offline
from muster_platform.alerts.kinds.platform import ExecutionFailures, PartDown, QuarantineGrows
from muster_platform.alerts.kinds.telemetry import Absent, Threshold
from muster_platform.errors import InvalidInput

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        Threshold(),
        Absent(),
        Offline(),
        LogMatch(),
        NewFingerprint(),
        ExecutionFailures(),
        QuarantineGrows(),
        PartDown(),
    )
}
"""By name, in the order that people see."""


def kind_of(name: str) -> Kind[Any]:
    """Find a kind.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in KINDS:
        raise InvalidInput(f"kind is one of {', '.join(KINDS)}", where="kind")
    return KINDS[name]
