"""Fingerprints as they are shown outside, counted over what the reader may see."""

from dataclasses import dataclass, field
from typing import Any

from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_protocol.messages import Level

TREND_DAYS = 14


@dataclass(frozen=True, slots=True)
class FingerprintFilter:
    """Which faults; what is None or empty does not narrow.

    Attributes:
        text: words that all occur in the title.
        device_id, group_id: seen there.
        version: of the app, that it was seen in.
        since: seen since then; new_since: seen first since then. ms since the epoch.
        assignee: id of a user, or "" for those of nobody.
        sort: a name in SORTS.
    """

    states: frozenset[FingerprintState] = frozenset()
    text: str = ""
    device_id: str | None = None
    group_id: int | None = None
    version: str | None = None
    assignee: str | None = None
    since: int | None = None
    new_since: int | None = None
    sort: str = "last_seen"
    descending: bool = True


SORTS = ("last_seen", "first_seen", "count", "devices")


@dataclass(frozen=True, slots=True)
class FingerprintView:
    """A fault.

    Attributes:
        message: of its newest record that is still there, None where none is.
        level: the worst.
        count, devices, first_seen, last_seen, versions, trend: over the devices whose logs the
            reader may read. Times are ms since the epoch.
        versions: of the app, newest first.
        trend: records a day, oldest first, today last.
        version: of the decision, for `If-Match`.
    """

    id: str
    title: str
    message: str | None
    exception_type: str
    logger: str
    level: Level
    state: FingerprintState
    assignee_id: str | None
    assignee_name: str | None
    count: int
    devices: int
    first_seen: int
    last_seen: int
    versions: list[str]
    trend: list[int]
    resolved_at: int | None
    resolved_in: str
    regressed_at: int | None
    note: str
    version: int


@dataclass(frozen=True, slots=True)
class OnDevice:
    """A fault on one device; `version` is the one it was last seen in, "" for not known."""

    device_id: str
    count: int
    first_seen: int
    last_seen: int
    version: str


@dataclass(frozen=True, slots=True)
class InVersion:
    """A fault in one version of the app, "" for devices that do not say."""

    version: str
    count: int
    devices: int
    first_seen: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class OnDay:
    """Records of one day; `start` is its beginning, UTC, ms since the epoch."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class ActView:
    """What was done to a fault, or that it came back.

    Attributes:
        act: assigned, unassigned, resolved, reopened, ignored, noted, regressed.
        data: assignee (name), version.
    """

    id: str
    at: int
    actor_name: str
    act: str
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
